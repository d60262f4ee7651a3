"""Maya's own code: what she shipped, what is stuck and why, and what she pushed straight to a default branch."""

from devcontext.sandbox.types import Commit, PullRequest, ReviewThread, StatusContext
from devcontext.sandbox.world.days import Days
from devcontext.sandbox.world.tidewater.pen import check, comment, commit, review
from devcontext.sandbox.world.tidewater.team import API, INFRA, JONAS, LEDGER, MAYA, NOOR, PRIYA, SAM, TOMAS, WEB

_GREEN = (check("test"), check("lint"))


def pull_requests(days: Days) -> tuple[PullRequest, ...]:
    """Return what Maya has merged lately and what she has open."""
    return (
        _idempotent_retries(days),
        _unique_index(days),
        _backfill(days),
        _stream_export(days),
        _tenant_limits(days),
        _retry_badge(days),
    )


def straight_commits(days: Days) -> tuple[Commit, ...]:
    """Return what Maya pushed without a pull request."""
    return (commit(INFRA, "Add Maya to the billing on-call rota", author=MAYA, at=days.at("16:55", back=1)),)


def _idempotent_retries(days: Days) -> PullRequest:
    return PullRequest(
        repository=API,
        number=412,
        title="Make invoice retries idempotent",
        body="A retried charge reuses the first attempt's key, so a harbour is billed once. Fixes #409.",
        author=MAYA,
        created_at=days.at("11:20", back=3),
        merged_at=days.at("16:42", back=1),
        state="MERGED",
        head_ref_name="maya/idempotent-retries",
        additions=214,
        deletions=61,
        changed_files=9,
        labels=("bug", "billing"),
        commits=(
            commit(API, "Key every charge by invoice and attempt group", author=MAYA, at=days.at("15:05", back=3)),
            commit(API, "Replay the stored answer on a repeated key", author=MAYA, at=days.at("10:34", back=1)),
            commit(API, "Cover the retry storm from INC-31", author=MAYA, at=days.at("14:18", back=1), checks=_GREEN),
        ),
        reviews=(
            review(TOMAS, "APPROVED", at=days.at("16:30", back=1), text="Clear, and the test tells the whole story."),
        ),
        comments=(
            comment(
                SAM, "@maya-okafor support asks when this is live; two harbours wait.", at=days.at("15:10", back=1)
            ),
        ),
    )


def _unique_index(days: Days) -> PullRequest:
    return PullRequest(
        repository=LEDGER,
        number=86,
        title="Add a unique index on invoice and charge key",
        body="Makes a second row impossible, whoever writes it.",
        author=MAYA,
        created_at=days.at("09:50", back=2),
        merged_at=days.at("11:55", back=1),
        state="MERGED",
        head_ref_name="maya/unique-charge-key",
        additions=38,
        deletions=4,
        changed_files=3,
        labels=("billing",),
        commits=(
            commit(
                LEDGER,
                "Build the charge key index concurrently",
                author=MAYA,
                at=days.at("09:41", back=1),
                checks=_GREEN,
            ),
        ),
        reviews=(review(NOOR, "APPROVED", at=days.at("11:40", back=1)),),
    )


def _backfill(days: Days) -> PullRequest:
    broken = check(
        "integration", conclusion="FAILURE", title="test_backfill_is_resumable: row count 4180, expected 4182"
    )
    return PullRequest(
        repository=LEDGER,
        number=88,
        title="Backfill duplicate invoice rows",
        body="Merges the rows that INC-31 wrote twice. Resumable, dry run by default. Part of #84.",
        author=MAYA,
        created_at=days.at("13:30", back=1),
        head_ref_name="maya/backfill-duplicates",
        additions=356,
        deletions=12,
        changed_files=7,
        labels=("billing", "migration"),
        requested=(TOMAS,),
        commits=(
            commit(LEDGER, "Find rows written twice by INC-31", author=MAYA, at=days.at("13:22", back=1)),
            commit(
                LEDGER,
                "Resume the backfill from its last batch",
                author=MAYA,
                at=days.at("17:35", back=1),
                checks=(*_GREEN, broken),
            ),
            commit(
                LEDGER,
                "Report skipped rows instead of dropping them",
                author=MAYA,
                at=days.at("08:12"),
                checks=(*_GREEN, broken, StatusContext("coverage", "SUCCESS", "91.4 % (+0.3)")),
            ),
        ),
        comments=(
            comment(
                TOMAS,
                "@maya-okafor I will review once `integration` is green; we need it before the 14:00 go/no-go.",
                at=days.at("08:31"),
            ),
        ),
    )


def _stream_export(days: Days) -> PullRequest:
    question = comment(
        TOMAS, "What happens to the open cursor when the client hangs up half way?", at=days.at("15:52", back=1)
    )
    return PullRequest(
        repository=API,
        number=418,
        title="Stream the invoice export instead of building it in memory",
        body="The Rotterdam export needs 1.4 GB today.",
        author=MAYA,
        created_at=days.at("10:05", back=4),
        head_ref_name="maya/stream-export",
        additions=167,
        deletions=140,
        changed_files=6,
        labels=("performance",),
        commits=(
            commit(API, "Yield export rows in pages of 500", author=MAYA, at=days.at("12:40", back=4), checks=_GREEN),
        ),
        reviews=(
            review(
                TOMAS,
                "CHANGES_REQUESTED",
                at=days.at("15:55", back=1),
                text="Close the cursor on disconnect, then this is good to go.",
            ),
        ),
        threads=(ReviewThread("exports/stream.py", is_resolved=False, comments=(question,)),),
    )


def _tenant_limits(days: Days) -> PullRequest:
    return PullRequest(
        repository=API,
        number=405,
        title="Move rate limits to per-tenant buckets",
        author=MAYA,
        created_at=days.days_ago(12, "14:00"),
        head_ref_name="maya/tenant-buckets",
        additions=92,
        deletions=77,
        changed_files=5,
        mergeable="CONFLICTING",
        requested=(PRIYA,),
        commits=(commit(API, "Count requests per tenant", author=MAYA, at=days.days_ago(7, "16:20"), checks=_GREEN),),
    )


def _retry_badge(days: Days) -> PullRequest:
    return PullRequest(
        repository=WEB,
        number=231,
        title="Show the retry state of an invoice",
        body="Draft until the wording from the design review is in.",
        author=MAYA,
        created_at=days.at("17:58", back=1),
        head_ref_name="maya/retry-badge",
        is_draft=True,
        additions=74,
        deletions=8,
        changed_files=4,
        commits=(
            commit(
                WEB,
                "Read retry_count from the invoice answer",
                author=MAYA,
                at=days.at("17:56", back=1),
                checks=(check("test", conclusion=""), check("lint")),
            ),
        ),
        comments=(comment(JONAS, "Happy to pair on the badge tomorrow.", at=days.at("18:20", back=1)),),
    )
