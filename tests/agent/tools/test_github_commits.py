"""Commits are told once each: those of branches with their pull request, those pushed straight by their headline."""

import pytest

from agent.errors import ToolFailedError
from tests.agent.api.upstream import told
from tests.agent.tools.github_answers import (
    FRIDAY,
    LAST_WEEK,
    GitHub,
    commit,
    contributed,
    found,
    found_by_rest,
    pushed,
    repositories,
    worked,
)


async def test_commits_come_from_branches_and_default_branches_newest_first(github: GitHub) -> None:
    github.commits = told(
        found_by_rest(pushed("Straight", at="2026-11-20T16:00:00Z"), pushed("Long ago", at=LAST_WEEK))
    )
    result = await github.run("github_commits", found(worked(3, commit("On a branch"), commit("Bob's", login="bob"))))
    assert [(item.title, item.fields.get("pr"), item.fields["repo"]) for item in result.items] == [
        ("Straight", None, "acme/infra"),
        ("On a branch", 3, "acme/api"),
    ]
    assert result.items[0].fields["date"] == "2026-11-20T17:00+01:00"
    assert result.items[0].url[-40:].startswith(str(result.items[0].fields["sha"]))


@pytest.mark.parametrize(
    "arrived",
    [
        pushed("On a branch", repository="acme/api"),
        pushed("On a branch", repository="acme/api") | {"sha": "f" * 40},
        pushed("Change 3 (#3)", repository="acme/api"),
    ],
    ids=["merged", "rebased", "squashed"],
)
async def test_what_came_by_a_pull_request_is_not_told_twice(github: GitHub, arrived: dict[str, object]) -> None:
    github.commits = told(found_by_rest(arrived))
    result = await github.run("github_commits", found(worked(3, commit("On a branch"), mergedAt=FRIDAY)))
    assert [(item.title, item.fields["pr"]) for item in result.items] == [("On a branch", 3)]


async def test_a_squash_of_a_pull_request_elsewhere_is_a_commit_of_its_own(github: GitHub) -> None:
    github.commits = told(found_by_rest(pushed("Change 3 (#3)", repository="acme/infra")))
    result = await github.run("github_commits", found(worked(3, commit("On a branch"))))
    assert len(result.items) == 2


async def test_stacked_branches_share_their_commits(github: GitHub) -> None:
    result = await github.run("github_commits", found(worked(3, commit("Same")), worked(4, commit("Same"))))
    assert [item.fields["pr"] for item in result.items] == [3]


async def test_the_activity_tells_headlines_of_what_was_pushed_straight(github: GitHub) -> None:
    github.commits = told(found_by_rest(pushed("One"), pushed("Two", at="2026-11-20T16:00:00Z")))
    counted = [{"repository": {"nameWithOwner": "acme/infra"}, "contributions": {"totalCount": 2}}]
    result = await github.run("github_activity", found(), contributed(commitContributionsByRepository=counted))
    (item,) = result.items
    assert item.title == "2 commits in acme/infra"
    assert item.fields["headlines"] == ["Two", "One"]
    assert item.fields["occurred_at"] == "2026-11-20T17:00+01:00"
    assert item.url == "https://github.example/acme/infra/commits?author=alice"


@pytest.mark.parametrize("tool", ["github_activity", "github_commits"])
@pytest.mark.parametrize(("status", "headers"), [(403, {}), (422, {}), (502, {}), (429, {"retry-after": "60"})])
async def test_without_the_search_for_commits_the_rest_is_told(
    github: GitHub, tool: str, status: int, headers: dict[str, str]
) -> None:
    github.commits = told({"message": "no"}, status=status, headers=headers)
    result = await github.run(tool, found(worked(3, commit("On a branch"))), contributed())
    assert len(result.items) == 1
    assert result.warnings == ("GitHub did not show the commits of default branches, so their headlines are missing.",)


async def test_a_connection_that_ends_at_the_search_for_commits_is_a_failure(github: GitHub) -> None:
    github.commits = told({"message": "no"}, status=401)
    with pytest.raises(ToolFailedError) as caught:
        await github.run("github_commits", found())
    assert caught.value.code == "reconnect_required"


@pytest.mark.parametrize("tool", ["github_activity", "github_commits"])
async def test_a_search_that_github_gave_up_on_is_said(github: GitHub, tool: str) -> None:
    github.commits = told(found_by_rest(pushed("One"), is_incomplete=True))
    result = await github.run(tool, found(), contributed())
    assert result.warnings == ("GitHub gave up on the search half-way, so some results are missing.",)


async def test_commits_of_one_repository_are_searched_in_githubs_spelling(github: GitHub) -> None:
    await github.run("github_commits", repositories("Acme/API"), found(), repo="acme/api")
    assert len(github.queries) == 2
    assert all(" repo:Acme/API" in query for query in github.queries)


@pytest.mark.parametrize("broken", [{"sha": "not hex"}, {"html_url": "javascript:alert(1)"}, {"commit": {}}])
async def test_a_found_commit_of_another_shape_is_not_used(github: GitHub, broken: dict[str, object]) -> None:
    github.commits = told(found_by_rest(pushed("One") | broken))
    result = await github.run("github_commits", found())
    assert result.items == ()
    assert result.warnings == ("GitHub did not show the commits of default branches, so their headlines are missing.",)


async def test_more_commits_than_were_read_are_said(github: GitHub) -> None:
    github.commits = told(found_by_rest(pushed("One"), total=51))
    activity = await github.run("github_activity", found(), contributed())
    assert activity.is_truncated
    assert activity.warnings == (
        "Only the newest 50 commits on default branches were read, so their counts may be too low.",
    )
    assert (await github.run("github_commits", found())).is_truncated
    asked = [request.query["per_page"] for request in github.upstream.received if request.method == "GET"]
    assert asked == [["50"], ["100"]]
