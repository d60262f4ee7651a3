"""The fields of one pull request's page that we use: reviews, conversations on its lines, and each check.

Source: https://docs.github.com/en/graphql/reference/objects#pullrequest
"""

from pydantic import Field

from agent.api.github_wire import Actor, Nodes, Reviewer, ReviewRequests, Subject
from agent.api.wire import Instant, Line, Link, Wire

# Conclusions and states that keep a pull request from being green. Source:
# https://docs.github.com/en/graphql/reference/enums#checkconclusionstate and #statusstate
_FAILED = frozenset({"FAILURE", "TIMED_OUT", "CANCELLED", "ACTION_REQUIRED", "STARTUP_FAILURE", "ERROR"})


class Check(Wire):
    """One check of a commit: a run of an app (`name`, `conclusion`), or a status set from outside (`context`, `state`).

    Its page may lie on another host, and outside systems may give it none or a broken one.
    """

    name: Line = ""
    context: Line = ""
    conclusion: Line | None = None
    state: Line | None = None
    title: Line | None = None
    description: Line | None = None
    details_url: str | None = None
    target_url: str | None = None
    completed_at: Instant | None = None
    created_at: Instant | None = None

    @property
    def outcome(self) -> str:
        """The conclusion or state, such as FAILURE; "" while it runs."""
        return self.conclusion or self.state or ""

    @property
    def has_failed(self) -> bool:
        """Whether it ended badly."""
        return self.outcome in _FAILED


class _Contexts(Wire):
    total_count: int = 0
    nodes: Nodes[Check]


class _Rollup(Wire):
    state: Line
    contexts: _Contexts


class _Commit(Wire):
    status_check_rollup: _Rollup | None = None


class _CommitNode(Wire):
    commit: _Commit


class _Commits(Wire):
    nodes: Nodes[_CommitNode]


class CheckedPullRequest(Subject):
    """A pull request with the checks of its newest commit."""

    commits: _Commits

    @property
    def check_state(self) -> str:
        """All checks together, such as FAILURE; "" when nothing checks it or we may not see."""
        rollup = self._rollup
        return rollup.state if rollup else ""

    @property
    def failing(self) -> tuple[Check, ...]:
        """The checks that ended badly."""
        rollup = self._rollup
        return tuple(check for check in rollup.contexts.nodes if check.has_failed) if rollup else ()

    @property
    def has_more_checks(self) -> bool:
        """Whether there are more checks than were read."""
        rollup = self._rollup
        return rollup is not None and rollup.contexts.total_count > len(rollup.contexts.nodes)

    @property
    def _rollup(self) -> _Rollup | None:
        nodes = self.commits.nodes
        return nodes[-1].commit.status_check_rollup if nodes else None


class _Checked(Wire):
    issue_count: int
    nodes: Nodes[CheckedPullRequest]


class CheckSearch(Wire):
    """Answer of the document `failing_checks`."""

    search: _Checked


class GivenReview(Wire):
    """A review; `submitted_at` is None for one that is still being written."""

    author: Actor | None = None
    state: Line
    submitted_at: Instant | None = None
    body_text: str = ""
    url: Link


class _Reviews(Wire):
    nodes: Nodes[GivenReview] = ()


class LineComment(Wire):
    """The comment that began a conversation on a line."""

    author: Actor | None = None
    body_text: str = ""
    created_at: Instant
    url: Link


class _LineComments(Wire):
    nodes: Nodes[LineComment]


class Thread(Wire):
    """A conversation on a line of the diff."""

    is_resolved: bool
    path: Line
    comments: _LineComments


class _Threads(Wire):
    total_count: int
    nodes: Nodes[Thread]


class PullRequestPage(CheckedPullRequest):
    """A pull request with all that decides what happens to it."""

    state: Line
    is_draft: bool
    body_text: str = ""
    created_at: Instant
    updated_at: Instant
    merged_at: Instant | None = None
    base_ref_name: Line
    head_ref_name: Line
    additions: int
    deletions: int
    changed_files: int
    review_decision: Line | None = None
    mergeable: Line
    author: Actor | None = None
    review_requests: ReviewRequests | None = None
    reviews: _Reviews | None = Field(default=None)
    review_threads: _Threads

    @property
    def reviewers(self) -> tuple[Reviewer, ...]:
        """Who was asked for a review and did not give it yet."""
        return self.review_requests.asked if self.review_requests else ()

    @property
    def given_reviews(self) -> tuple[GivenReview, ...]:
        """The reviews that were submitted, oldest first."""
        return tuple(review for review in self.reviews.nodes if review.submitted_at) if self.reviews else ()


class _Repository(Wire):
    pull_request: PullRequestPage | None = None


class PullRequestAnswer(Wire):
    """Answer of the document `pull_request`; both are None where there is nothing that the connection can see."""

    repository: _Repository | None = None
