"""The fields of GitHub's `contributionsCollection`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from devcontext.sandbox.github.activity import Activity, activity
from devcontext.sandbox.github.asker import Asker, Owned
from devcontext.sandbox.github.paging import connection


def _activity(_: object, asker: Asker, **period: Any) -> Activity:
    start, end = (datetime.fromisoformat(value) if (value := period.get(key)) else None for key in ("from", "to"))
    return activity(asker.snapshot, start=start, end=end)


CONTRIBUTIONS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("User", "contributionsCollection"): _activity,
    ("ContributionsCollection", "totalCommitContributions"): lambda found, _: found.commit_count,
    ("ContributionsCollection", "totalPullRequestContributions"): lambda found, *_, **__: len(found.pull_requests),
    ("ContributionsCollection", "totalPullRequestReviewContributions"): lambda found, _: len(found.reviews),
    ("ContributionsCollection", "totalIssueContributions"): lambda found, *_, **__: len(found.issues),
    ("ContributionsCollection", "restrictedContributionsCount"): lambda *_: 0,
    ("ContributionsCollection", "commitContributionsByRepository"): lambda found, _, **limits: list(
        found.commits[: limits.get("maxRepositories", 25)]
    ),
    ("ContributionsCollection", "pullRequestContributions"): lambda found, _, **page: connection(
        [{"occurred_at": one.occurred_at, "pull_request": one.work} for one in found.pull_requests], page
    ),
    ("ContributionsCollection", "issueContributions"): lambda found, _, **page: connection(
        [{"occurred_at": one.occurred_at, "issue": one.work} for one in found.issues], page
    ),
    ("ContributionsCollection", "pullRequestReviewContributions"): lambda found, _, **page: connection(
        [
            {
                "occurred_at": one.occurred_at,
                "pull_request": one.pull_request,
                "pull_request_review": Owned(one.review, one.pull_request),
            }
            for one in found.reviews
        ],
        page,
    ),
    ("CommitContributionsByRepository", "contributions"): lambda commits, _, **page: {
        **connection(commits.days, page),
        "total_count": sum(day.commit_count for day in commits.days),
    },
}
