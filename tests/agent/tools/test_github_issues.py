"""Mentions come with their words, each search asks for one kind, and issues with what they are about."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from tests.agent.api.upstream import told
from tests.agent.tools.github_answers import FRIDAY, LAST_WEEK, GitHub, found, found_by_rest, subject

REST_PULL = {
    "number": 7,
    "title": "Change 7",
    "html_url": "https://github.com/acme/api/pull/7",
    "repository_url": "https://api.github.com/repos/acme/api",
    "state": "open",
    "draft": True,
    "created_at": FRIDAY,
    "updated_at": FRIDAY,
    "user": {"login": "bob"},
}


def _said(text: str, *, login: str | None = "bob", at: str = FRIDAY) -> dict[str, Any]:
    author = {"login": login} if login else None
    return {"author": author, "bodyText": text, "createdAt": at, "url": f"https://github.com/#{len(text)}"}


def _discussed(number: int, *comments: dict[str, Any], kind: str = "Issue", **fields: Any) -> dict[str, Any]:
    given = {"bodyText": "", "createdAt": LAST_WEEK, "updatedAt": FRIDAY, "author": {"login": "carol"}}
    return subject(number, __typename=kind, comments={"nodes": list(comments)}, **(given | fields))


async def test_a_mention_tells_who_said_what_where_and_when(github: GitHub) -> None:
    issue = _discussed(1, _said("Hello @Alice, look"), _said("@alice-b is somebody else"), _said("me@alice", login="x"))
    pull = _discussed(2, kind="PullRequest", bodyText="For @alice", createdAt="2026-11-20T18:00:00Z")
    result = await github.run("github_mentions", found(issue), found(pull))
    told_of = [(item.fields["kind"], item.fields["author"], item.fields["excerpt"]) for item in result.items]
    assert told_of == [("pull_request", "carol", "For @alice"), ("issue", "bob", "Hello @Alice, look")]
    assert result.items[1].url == "https://github.com/#18"
    assert result.items[1].fields["mentioned_at"] == "2026-11-20T16:00+01:00"
    assert [query.split()[0] for query in github.queries] == ["is:issue", "is:pr"]


async def test_an_old_mention_is_left_out_and_an_unseen_one_told_without_words(github: GitHub) -> None:
    """A search finds what was touched since; the mention in it may be older, or stand in a review."""
    old = _discussed(1, _said("@alice", at=LAST_WEEK), _said("Done"))
    own = _discussed(2, _said("I am @alice", login="alice"))
    result = await github.run("github_mentions", found(old, own), found())
    (item,) = result.items
    assert item.title == "#2 Change 2"
    assert not {"excerpt", "author", "mentioned_at"} & set(item.fields)


async def test_more_mentions_than_were_read_are_said(github: GitHub) -> None:
    hidden = found(total=30) | {"errors": [{"type": "FORBIDDEN"}]}
    result = await github.run("github_mentions", hidden, hidden)
    assert result.is_truncated
    assert result.warnings == ("GitHub hid some fields that this connection may not read; they count as absent.",)


async def test_assigned_issues_tell_labels_and_age(github: GitHub) -> None:
    fields = {"state": "OPEN", "createdAt": LAST_WEEK, "updatedAt": FRIDAY, "author": None}
    labelled = subject(1, labels={"nodes": [{"name": "bug"}, None]}, **fields)
    result = await github.run("github_assigned_issues", found(labelled, subject(2, labels=None, **fields), total=3))
    assert result.is_truncated
    first, second = result.items
    assert (first.fields["labels"], first.fields["idle_days"]) == (["bug"], 2)
    assert not {"labels", "author"} & set(second.fields)


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("tool", ["github_review_requests", "github_my_pull_requests", "github_mentions"])
async def test_a_server_without_graphql_is_searched_by_rest(github: GitHub, tool: str, status: int) -> None:
    github.upstream.tell("/api/search/issues", told(found_by_rest(REST_PULL, total=2, is_incomplete=True)))
    result = await github.run(tool, graphql_status=status)
    item = result.items[0]
    assert (item.title, item.url, item.fields["repo"]) == ("#7 Change 7", REST_PULL["html_url"], "acme/api")
    assert result.is_truncated
    assert result.warnings == (
        "This GitHub server answers no GraphQL, so checks, review decisions, sizes and excerpts are missing.",
        "GitHub gave up on the search half-way, so some results are missing.",
    )
    asked = next(request for request in github.upstream.received if request.method == "GET")
    assert "sort:" not in asked.query["q"][0]
    assert asked.query["order"][0] in ("asc", "desc")


async def test_no_other_failure_of_graphql_is_searched_by_rest(github: GitHub) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await github.run("github_mentions", graphql_status=502)
    assert caught.value.code == "upstream_unavailable"
    assert {request.method for request in github.upstream.received} == {"POST"}
