"""What GitHub answered becomes what the user did and who has to move."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from agent.tools import TOOLS
from tests.agent.api.upstream import told
from tests.agent.tools.github_answers import (
    FRIDAY,
    LAST_WEEK,
    GitHub,
    commit,
    contributed,
    found,
    open_pull,
    subject,
    worked,
)


async def test_a_pull_request_is_told_once_by_what_mattered_most(github: GitHub) -> None:
    result = await github.run(
        "github_activity",
        found(
            worked(1, commit("One"), mergedAt=FRIDAY, createdAt=FRIDAY, state="MERGED"),
            worked(2, createdAt="2026-11-20T10:00:00Z"),
            worked(3, commit("Older", at="2026-11-20T09:00:00Z"), commit("Newer")),
        ),
        contributed(),
    )
    told_of = {item.fields["number"]: (item.fields["kind"], item.fields["headlines"]) for item in result.items}
    assert told_of == {1: ("merged", ["One"]), 2: ("opened", []), 3: ("commits", ["Newer", "Older"])}
    assert result.items[0].title == "#1 Change 1"
    assert result.items[0].fields["occurred_at"] == "2026-11-20T16:00+01:00"


async def test_only_the_users_own_commits_in_the_window_count(github: GitHub) -> None:
    result = await github.run(
        "github_activity",
        found(
            worked(1, commit("Bob's", login="bob"), commit("Nobody's", login=None)),
            worked(2, commit("Mine"), commit("Mine, long ago", at=LAST_WEEK)),
        ),
        contributed(),
    )
    assert [(item.fields["number"], item.fields["headlines"]) for item in result.items] == [(2, ["Mine"])]


async def test_reviews_issues_and_direct_commits_are_told(github: GitHub) -> None:
    review = {"state": "CHANGES_REQUESTED", "url": "https://github.com/acme/api/pull/7#pullrequestreview-1"}
    result = await github.run(
        "github_activity",
        found(worked(1, commit("Mine"))),
        contributed(
            pullRequestReviewContributions={
                "nodes": [
                    {"occurredAt": FRIDAY, "pullRequestReview": review, "pullRequest": subject(7)},
                    {"occurredAt": LAST_WEEK, "pullRequestReview": review, "pullRequest": subject(8)},
                    None,
                ]
            },
            issueContributions={"nodes": [{"occurredAt": FRIDAY, "issue": subject(9, state="OPEN")}]},
            commitContributionsByRepository=[
                {"repository": {"nameWithOwner": "acme/api"}, "contributions": {"totalCount": 5}},
                {"repository": {"nameWithOwner": "acme/infra"}, "contributions": {"totalCount": 1}},
            ],
        ),
    )
    assert {(item.fields["kind"], item.title, item.url) for item in result.items} == {
        ("commits", "#1 Change 1", "https://github.com/acme/api/pull/1"),
        ("reviewed", "#7 Change 7", "https://github.com/acme/api/pull/7#pullrequestreview-1"),
        ("issue_opened", "#9 Change 9", "https://github.com/acme/api/pull/9"),
        ("commits", "1 commit in acme/infra", "https://github.example/acme/infra/commits?author=alice"),
    }


@pytest.mark.parametrize("kind", ["FORBIDDEN", "RATE_LIMITED", "SOMETHING"])
async def test_without_contributions_the_search_still_makes_an_answer(github: GitHub, kind: str) -> None:
    """GitHub does not document contributions for the tokens of GitHub Apps, and may be too slow with them."""
    refused = {"data": None, "errors": [{"type": kind, "message": "no"}]}
    result = await github.run("github_activity", found(worked(1, commit("Mine"))), refused)
    assert [item.title for item in result.items] == ["#1 Change 1"]
    assert result.warnings == ("GitHub did not show the contributions, so reviews and issues are missing.",)


async def test_a_connection_that_ends_at_the_contributions_is_a_failure(github: GitHub) -> None:
    github.upstream.tell("/api/graphql", told(found()), told({}, status=401))
    with pytest.raises(ToolFailedError) as caught, github.open_http("github") as http:
        await TOOLS["github_activity"].run(TOOLS["github_activity"].arguments(), http, github.context)
    assert caught.value.code == "reconnect_required"


async def test_what_is_missing_is_said(github: GitHub) -> None:
    partial = found(worked(1, commit("Mine")), {}, None, total=40) | {"errors": [{"type": "FORBIDDEN"}]}
    result = await github.run("github_activity", partial, contributed(restrictedContributionsCount=3))
    assert result.is_truncated
    assert len(result.items) == 1
    assert result.warnings == (
        "3 contributions are in repositories that this connection may not see.",
        "GitHub hid some fields that this connection may not read; they count as absent.",
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {}},
        {"data": {"search": {"issueCount": 1, "nodes": [{"number": 1}]}}},
        {"data": {"search": {"issueCount": 1, "nodes": [worked(1, url="javascript:alert(1)")]}}},
        [],
    ],
)
async def test_an_answer_of_another_shape_is_unusable(github: GitHub, answer: Any) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await github.run("github_activity", answer)
    assert caught.value.code == "upstream_unavailable"


async def test_review_requests_say_whom_they_ask_and_how_old_they_are(github: GitHub) -> None:
    alice = {"requestedReviewer": {"__typename": "User", "login": "alice"}}
    team = {"requestedReviewer": {"__typename": "Team", "slug": "backend"}}
    hidden = {"requestedReviewer": None}
    result = await github.run(
        "github_review_requests",
        found(
            open_pull(1, createdAt="2026-11-19T08:00:00Z", reviewRequests={"nodes": [team, alice]}),
            open_pull(2, reviewRequests={"nodes": [team]}, checks="FAILURE"),
            open_pull(3, reviewRequests={"nodes": [hidden]}, author=None, checks=None),
        ),
    )
    asked = [(item.fields["my_request"], item.fields["age_days"], item.fields["ci"]) for item in result.items]
    assert asked == [("user", 4, "passing"), ("team backend", 2, "failing"), ("unknown", 2, "none")]
    assert result.items[0].fields["author"] == "bob"
    assert (result.items[0].fields["additions"], result.items[0].fields["files"]) == (10, 3)


@pytest.mark.parametrize(("include_team", "qualifier"), [(True, "review-requested"), (False, "user-review-requested")])
async def test_requests_to_teams_can_be_left_out(github: GitHub, include_team: bool, qualifier: str) -> None:
    await github.run("github_review_requests", found(), include_team=include_team)
    query = github.upstream.received[0].json["variables"]["q"]
    assert f"{qualifier}:@me" in query.split()


@pytest.mark.parametrize(
    ("pull_request", "next_step", "waiting_on", "blocked_by"),
    [
        (open_pull(1, isDraft=True, mergeable="CONFLICTING"), "finish_draft", "me", ["conflicts"]),
        (
            open_pull(1, mergeable="CONFLICTING", checks="FAILURE"),
            "fix_conflicts",
            "me",
            ["conflicts", "checks_failing"],
        ),
        (open_pull(1, checks="ERROR", reviewDecision="APPROVED"), "fix_checks", "me", ["checks_failing"]),
        (open_pull(1, reviewDecision="CHANGES_REQUESTED"), "address_review", "me", ["changes_requested"]),
        (open_pull(1, reviewDecision="REVIEW_REQUIRED"), "wait_for_review", "reviewers", ["review_overdue"]),
        (
            open_pull(1, reviewDecision="REVIEW_REQUIRED", createdAt="2026-11-23T07:00:00Z"),
            "wait_for_review",
            "reviewers",
            [],
        ),
        (open_pull(1, checks="PENDING", reviewDecision="APPROVED"), "wait_for_checks", "checks", []),
        (open_pull(1, reviewDecision="APPROVED"), "merge", "me", []),
        (open_pull(1, checks=None), "merge", "me", []),
    ],
)
async def test_an_open_pull_request_says_who_has_to_move(
    github: GitHub, pull_request: dict[str, Any], next_step: str, waiting_on: str, blocked_by: list[str]
) -> None:
    (item,) = (await github.run("github_my_pull_requests", found(pull_request))).items
    moves = (item.fields["next_step"], item.fields["waiting_on"], item.fields["blocked_by"])
    assert moves == (next_step, waiting_on, blocked_by)


async def test_somebody_asked_for_a_review_is_waited_for_until_they_approve(github: GitHub) -> None:
    asked = {"nodes": [{"requestedReviewer": {"login": "bob"}}]}
    (waiting,) = (await github.run("github_my_pull_requests", found(open_pull(1, reviewRequests=asked)))).items
    assert (waiting.fields["next_step"], waiting.fields["reviewers"]) == ("wait_for_review", ["bob"])
    approved = open_pull(1, reviewRequests=asked, reviewDecision="APPROVED")
    (ready,) = (await github.run("github_my_pull_requests", found(approved))).items
    assert ready.fields["next_step"] == "merge"


async def test_a_merged_pull_request_waits_for_nobody(github: GitHub) -> None:
    (item,) = (await github.run("github_my_pull_requests", found(open_pull(1)), state="merged")).items
    assert not {"next_step", "waiting_on", "blocked_by"} & set(item.fields)


async def test_more_than_was_asked_for_is_said(github: GitHub) -> None:
    result = await github.run("github_my_pull_requests", found(open_pull(1), total=2), limit=1)
    assert result.is_truncated
    assert github.upstream.received[0].json["variables"]["n"] == 1
