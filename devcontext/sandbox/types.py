"""What exists in the sandbox at one moment: people, code, calendar and conversations, as frozen values.

Nothing here knows HTTP, tokens or a provider's spelling of a field; the provider modules translate.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

# What every page about invented people and things says of itself.
INVENTED = "Sandbox: invented data"


@dataclass(frozen=True, slots=True)
class Person:
    """One human of the team, under the names each provider knows them by."""

    name: str
    login: str
    email: str
    database_id: int
    slack_id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """A GitHub team that can be asked for review."""

    slug: str
    members: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """One GitHub repository."""

    owner: str
    name: str
    is_private: bool = True
    description: str = ""

    @property
    def name_with_owner(self) -> str:
        """`owner/name`, as GitHub writes it."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One check of GitHub Actions; `conclusion` is "" while it runs."""

    id: int
    name: str
    conclusion: str = "SUCCESS"
    title: str = ""


@dataclass(frozen=True, slots=True)
class StatusContext:
    """One commit status set by an outside system; `state` is a GraphQL `StatusState`."""

    context: str
    state: str = "SUCCESS"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `author` is None for an e-mail address that belongs to no account.

    `branch` names the branch of a commit that is in no pull request and not on the default branch.
    """

    oid: str
    message_headline: str
    authored_date: datetime
    author_name: str
    author: Person | None
    repository: Repository
    checks: tuple[CheckRun | StatusContext, ...] = ()
    is_merge: bool = False
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of an issue, a pull request or a review thread."""

    id: int
    author: Person
    body_text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """One submitted review; `state` is a GraphQL `PullRequestReviewState`."""

    id: int
    author: Person
    state: str
    submitted_at: datetime
    body_text: str = ""


@dataclass(frozen=True, slots=True)
class ReviewThread:
    """One conversation on a line of a diff."""

    path: str
    is_resolved: bool
    comments: tuple[Comment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue."""

    repository: Repository
    number: int
    title: str
    author: Person
    created_at: datetime
    body: str = ""
    state: str = "OPEN"
    closed_at: datetime | None = None
    assignees: tuple[Person, ...] = ()
    comments: tuple[Comment, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """One pull request; `state` is OPEN, MERGED or CLOSED, `mergeable` a GraphQL `MergeableState`."""

    repository: Repository
    number: int
    title: str
    author: Person
    created_at: datetime
    head_ref_name: str
    base_ref_name: str = "main"
    body: str = ""
    state: str = "OPEN"
    is_draft: bool = False
    merged_at: datetime | None = None
    additions: int = 0
    deletions: int = 0
    changed_files: int = 0
    mergeable: str = "MERGEABLE"
    labels: tuple[str, ...] = ()
    commits: tuple[Commit, ...] = ()
    comments: tuple[Comment, ...] = ()
    reviews: tuple[Review, ...] = ()
    threads: tuple[ReviewThread, ...] = ()
    requested: tuple[Person | Team, ...] = ()


@dataclass(frozen=True, slots=True)
class Attendee:
    """One guest of an event and the answer given: accepted, declined, tentative or needsAction."""

    person: Person
    response: str = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One calendar event; `start` and `end` are both instants or, for whole days, both dates (`end` exclusive).

    `series` names the recurring event this is an instance of; `rule` is that event's RRULE. `call_url` is the address
    of a real call, which is shown and never linked: what the API gives away leads to the sandbox.
    """

    id: str
    summary: str
    start: datetime | date
    end: datetime | date
    organizer: Person
    description: str = ""
    location: str = ""
    attendees: tuple[Attendee, ...] = ()
    kind: str = "default"
    is_transparent: bool = False
    has_call: bool = False
    call_url: str = ""
    series: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """One Slack conversation the demo user is in; `kind` is public_channel, private_channel, im or mpim."""

    id: str
    name: str
    kind: str
    topic: str
    last_read_at: datetime
    members: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Slack message. `thread_at` is the instant of the thread's first message, None outside threads.

    `{ledger#88}` in `text` stands for a link to that pull request or issue. An app's author has no `slack_id`.
    """

    channel_id: str
    author: Person
    text: str
    at: datetime
    thread_at: datetime | None = None
    reactions: tuple[tuple[str, int], ...] = ()
    subtype: str = ""
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that has happened up to `now`, and everything that is planned, as `me` may see it."""

    now: datetime
    me: Person
    people: tuple[Person, ...]
    repositories: tuple[Repository, ...] = ()
    pull_requests: tuple[PullRequest, ...] = ()
    issues: tuple[Issue, ...] = ()
    commits: tuple[Commit, ...] = ()
    events: tuple[Event, ...] = ()
    channels: tuple[Channel, ...] = ()
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One set of data that moves with the clock.

    `label` says in words what the data are, for every page and for `/health`; the notices say it for each service's
    pages, whose data may be somebody's own. `is_own` says that some are. Tokens expire by `clock` too, as far as it is
    not moved on (`TokenClock`).
    """

    label: str
    code_notice: str = INVENTED
    calendar_notice: str = INVENTED
    slack_notice: str = INVENTED
    is_own: bool = False
    zone: ZoneInfo
    clock: Callable[[], datetime]
    build: Callable[[datetime], Snapshot] = field(repr=False)

    def now(self) -> Snapshot:
        """Return the world as it is at this moment."""
        return self.build(self.clock())
