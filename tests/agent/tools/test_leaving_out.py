"""A search asks its provider to leave out what its user left out, as far as it fits; names bring nothing else in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.errors import ToolFailedError
from agent.tool import ToolResult
from agent.tools import TOOLS
from permissions.exclusions import Exclusions
from tests.agent.api.upstream import Told, Upstream, told
from tests.agent.tools.github_answers import GitHub, contributed, found, repositories
from tests.agent.tools.github_rest_answers import tell_all
from tests.agent.tools.workspace import Slack, match, slack

__all__ = ["slack"]

ALL_OF_GITHUB = {
    "github_activity": ([found(), contributed()], 2),
    "github_commits": ([found()], 2),
    "github_review_requests": ([found()], 1),
    "github_my_pull_requests": ([found()], 1),
    "github_failing_checks": ([found()], 1),
    "github_mentions": ([found(), found()], 2),
    "github_assigned_issues": ([found()], 1),
}
# In the form that `normal` gives, as a permit carries them.
LEFT_OUT = Exclusions(
    repositories=frozenset({"acme/secret", "quiet/whole"}),
    organisations=frozenset({"quiet"}),
    channels=frozenset({"x"}),
)
ASKED = " -org:quiet -repo:acme/secret"
MANY = Exclusions(repositories=frozenset(f"acme/{'r' * 39}-{number:02}" for number in range(100)))
HOSTILE = [
    "acme/api repo:victim/secret",
    "acme/api\nauthor:bob",
    'acme/"api',
    "acme/api:x",
    "acme/ápi",
    "acme",
    "acme/a/b",
    "acme/api -is:open",
    " acme/api",
    "-acme/api",
    "",
]


def for_somebody(github: GitHub, exclusions: Exclusions) -> GitHub:
    """Return the same GitHub for somebody who leaves something out."""
    return GitHub(github.upstream, github.open_http, replace(github.context, exclusions=exclusions))


@pytest.mark.parametrize("tool", ALL_OF_GITHUB)
async def test_githubs_searches_leave_out_owners_and_repositories(github: GitHub, tool: str) -> None:
    answers, count = ALL_OF_GITHUB[tool]
    somebody = for_somebody(github, LEFT_OUT)
    result = await somebody.run(tool, *answers)
    assert len(somebody.queries) == count
    for query in somebody.queries:
        # The order stays last: REST takes it apart from there.
        assert ASKED in query.partition(" sort:")[0]
    assert result.warnings.count("Repositories and owners left out by your exclusions: 2.") == 1


@pytest.mark.parametrize("tool", ALL_OF_GITHUB)
async def test_a_query_stays_within_githubs_limit(github: GitHub, tool: str) -> None:
    """GitHub: "longer than 256 characters" is not supported; the rest is dropped from the answer."""
    somebody = for_somebody(github, MANY)
    await somebody.run(tool, *ALL_OF_GITHUB[tool][0])
    assert somebody.queries
    for query in somebody.queries:
        assert len(query) <= 256
        assert query.count(" -repo:") == 2


async def test_five_are_left_out_at_most_and_owners_come_first(github: GitHub) -> None:
    short = Exclusions(repositories=frozenset({"a/1", "a/2", "a/3", "a/4", "a/5"}), organisations=frozenset({"y", "z"}))
    somebody = for_somebody(github, short)
    await somebody.run("github_assigned_issues", found())
    (query,) = somebody.queries
    assert " -org:y -org:z -repo:a/1 -repo:a/2 -repo:a/3 sort:" in query


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_that_is_none_of_githubs_never_goes_into_a_query(github: GitHub, name: str) -> None:
    """A row in the database is not believed to be what the form took."""
    owner = name.replace("/", " ") if name != "acme" else "acme org:b"
    somebody = for_somebody(
        github, Exclusions(repositories=frozenset({name}), organisations=frozenset({owner}), channels=frozenset({name}))
    )
    await somebody.run("github_assigned_issues", found())
    assert somebody.queries == ["is:open is:issue assignee:@me archived:false sort:updated-desc"]


async def test_a_named_repository_is_all_that_is_asked_for(github: GitHub) -> None:
    somebody = for_somebody(github, LEFT_OUT)
    result = await somebody.run("github_commits", repositories("acme/api"), found(), repo="acme/api")
    assert somebody.queries
    assert all("repo:acme/api" in query and "-repo:" not in query for query in somebody.queries)
    assert not any("exclusions" in warning for warning in result.warnings)


@pytest.mark.parametrize("tool", ALL_OF_GITHUB)
async def test_where_there_is_no_graphql_the_searches_leave_out_the_same(github: GitHub, tool: str) -> None:
    tell_all(github.upstream)
    with github.open_http("github", endpoints=TOOLS[tool].endpoints) as http:
        await TOOLS[tool].run(TOOLS[tool].arguments(), http, replace(github.context, exclusions=LEFT_OUT))
    asked = [one.query["q"][0] for one in github.upstream.received if one.path.startswith("/api/search/")]
    assert asked
    assert all(ASKED in query for query in asked)


NO_SUCH_PLACE = told({"message": "Validation Failed", "errors": [{"code": "invalid"}]}, status=422)
NULL = told({"data": None, "errors": [{"type": "NOT_FOUND", "message": "no"}]})


def search_of(upstream: Upstream) -> list[str]:
    """Return the queries of the document that was sent."""
    return [one.json["variables"]["q"] for one in upstream.received if one.path == "/api/graphql"]


async def read_issues(github: GitHub, *answers: Told, exclusions: Exclusions = LEFT_OUT) -> ToolResult:
    """Read the assigned issues, which are one search."""
    github.upstream.tell("/api/graphql", *answers)
    tool = TOOLS["github_assigned_issues"]
    with github.open_http("github", endpoints=tool.endpoints) as http:
        return await tool.run(tool.arguments(), http, replace(github.context, exclusions=exclusions))


@pytest.mark.parametrize("refusal", [NO_SUCH_PLACE, NULL], ids=["422", "null"])
async def test_a_search_that_github_refuses_is_asked_for_whole(github: GitHub, refusal: Told) -> None:
    """A repository that was renamed, or written wrong, does not end every search."""
    await read_issues(github, refusal, told(found()))
    assert search_of(github.upstream) == [
        f"is:open is:issue assignee:@me archived:false{ASKED} sort:updated-desc",
        "is:open is:issue assignee:@me archived:false sort:updated-desc",
    ]


@pytest.mark.parametrize(
    ("refusal", "exclusions"),
    [
        (NO_SUCH_PLACE, Exclusions()),
        (told({}, status=500), LEFT_OUT),
        (told({}, status=401), LEFT_OUT),
        (told({}, status=429), LEFT_OUT),
        (told({"data": None, "errors": [{"type": "RATE_LIMITED"}]}), LEFT_OUT),
        (told({"data": None, "errors": [{"type": "FORBIDDEN"}]}), LEFT_OUT),
    ],
    ids=["nothing to widen", "broken", "no token", "limited", "limited by GraphQL", "forbidden"],
)
async def test_any_other_refusal_is_not_asked_again(github: GitHub, refusal: Told, exclusions: Exclusions) -> None:
    with pytest.raises(ToolFailedError):
        await read_issues(github, refusal, exclusions=exclusions)
    assert len(search_of(github.upstream)) == 1


SLACKS: dict[str, Callable[[Slack], Any]] = {
    "slack_mentions": lambda slack: slack.run("slack_mentions", {}),
    "slack_search": lambda slack: slack.run("slack_search", {"query": "retry"}),
}


def slack_for(slack: Slack, *channels: str) -> Slack:
    """Return the same Slack, where one mention is found, for somebody who leaves channels out."""
    exclusions = Exclusions(channels=frozenset(channels), repositories=frozenset({"acme/secret"}))
    somebody = Slack(slack.upstream, slack.open_http, replace(slack.context, exclusions=exclusions))
    somebody.tell("search.messages", {"messages": {"matches": [match("<@U1> hello")], "total": 1}})
    return somebody


@pytest.mark.parametrize("tool", SLACKS)
async def test_slacks_searches_leave_out_channels(slack: Slack, tool: str) -> None:
    somebody = slack_for(slack, "salaries", "büro-1")
    result = await SLACKS[tool](somebody)
    queries = [form["query"] for form in somebody.asked("search.messages")]
    assert len(queries) == (2 if tool == "slack_mentions" else 1)
    assert all(query.endswith(" -in:#büro-1 -in:#salaries") for query in queries)
    assert "Channels left out by your exclusions: 2." in result.warnings


@pytest.mark.parametrize(
    "channel", ["a b", "x from:bob", "a\nb", '"a', "<#c1>", "c07tdeng001", "-a", "a:b", "*", "", "a" * 81]
)
async def test_a_name_that_is_none_of_slacks_never_goes_into_a_query(slack: Slack, channel: str) -> None:
    somebody = slack_for(slack, channel)
    await somebody.run("slack_search", {"query": "retry", "since": "2026-11-20"})
    assert [form["query"] for form in somebody.asked("search.messages")] == ["retry after:2026-11-18"]


async def test_a_slack_query_leaves_out_ten_channels_at_most(slack: Slack) -> None:
    somebody = slack_for(slack, *(f"channel-{number:02}" for number in range(50)))
    await somebody.run("slack_search", {"query": "retry"})
    (form,) = somebody.asked("search.messages")
    assert form["query"].count(" -in:#") == 10


async def test_a_slack_query_leaves_out_so_many_characters_at_most(slack: Slack) -> None:
    somebody = slack_for(slack, *(f"{'c' * 70}-{number:02}" for number in range(50)))
    await somebody.run("slack_search", {"query": "retry"})
    (form,) = somebody.asked("search.messages")
    assert form["query"].count(" -in:#") == 3
