"""What GitHub works out: the review decision, the checks together, the merge state, the last push."""

from datetime import UTC, datetime

from devcontext.sandbox.types import CheckRun, Commit, PullRequest, Repository, Snapshot

# Stands for "never" where instants are sorted.
OLDEST = datetime.min.replace(tzinfo=UTC)
_FAILED = ("FAILURE", "TIMED_OUT", "CANCELLED", "ACTION_REQUIRED", "STARTUP_FAILURE", "ERROR")


def review_decision(pull: PullRequest) -> str | None:
    """Return the decision from each reviewer's newest verdict; None where nobody was asked and nobody reviewed."""
    verdicts = {one.author.login: one.state for one in pull.reviews if one.state in ("APPROVED", "CHANGES_REQUESTED")}
    if "CHANGES_REQUESTED" in verdicts.values():
        return "CHANGES_REQUESTED"
    if verdicts:
        return "APPROVED"
    return "REVIEW_REQUIRED" if pull.requested or pull.reviews else None


def rollup_state(commit: Commit) -> str:
    """Return the state of all checks together: one failure fails, one that runs keeps it pending."""
    states = [one.conclusion if isinstance(one, CheckRun) else one.state for one in commit.checks]
    if any(state in _FAILED for state in states):
        return "FAILURE"
    return "PENDING" if any(state in ("", "PENDING", "EXPECTED") for state in states) else "SUCCESS"


def merge_state(pull: PullRequest) -> str:
    """Return what stands between a pull request and its merge, as a GraphQL `MergeStateStatus`."""
    if pull.is_draft:
        return "DRAFT"
    if pull.mergeable == "CONFLICTING":
        return "DIRTY"
    if review_decision(pull) in ("CHANGES_REQUESTED", "REVIEW_REQUIRED"):
        return "BLOCKED"
    is_red = bool(pull.commits) and rollup_state(pull.commits[-1]) == "FAILURE"
    return "UNSTABLE" if is_red else "CLEAN"


def pushed_at(repository: Repository, snapshot: Snapshot) -> datetime | None:
    """Return when the newest commit of a repository was written, on any branch; None while it is empty."""
    return max((one.authored_date for one in snapshot.commits if one.repository == repository), default=None)
