"""The rest of the team's pull requests, and the issues: what waits for Maya and what she has reviewed."""

from devcontext.sandbox.types import Issue, PullRequest
from devcontext.sandbox.world.days import Days
from devcontext.sandbox.world.tidewater.pen import check, comment, commit, review
from devcontext.sandbox.world.tidewater.team import (
    API,
    BACKEND,
    INFRA,
    JONAS,
    LEDGER,
    MAYA,
    NOOR,
    PRIYA,
    SAM,
    TOMAS,
    WEB,
)

_GREEN = (check("test"), check("lint"))


def pull_requests(days: Days) -> tuple[PullRequest, ...]:
    """Return the pull requests of Maya's colleagues."""
    return (_queue_age(days), _berth_windows(days), _keyboard(days), _empty_state(days), _dual_writes(days))


def issues(days: Days) -> tuple[Issue, ...]:
    """Return the issues of the story."""
    return (_billed_twice(days), _duplicate_rows(days), _retry_count(days), _runbook(days))


def _queue_age(days: Days) -> PullRequest:
    return PullRequest(
        repository=INFRA,
        number=57,
        title="Alert on queue age, not depth",
        body="Depth told us nothing in INC-31; the oldest charge had waited 19 minutes.",
        author=PRIYA,
        created_at=days.days_ago(4, "15:15"),
        head_ref_name="priya/queue-age",
        additions=48,
        deletions=31,
        changed_files=4,
        labels=("on-call",),
        requested=(MAYA,),
        commits=(
            commit(
                INFRA, "Page on the age of the oldest charge", author=PRIYA, at=days.days_ago(4, "15:02"), checks=_GREEN
            ),
        ),
        comments=(
            comment(
                PRIYA, "@maya-okafor could you look before the on-call handover at 16:00?", at=days.at("16:05", back=1)
            ),
        ),
    )


def _berth_windows(days: Days) -> PullRequest:
    return PullRequest(
        repository=API,
        number=421,
        title="Validate berth windows at the boundary",
        body="Refuses a window that ends before it starts, with the field named in the answer.",
        author=NOOR,
        created_at=days.at("14:40", back=1),
        head_ref_name="noor/berth-windows",
        additions=63,
        deletions=9,
        changed_files=3,
        requested=(MAYA,),
        commits=(
            commit(
                API,
                "Refuse berth windows that end before they start",
                author=NOOR,
                at=days.at("14:31", back=1),
                checks=_GREEN,
            ),
        ),
    )


def _keyboard(days: Days) -> PullRequest:
    return PullRequest(
        repository=WEB,
        number=229,
        title="Move through the invoice table by keyboard",
        author=JONAS,
        created_at=days.at("11:10", back=2),
        head_ref_name="jonas/table-keys",
        additions=181,
        deletions=40,
        changed_files=8,
        mergeable="CONFLICTING",
        labels=("accessibility",),
        requested=(BACKEND,),
        commits=(
            commit(
                WEB,
                "Rove focus through table rows",
                author=JONAS,
                at=days.at("11:02", back=2),
                checks=(check("test"), check("axe", conclusion="FAILURE", title="1 violation: grid-row-label")),
            ),
        ),
    )


def _empty_state(days: Days) -> PullRequest:
    return PullRequest(
        repository=WEB,
        number=227,
        title="Explain an empty invoice list",
        author=JONAS,
        created_at=days.at("10:15", back=2),
        merged_at=days.at("15:31", back=1),
        state="MERGED",
        head_ref_name="jonas/empty-invoices",
        additions=44,
        deletions=10,
        changed_files=3,
        commits=(
            commit(WEB, "Say why the invoice list is empty", author=JONAS, at=days.at("10:08", back=2), checks=_GREEN),
        ),
        reviews=(
            review(
                MAYA, "APPROVED", at=days.at("15:20", back=1), text="Reads well. One nit on the plural, not blocking."
            ),
        ),
    )


def _dual_writes(days: Days) -> PullRequest:
    return PullRequest(
        repository=LEDGER,
        number=85,
        title="Stop dual writes to the legacy ledger",
        author=TOMAS,
        created_at=days.at("09:25", back=3),
        head_ref_name="tomas/stop-dual-writes",
        additions=12,
        deletions=208,
        changed_files=6,
        labels=("migration",),
        commits=(commit(LEDGER, "Drop the legacy writer", author=TOMAS, at=days.at("09:20", back=3), checks=_GREEN),),
        reviews=(
            review(
                MAYA,
                "COMMENTED",
                at=days.at("12:15", back=1),
                text="Please wait for the backfill, it reads that table.",
            ),
        ),
        comments=(
            comment(TOMAS, "@maya-okafor agreed, on hold until ledger#88 is through.", at=days.at("12:40", back=1)),
        ),
    )


def _billed_twice(days: Days) -> Issue:
    return Issue(
        repository=API,
        number=409,
        title="Harbours are billed twice when a charge is retried",
        author=SAM,
        created_at=days.at("09:05", back=4),
        state="CLOSED",
        closed_at=days.at("16:42", back=1),
        assignees=(MAYA,),
        labels=("bug", "billing"),
        comments=(
            comment(MAYA, "Reproduced: the retry builds a new charge key. Fix follows.", at=days.at("17:15", back=4)),
        ),
    )


def _duplicate_rows(days: Days) -> Issue:
    return Issue(
        repository=LEDGER,
        number=84,
        title="4,182 duplicate invoice rows since INC-31",
        author=PRIYA,
        created_at=days.at("12:00", back=3),
        assignees=(MAYA,),
        labels=("billing",),
        comments=(
            comment(
                PRIYA,
                "@maya-okafor two of these rows are refunds and must not be merged, see the list.",
                at=days.at("17:10", back=1),
            ),
        ),
    )


def _retry_count(days: Days) -> Issue:
    return Issue(
        repository=API,
        number=423,
        title="Expose retry_count on the invoice answer",
        body="The badge in harbor-web#231 needs it.",
        author=MAYA,
        created_at=days.at("18:02", back=1),
        assignees=(NOOR,),
        comments=(comment(NOOR, "@maya-okafor do you want the count per charge or per invoice?", at=days.at("08:22")),),
    )


def _runbook(days: Days) -> Issue:
    return Issue(
        repository=INFRA,
        number=55,
        title="Runbook for stuck charges",
        author=TOMAS,
        created_at=days.days_ago(9, "10:00"),
        assignees=(MAYA, PRIYA),
        comments=(comment(PRIYA, "First half is written.", at=days.days_ago(5, "13:00")),),
    )
