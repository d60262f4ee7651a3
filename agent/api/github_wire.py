"""The fields of GitHub's answers that we use, as values; whatever else GitHub sends stays outside.

Source: https://docs.github.com/en/graphql/reference
"""

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from agent.api.wire import Instant, Line, Link, Wire

_T = TypeVar("_T")


def _without_gaps(nodes: Any) -> Any:
    """Drop nodes that GitHub hid (null) or that are no pull request ({})."""
    return [node for node in nodes if node] if isinstance(nodes, list) else nodes


Nodes = Annotated[tuple[_T, ...], BeforeValidator(_without_gaps)]


class Repository(Wire):
    """A repository, `owner/name`."""

    name_with_owner: Line


class Actor(Wire):
    """Whoever acts: a person, a bot, an organization."""

    login: Line


class Subject(Wire):
    """What every pull request and issue has in our answers."""

    number: int
    title: Line
    url: Link
    repository: Repository


class WithState(Subject):
    """A pull request or issue and its state, such as OPEN."""

    state: Line


class _Rollup(Wire):
    state: Line


class _Checked(Wire):
    status_check_rollup: _Rollup | None = None


class _CheckedNode(Wire):
    commit: _Checked


class _CheckedConnection(Wire):
    nodes: Nodes[_CheckedNode]


class Reviewer(Wire):
    """Who was asked for a review: a user has a login, a team a slug."""

    login: Line = ""
    slug: Line = ""


class _ReviewRequest(Wire):
    requested_reviewer: Reviewer | None = None


class ReviewRequests(Wire):
    """Who was asked for a review and did not give it yet."""

    nodes: Nodes[_ReviewRequest]

    @property
    def asked(self) -> tuple[Reviewer, ...]:
        """Those of them that we may see."""
        return tuple(request.requested_reviewer for request in self.nodes if request.requested_reviewer)


class PullRequest(Subject):
    """A pull request with what decides who has to move."""

    is_draft: bool
    created_at: Instant
    updated_at: Instant
    additions: int
    deletions: int
    changed_files: int
    review_decision: Line | None = None
    mergeable: Line
    author: Actor | None = None
    review_requests: ReviewRequests | None = None
    commits: _CheckedConnection

    @property
    def check_state(self) -> str:
        """The newest commit's rollup state, such as FAILURE; "" when nothing checks it or we may not see."""
        rollups = [node.commit.status_check_rollup for node in self.commits.nodes]
        return rollups[-1].state if rollups and rollups[-1] else ""

    @property
    def reviewers(self) -> tuple[Reviewer, ...]:
        """Who was asked for a review and did not give it yet."""
        return self.review_requests.asked if self.review_requests else ()


class _PullRequests(Wire):
    issue_count: int
    nodes: Nodes[PullRequest]


class PullRequestSearch(Wire):
    """Answer of the document `pull_requests`."""

    viewer: Actor
    search: _PullRequests


class _GitActor(Wire):
    user: Actor | None = None


class Commit(Wire):
    """One commit of a pull request."""

    oid: str = Field(pattern=r"^[0-9a-f]{40,64}$")
    url: Link
    message_headline: Line
    authored_date: Instant
    author: _GitActor | None = None

    @property
    def login(self) -> str:
        """The author's login, "" for an address without an account."""
        return self.author.user.login if self.author and self.author.user else ""


class _CommitNode(Wire):
    commit: Commit


class _Commits(Wire):
    nodes: Nodes[_CommitNode]


class WorkedOn(WithState):
    """A pull request with its newest commits."""

    created_at: Instant
    merged_at: Instant | None = None
    author: Actor | None = None
    commits: _Commits


class _WorkedOnSearch(Wire):
    issue_count: int
    nodes: Nodes[WorkedOn]


class CommitSearch(Wire):
    """Answer of the document `commits`."""

    viewer: Actor
    search: _WorkedOnSearch


class _Review(Wire):
    state: Line
    url: Link


class ReviewContribution(Wire):
    """A review that the user gave."""

    occurred_at: Instant
    pull_request_review: _Review
    pull_request: Subject


class IssueContribution(Wire):
    """An issue that the user opened."""

    occurred_at: Instant
    issue: WithState


class _Count(Wire):
    total_count: int


class RepositoryCommits(Wire):
    """How many commits of the user reached a repository's default branch."""

    repository: Repository
    contributions: _Count


class _ReviewContributions(Wire):
    nodes: Nodes[ReviewContribution]


class _IssueContributions(Wire):
    nodes: Nodes[IssueContribution]


class Contributions(Wire):
    """What GitHub counts as the user's contributions; `restricted_contributions_count` of them are hidden from us."""

    restricted_contributions_count: int
    commit_contributions_by_repository: Nodes[RepositoryCommits]
    pull_request_review_contributions: _ReviewContributions
    issue_contributions: _IssueContributions


class _Viewer(Actor):
    contributions_collection: Contributions


class Activity(Wire):
    """Answer of the document `activity`."""

    viewer: _Viewer
