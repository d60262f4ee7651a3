"""One pull request with all that holds it up, and the checks that fail on the user's own."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from tests.agent.tools.github_answers import FRIDAY, GitHub, found, opened_page, repositories, subject

ASKED = {"owner": "acme", "repo": "api", "number": 7}
TEST_RUN = {
    "__typename": "CheckRun",
    "name": "test",
    "conclusion": "FAILURE",
    "title": "2 failed",
    "detailsUrl": "https://ci.example/7",
    "completedAt": FRIDAY,
}
COVERAGE = {
    "__typename": "StatusContext",
    "context": "coverage",
    "state": "ERROR",
    "description": None,
    "targetUrl": "javascript:alert(1)",
    "createdAt": FRIDAY,
}
FINE = {**TEST_RUN, "name": "lint", "conclusion": "SUCCESS"}
RUNNING = {**TEST_RUN, "name": "e2e", "conclusion": None, "completedAt": None}


def _page(**fields: Any) -> dict[str, Any]:
    return {"data": {"repository": {"pullRequest": opened_page(7, **fields)}}}


def _thread(text: str, *, is_resolved: bool = False) -> dict[str, Any]:
    comment = {"author": {"login": "bob"}, "bodyText": text, "createdAt": FRIDAY, "url": f"https://github.com/#{text}"}
    return {"isResolved": is_resolved, "path": "a.py", "comments": {"nodes": [comment]}}


def _review(login: str | None, *, at: str | None = FRIDAY, state: str = "APPROVED") -> dict[str, Any]:
    author = {"login": login} if login else None
    url = f"https://github.com/acme/api/pull/7#review-{login}"
    return {"author": author, "state": state, "submittedAt": at, "bodyText": "", "url": url}


async def test_a_pull_request_comes_with_reviews_open_conversations_and_failing_checks(github: GitHub) -> None:
    page = _page(
        checks=(TEST_RUN, FINE, RUNNING, COVERAGE),
        reviews={"nodes": [_review("bob"), _review(None, state="COMMENTED"), _review("eve", at=None, state="PENDING")]},
        reviewThreads={"totalCount": 2, "nodes": [_thread("Why?"), _thread("Fine", is_resolved=True)]},
    )
    result = await github.run("github_pull_request", repositories("acme/api"), page, **ASKED)
    assert [item.title for item in result.items] == [
        "#7 Change 7",
        "Review of #7 by somebody",
        "Review of #7 by bob",
        "Open conversation on a.py, #7",
        "test on #7",
        "coverage on #7",
    ]
    summary = result.items[0].fields
    assert (summary["ci"], summary["unresolved_threads"], summary["branch"]) == ("failing", 1, "topic into main")
    assert "merged_at" not in summary
    assert result.items[4].fields["summary"] == "2 failed"
    assert [item.url for item in result.items[4:]] == [
        "https://ci.example/7",
        "https://github.com/acme/api/pull/7/checks",
    ]
    assert not result.is_truncated
    assert result.warnings == ()


async def test_what_was_not_read_of_a_pull_request_is_said(github: GitHub) -> None:
    page = _page(reviewThreads={"totalCount": 51, "nodes": [_thread("Why?")]})
    result = await github.run("github_pull_request", repositories("acme/api"), page, **ASKED)
    assert result.is_truncated
    assert result.warnings == ("Only the newest conversations were read; there are older ones.",)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"repository": None}, "errors": [{"type": "NOT_FOUND"}]},
        {"data": {"repository": {"pullRequest": None}}, "errors": [{"type": "NOT_FOUND"}]},
    ],
)
async def test_a_number_that_is_no_pull_request_is_not_found(github: GitHub, answer: dict[str, Any]) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await github.run("github_pull_request", repositories("acme/api"), answer, **ASKED)
    assert (caught.value.code, caught.value.message) == (
        "not_found",
        "GitHub shows no pull request with that number in that repository.",
    )


def _checked(number: int, *checks: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    contexts = {"totalCount": len(checks) if total is None else total, "nodes": list(checks)}
    rollup = {"state": "FAILURE", "contexts": contexts}
    return subject(number, commits={"nodes": [{"commit": {"statusCheckRollup": rollup}}]})


async def test_only_checks_that_ended_badly_are_failing(github: GitHub) -> None:
    unchecked = subject(9, commits={"nodes": [{"commit": {"statusCheckRollup": None}}]})
    answer = found(_checked(7, TEST_RUN, FINE, RUNNING), _checked(8, COVERAGE), unchecked)
    result = await github.run("github_failing_checks", answer)
    assert [(item.title, item.fields["conclusion"]) for item in result.items] == [
        ("test on #7", "failure"),
        ("coverage on #8", "error"),
    ]
    assert "author:@me" in github.queries[0]
    assert "repo:" not in github.queries[0]


async def test_more_failing_checks_than_asked_for_or_read_are_said(github: GitHub) -> None:
    answer = found(_checked(7, TEST_RUN, COVERAGE, total=101))
    result = await github.run("github_failing_checks", answer, limit=1)
    assert (len(result.items), result.is_truncated) == (1, True)
    assert result.warnings == ("Some pull requests have more checks than were read.",)
