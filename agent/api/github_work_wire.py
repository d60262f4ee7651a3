"""The fields of issues, mentions and repositories that we use.

Source: https://docs.github.com/en/graphql/reference/objects#issue and #repository
"""

from pydantic import Field

from agent.api.github_wire import Actor, Nodes, Subject, WithState
from agent.api.wire import Instant, Line, Link, Wire


class Comment(Wire):
    """A comment of an issue or a pull request."""

    author: Actor | None = None
    body_text: str = ""
    created_at: Instant
    url: Link


class _Comments(Wire):
    nodes: Nodes[Comment]


class Discussed(Subject):
    """An issue or a pull request with its text and newest comments."""

    kind: Line = Field(alias="__typename")
    body_text: str = ""
    created_at: Instant
    updated_at: Instant
    author: Actor | None = None
    comments: _Comments


class _DiscussedSearch(Wire):
    issue_count: int
    nodes: Nodes[Discussed]


class MentionSearch(Wire):
    """Answer of the document `mentions`."""

    viewer: Actor
    search: _DiscussedSearch


class _Label(Wire):
    name: Line


class _Labels(Wire):
    nodes: Nodes[_Label] = ()


class Issue(WithState):
    """An issue."""

    created_at: Instant
    updated_at: Instant
    author: Actor | None = None
    labels: _Labels | None = None


class _Issues(Wire):
    issue_count: int
    nodes: Nodes[Issue]


class IssueSearch(Wire):
    """Answer of the document `issues`."""

    search: _Issues


class KnownRepository(Wire):
    """A repository that the user has to do with; `pushed_at` is None before the first push."""

    name_with_owner: str = Field(pattern=r"^[A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100}$")
    url: Link
    description: Line | None = None
    is_private: bool
    pushed_at: Instant | None = None


class _PageInfo(Wire):
    has_next_page: bool
    end_cursor: str | None = None


class _Repositories(Wire):
    total_count: int
    page_info: _PageInfo
    nodes: Nodes[KnownRepository]


class _ContributedTo(Wire):
    nodes: Nodes[KnownRepository]


class _Viewer(Actor):
    repositories: _Repositories
    # None where this kind of token does not see contributions.
    repositories_contributed_to: _ContributedTo | None = None


class RepositoryList(Wire):
    """Answer of the document `repositories`."""

    viewer: _Viewer
