"""Where a server has no GraphQL, a bounded number of REST requests stands in, and the result says what is missing."""

from typing import Any

import pytest

from agent.api import egress
from agent.api.egress import close_clients
from agent.api.github_rest_pull_request import MAX_CHECKED
from agent.api.github_rest_work import MAX_PULLS_WITH_COMMITS
from agent.errors import ToolFailedError
from agent.tool import ToolResult
from agent.tools import TOOLS
from tests.agent.api.upstream import Told, told
from tests.agent.tools.github_answers import FRIDAY, LAST_WEEK, GitHub, found_by_rest, pushed
from tests.agent.tools.github_rest_answers import (
    COMMIT,
    PULL,
    commit,
    example,
    found_issue,
    repository,
    tell_all,
)

BRANCHES = (
    "This GitHub server answers no GraphQL, so of branches only the first 100 commits of the 10 pull requests last "
    "touched were read."
)
CHECKS = "This GitHub server answers no GraphQL, so only the checks of the 5 pull requests last touched were read."
HIDDEN = "GitHub hid some fields that this connection may not read; they count as absent."
UNREAD = "Pull requests that could not be read, so that what they hold is missing: 1."
INCOMPLETE = "GitHub gave up on the search half-way, so some results are missing."
REFUSED = told({"message": "Resource not accessible by integration"}, status=403)


async def _run(github: GitHub, tool: str, **arguments: Any) -> ToolResult:
    """Run the tool on what was told."""
    with github.open_http("github", endpoints=TOOLS[tool].endpoints) as http:
        return await TOOLS[tool].run(TOOLS[tool].arguments(**arguments), http, github.context)


def _asked(github: GitHub, path: str) -> int:
    return sum(request.path == path for request in github.upstream.received)


async def test_activity_tells_pull_requests_and_issues(github: GitHub) -> None:
    tell_all(github.upstream)
    merged = found_issue(7, merged_at=FRIDAY)
    github.upstream.tell("/api/repos/octocat/Hello-World/pulls/7/commits", told([commit("Retry once")]))
    opened = found_issue(9, created_at=FRIDAY)
    github.upstream.tell("/api/search/issues", told(found_by_rest(merged)), told(found_by_rest(opened)))
    github.upstream.tell("/api/search/commits", told(found_by_rest(pushed("Pin the image"))))
    result = await _run(github, "github_activity")
    assert {(item.fields["kind"], item.fields.get("number"), item.fields.get("state")) for item in result.items} == {
        ("merged", 7, "merged"),
        ("issue_opened", 9, "open"),
        ("commits", None, None),
    }
    assert next(item for item in result.items if item.fields["kind"] == "merged").fields["headlines"] == ["Retry once"]
    assert result.warnings == (
        "Without GraphQL, GitHub does not tell when which review was given, so reviews are missing.",
        BRANCHES,
    )
    # The first one was GraphQL's, which is not there.
    assert [query.split()[0] for query in github.queries[1:]] == ["is:pr", "is:issue", "author:@me"]


async def test_a_search_that_gave_up_is_said_once(github: GitHub) -> None:
    tell_all(github.upstream)
    github.upstream.tell("/api/search/issues", told(found_by_rest(found_issue(), is_incomplete=True, total=30)))
    github.upstream.tell("/api/search/commits", told(found_by_rest(is_incomplete=True)))
    result = await _run(github, "github_activity")
    assert result.warnings.count(INCOMPLETE) == 1
    assert result.is_truncated


async def test_only_the_users_commits_of_a_branch_count(github: GitHub) -> None:
    """Where no account has a commit's address, GitHub sends null or an empty object."""
    tell_all(github.upstream)
    others = [commit("Bob's", author={"login": "bob"}), commit("Nobody's", author={}), commit("Old", at=LAST_WEEK)]
    github.upstream.tell(f"{PULL}/commits", told([*others, commit("Mine\n\nWhy.")]))
    result = await _run(github, "github_commits")
    assert [(item.title, item.fields["pr"]) for item in result.items] == [("Mine", 1347)]
    assert result.warnings == (BRANCHES,)


async def test_the_commits_of_so_many_pull_requests_are_read(github: GitHub) -> None:
    found = tuple(found_issue(number) for number in range(1, 20))
    tell_all(github.upstream, found=found)
    for number in range(1, 20):
        github.upstream.tell(f"/api/repos/octocat/Hello-World/pulls/{number}/commits", told([commit(f"Of {number}")]))
    await _run(github, "github_commits")
    lists = [request for request in github.upstream.received if request.path.endswith("/commits")]
    assert len(lists) == MAX_PULLS_WITH_COMMITS + 1
    assert {request.query.get("per_page", [""])[0] for request in lists} == {"100"}


async def test_one_pull_request_is_told_without_what_rest_does_not_know(github: GitHub) -> None:
    tell_all(github.upstream)
    result = await _run(github, "github_pull_request", owner="octocat", repo="hello-world", number=1347)
    summary, review = result.items
    assert summary.title == "#1347 Amazing new feature"
    assert (summary.fields["mergeable"], summary.fields["ci"], summary.fields["state"]) == (
        "mergeable",
        "passing",
        "open",
    )
    assert not {"review_decision", "unresolved_threads"} & set(summary.fields)
    assert (review.fields["author"], review.fields["state"]) == ("octocat", "approved")
    assert result.warnings == (
        "This GitHub server answers no GraphQL, so the review decision and open conversations are missing.",
    )


@pytest.mark.parametrize(("mergeable", "word"), [(True, "mergeable"), (False, "conflicting"), (None, "unknown")])
async def test_what_github_has_not_computed_yet_is_unknown(github: GitHub, mergeable: bool | None, word: str) -> None:
    tell_all(github.upstream)
    pull = example("pull-request", mergeable=mergeable)
    pull["head"] = {**pull["head"], "sha": COMMIT.rpartition("/")[2]}
    github.upstream.tell(PULL, told(pull))
    result = await _run(github, "github_pull_request", owner="octocat", repo="Hello-World", number=1347)
    assert (result.items[0].fields["mergeable"], result.items[0].fields["state"]) == (word, "merged")


def _runs(*conclusions: str | None) -> Told:
    (known,) = example("check-run-paginated")["check_runs"]
    runs = [{**known, "name": f"check {one}", "conclusion": one} for one in conclusions]
    return told({"total_count": len(runs), "check_runs": runs})


@pytest.mark.parametrize(
    ("runs", "ci"),
    [
        (_runs("success", "failure"), "failing"),
        (_runs("success", None), "pending"),
        (_runs("success", "skipped"), "passing"),
    ],
)
async def test_the_checks_together_are_what_github_makes_of_them(github: GitHub, runs: Told, ci: str) -> None:
    tell_all(github.upstream)
    github.upstream.tell(f"{COMMIT}/check-runs", runs)
    result = await _run(github, "github_pull_request", owner="octocat", repo="Hello-World", number=1347)
    assert result.items[0].fields["ci"] == ci


async def test_failing_checks_are_told_of_runs_and_statuses(github: GitHub) -> None:
    tell_all(github.upstream)
    github.upstream.tell(f"{COMMIT}/check-runs", _runs("timed_out", "neutral"))
    combined = example("combined-commit-status")
    combined["statuses"] = [{**combined["statuses"][0], "state": "error"}]
    github.upstream.tell(f"{COMMIT}/status", told(combined))
    result = await _run(github, "github_failing_checks", repo="octocat/Hello-World")
    assert [(item.fields["check"], item.fields["conclusion"]) for item in result.items] == [
        ("check timed_out", "timed_out"),
        ("continuous-integration/jenkins", "error"),
    ]
    assert "repo:octocat/Hello-World" in github.queries[0].split()
    assert result.warnings[-1] == CHECKS


async def test_only_so_many_pull_requests_are_looked_into(github: GitHub) -> None:
    tell_all(github.upstream)
    github.upstream.tell("/api/search/issues", told(found_by_rest(*[found_issue()] * MAX_CHECKED, total=12)))
    result = await _run(github, "github_failing_checks")
    assert result.is_truncated
    assert len(github.upstream.received) == 2 + 3 * MAX_CHECKED
    (search,) = [request for request in github.upstream.received if request.path == "/api/search/issues"]
    assert search.query["per_page"] == [str(MAX_CHECKED)]


@pytest.mark.parametrize("part", ["check-runs", "status"])
async def test_checks_that_may_not_be_read_are_said(github: GitHub, part: str) -> None:
    """Each needs a permission of its own."""
    tell_all(github.upstream)
    github.upstream.tell(f"{COMMIT}/{part}", REFUSED)
    for tool, asked in (
        ("github_pull_request", {"owner": "octocat", "repo": "Hello-World", "number": 1347}),
        ("github_failing_checks", {}),
    ):
        assert HIDDEN in (await _run(github, tool, **asked)).warnings


def _tell_two(github: GitHub, *, broken: Told) -> None:
    """Find two pull requests, of which the first cannot be read."""
    tell_all(github.upstream, found=(found_issue(7), found_issue()))
    github.upstream.tell("/api/repos/octocat/Hello-World/pulls/7", broken)
    github.upstream.tell("/api/repos/octocat/Hello-World/pulls/7/commits", broken)


@pytest.mark.parametrize(
    "broken",
    [REFUSED, told({}, status=404), told({}, status=502), told([{"sha": 1}])],
    ids=["refused", "hidden", "broken", "shapeless"],
)
async def test_one_pull_request_that_cannot_be_read_costs_no_other(github: GitHub, broken: Told) -> None:
    _tell_two(github, broken=broken)
    for tool in ("github_activity", "github_commits"):
        result = await _run(github, tool)
        assert UNREAD in result.warnings
        assert "Fix all the bugs" in str(result.items)
    github.upstream.tell(f"{COMMIT}/check-runs", _runs("failure"))
    checks = await _run(github, "github_failing_checks")
    assert {item.fields["number"] for item in checks.items} == {1347}
    assert UNREAD in checks.warnings


async def test_a_rate_limit_is_not_asked_into(github: GitHub) -> None:
    limited = told({"message": "API rate limit exceeded"}, status=403, headers={"x-ratelimit-remaining": "0"})
    _tell_two(github, broken=limited)
    result = await _run(github, "github_commits")
    assert "Pull requests that could not be read, so that what they hold is missing: 2." in result.warnings
    assert not _asked(github, f"{PULL}/commits")


async def test_a_connection_that_ends_in_between_is_a_failure(github: GitHub) -> None:
    _tell_two(github, broken=told({}, status=401))
    for tool in ("github_commits", "github_failing_checks"):
        with pytest.raises(ToolFailedError) as caught:
            await _run(github, tool)
        assert caught.value.code == "reconnect_required"


async def test_a_server_without_graphql_is_asked_for_it_once_in_a_while(
    github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_all(github.upstream)
    for _ in range(3):
        await _run(github, "github_assigned_issues")
    assert _asked(github, "/api/graphql") == 1
    await close_clients()
    monkeypatch.setattr(egress, "NO_GRAPHQL_SECONDS", 0.0)
    for _ in range(2):
        await _run(github, "github_assigned_issues")
    assert _asked(github, "/api/graphql") == 3


@pytest.mark.parametrize("status", [403, 502])
async def test_only_a_server_without_graphql_is_remembered(github: GitHub, status: int) -> None:
    tell_all(github.upstream)
    github.upstream.tell("/api/graphql", told({}, status=status))
    for _ in range(2):
        with pytest.raises(ToolFailedError):
            await _run(github, "github_assigned_issues")
    assert _asked(github, "/api/graphql") == 2


@pytest.mark.parametrize("end", ["/repos/octocat/..", "/repos//x", "/x", "/repos/a/b?c=/repos/a/..."])
async def test_no_path_is_made_of_an_address_that_names_no_repository(github: GitHub, end: str) -> None:
    tell_all(github.upstream, found=(found_issue(repository_url=f"https://api.github.com{end}"),))
    with pytest.raises(ToolFailedError) as caught:
        await _run(github, "github_commits")
    assert caught.value.code == "upstream_unavailable"


async def test_checks_that_do_not_come_are_a_failure(github: GitHub) -> None:
    tell_all(github.upstream)
    github.upstream.tell(f"{COMMIT}/status", told({}, status=502))
    with pytest.raises(ToolFailedError) as caught:
        await _run(github, "github_failing_checks")
    assert caught.value.code == "upstream_unavailable"


async def test_assigned_issues_lack_nothing(github: GitHub) -> None:
    tell_all(github.upstream)
    result = await _run(github, "github_assigned_issues")
    (item,) = result.items
    assert (item.fields["labels"], item.fields["author"], item.fields["idle_days"]) == (["bug"], "octocat", 2)
    assert result.warnings == ()


async def test_repositories_are_told_without_archived_ones(github: GitHub) -> None:
    tell_all(github.upstream)
    listed = [repository("acme/old", archived=True), repository(description="Tides")]
    github.upstream.tell("/api/user/repos", told(listed))
    result = await _run(github, "github_repositories")
    (item,) = result.items
    assert (item.title, item.fields["description"], result.is_truncated) == ("octocat/Hello-World", "Tides", False)
    asked = github.upstream.received[-1].query
    assert (asked["sort"], asked["direction"], asked["per_page"]) == (["pushed"], ["desc"], ["20"])


async def test_pull_requests_are_searched_in_the_latest_repositories(github: GitHub) -> None:
    tell_all(github.upstream)
    result = await _run(github, "github_pull_requests")
    assert [item.fields["author"] for item in result.items] == ["octocat"]
    assert "repo:octocat/Hello-World" in github.queries[0].split()
    assert result.warnings == (
        "This GitHub server answers no GraphQL, so checks, review decisions, sizes and excerpts are missing.",
    )


async def test_a_repository_on_a_later_page_is_found(github: GitHub) -> None:
    tell_all(github.upstream)
    full = [repository(f"acme/{number}") for number in range(100)]
    github.upstream.tell("/api/user/repos", told(full), told([repository()]))
    await _run(github, "github_commits", repo="octocat/hello-world")
    pages = [one.query["page"] for one in github.upstream.received if one.path == "/api/user/repos"]
    assert pages == [["1"], ["2"]]


async def test_a_repository_in_no_list_is_not_found(github: GitHub) -> None:
    """REST does not list what somebody only contributed to, and the sentence does not claim that it does."""
    tell_all(github.upstream)
    with pytest.raises(ToolFailedError, match="those that you only contributed to are not known") as caught:
        await _run(github, "github_pull_request", owner="mallory", repo="trap", number=1)
    assert caught.value.code == "not_found"
    assert not any("mallory" in request.target for request in github.upstream.received)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/user/repos", {"message": "no list"}),
        ("/api/user/repos", [{"full_name": "acme/a b"}]),
        (PULL, {"number": 1347}),
        (f"{PULL}/reviews", [{"state": "APPROVED", "html_url": "javascript:alert(1)"}]),
        (f"{COMMIT}/check-runs", {"total_count": 1, "check_runs": [None]}),
        (f"{COMMIT}/status", []),
    ],
)
async def test_an_answer_of_another_shape_is_unusable(github: GitHub, path: str, answer: Any) -> None:
    tell_all(github.upstream)
    github.upstream.tell(path, told(answer))
    with pytest.raises(ToolFailedError) as caught:
        await _run(github, "github_pull_request", owner="octocat", repo="Hello-World", number=1347)
    assert caught.value.code == "upstream_unavailable"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("github_activity", {}),
        ("github_commits", {}),
        ("github_failing_checks", {}),
        ("github_assigned_issues", {}),
        ("github_repositories", {}),
        ("github_pull_requests", {}),
        ("github_pull_request", {"owner": "octocat", "repo": "Hello-World", "number": 1347}),
    ],
)
async def test_another_failure_of_graphql_is_not_read_by_rest(
    github: GitHub, tool: str, arguments: dict[str, Any]
) -> None:
    tell_all(github.upstream)
    github.upstream.tell("/api/graphql", told({}, status=403))
    with pytest.raises(ToolFailedError):
        await _run(github, tool, **arguments)
    assert {request.method for request in github.upstream.received} == {"POST"}
