"""A repository in the arguments is one of the user's, or nothing is asked of it."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from tests.agent.tools.github_answers import GitHub, found, open_pull, repositories

UNKNOWN = "GitHub shows no repository of that name among those that you own, work in or contributed to."


async def test_the_users_repositories_are_told(github: GitHub) -> None:
    result = await github.run("github_repositories", repositories("acme/api", has_next_page=True), limit=1)
    (item,) = result.items
    assert (item.title, item.url) == ("acme/api", "https://github.com/acme/api")
    assert item.fields == {"private": True, "pushed_at": "2026-11-20T16:00+01:00"}
    assert result.is_truncated
    assert github.upstream.received[0].json["variables"] == {"n": 1, "after": None}


async def test_a_repository_on_a_later_page_is_found(github: GitHub) -> None:
    pages = [repositories("acme/a", has_next_page=True), repositories("acme/b")]
    await github.run("github_failing_checks", *pages, found(), repo="acme/b")
    assert [request.json["variables"].get("after") for request in github.upstream.received] == [None, "there", None]
    assert "repo:acme/b" in github.queries[0].split()


async def test_a_repository_contributed_to_is_one_of_the_users(github: GitHub) -> None:
    await github.run("github_pull_requests", repositories(contributed_to=("up/stream",)), found(), repo="up/stream")
    assert "repo:up/stream" in github.queries[0].split()


@pytest.mark.parametrize(
    ("pages", "requests"), [([repositories("acme/api")], 1), ([repositories("acme/api", has_next_page=True)], 3)]
)
async def test_a_repository_in_none_of_the_lists_is_not_found(
    github: GitHub, pages: list[dict[str, Any]], requests: int
) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await github.run("github_commits", *pages, repo="acme/apis")
    assert (caught.value.code, caught.value.message) == ("not_found", UNKNOWN)
    assert len(github.upstream.received) == requests


async def test_without_a_repository_the_latest_are_searched(github: GitHub) -> None:
    answers = (repositories("acme/a", "acme/b", has_next_page=True), found(open_pull(1)))
    result = await github.run("github_pull_requests", *answers, state="closed")
    assert {"repo:acme/a", "repo:acme/b", "is:closed", "is:unmerged"} <= set(github.queries[0].split())
    assert result.items[0].fields["author"] == "bob"
    assert result.warnings == ("Only the 10 repositories last pushed to were searched; name one to see others.",)


async def test_who_has_no_repository_searches_none(github: GitHub) -> None:
    """A search without a place would read all of GitHub."""
    result = await github.run("github_pull_requests", repositories())
    assert result.items == ()
    assert github.queries == []


@pytest.mark.parametrize("name", ["acme/a b", "acme/a/b", "acme"])
async def test_a_listed_name_that_is_none_is_unusable(github: GitHub, name: str) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await github.run("github_repositories", repositories(name))
    assert caught.value.code == "upstream_unavailable"
