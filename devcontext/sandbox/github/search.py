"""GitHub's issue search: reads a query's qualifiers and finds the pull requests or issues that match all of them.

A qualifier that is not known here is refused, so that a client's mistake shows instead of being searched as a word.
Source: https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from devcontext.sandbox.github.period import read_period
from devcontext.sandbox.types import Issue, Person, PullRequest, Snapshot, Team

Work = PullRequest | Issue

# Words, where quotation marks hold several together.
PARTS = re.compile(r'(?:[^\s"]|"[^"]*")+')


class SearchError(Exception):
    """A query that GitHub, or this sandbox on purpose, does not answer; the text is for the client's developer."""


@dataclass(frozen=True, slots=True)
class _Query:
    kind: type[Work]
    tests: tuple[Callable[[Work], bool], ...]
    sort: str


@dataclass(slots=True)
class _Reader:
    """Collects a query's parts."""

    snapshot: Snapshot
    kinds: set[type[Work]] = field(default_factory=set)
    tests: list[Callable[[Work], bool]] = field(default_factory=list)
    repositories: set[str] = field(default_factory=set)
    sort: str = "created-desc"


def search(query: str, *, snapshot: Snapshot) -> list[Work]:
    """Return what matches `query`, in the order asked for.

    Raises:
        SearchError: A qualifier or value is unknown, or the query mixes issues and pull requests, which the tokens
            of GitHub Apps may not.
    """
    parsed = _read(query, snapshot)
    candidates: tuple[Work, ...] = snapshot.pull_requests if parsed.kind is PullRequest else snapshot.issues
    found = [work for work in candidates if all(test(work) for test in parsed.tests)]
    name, _, direction = parsed.sort.partition("-")
    key = {"created": lambda work: work.created_at, "updated": updated_at}.get(name)
    if key is None or direction not in ("asc", "desc", ""):
        raise SearchError(f"The sort order {parsed.sort!r} is not known.")
    return sorted(found, key=key, reverse=direction != "asc")


def updated_at(work: Work) -> datetime:
    """Return when anything last happened to a pull request or an issue."""
    instants = [work.created_at, *(comment.created_at for comment in work.comments)]
    if isinstance(work, PullRequest):
        instants += [commit.authored_date for commit in work.commits]
        instants += [review.submitted_at for review in work.reviews]
        instants += [work.merged_at] if work.merged_at else []
    elif work.closed_at:
        instants.append(work.closed_at)
    return max(instants)


def _read(query: str, snapshot: Snapshot) -> _Query:
    reader = _Reader(snapshot)
    for part in PARTS.findall(query):
        name, colon, value = part.replace('"', "").partition(":")
        if not colon:
            _words(reader, name)
        elif name not in _QUALIFIERS:
            raise SearchError(f"The qualifier {name!r} is not known here.")
        else:
            _QUALIFIERS[name](reader, value)
    if reader.repositories:
        reader.tests.append(lambda work: work.repository.name_with_owner.lower() in reader.repositories)
    if len(reader.kinds) != 1:
        raise SearchError("Query must include either 'is:issue' or 'is:pull-request'.")
    return _Query(reader.kinds.pop(), tuple(reader.tests), reader.sort)


def _words(reader: _Reader, words: str) -> None:
    reader.tests.append(lambda work: words.lower() in work.title.lower())


def _is(reader: _Reader, value: str) -> None:
    kinds: dict[str, type[Work]] = {"pr": PullRequest, "pull-request": PullRequest, "issue": Issue}
    states: dict[str, Callable[[Work], bool]] = {
        "open": lambda work: work.state == "OPEN",
        "closed": lambda work: work.state != "OPEN",
        "merged": lambda work: work.state == "MERGED",
        "unmerged": lambda work: work.state != "MERGED",
        "draft": _is_draft,
    }
    if value in kinds:
        reader.kinds.add(kinds[value])
    elif value in states:
        reader.tests.append(states[value])
    else:
        raise SearchError(f"is:{value} is not known here.")


def _is_draft(work: Work) -> bool:
    return isinstance(work, PullRequest) and work.is_draft


def _draft(reader: _Reader, value: str) -> None:
    if value not in ("true", "false"):
        raise SearchError("draft: takes true or false.")
    reader.tests.append(lambda work: _is_draft(work) == (value == "true"))


def _archived(reader: _Reader, value: str) -> None:
    if value not in ("true", "false"):
        raise SearchError("archived: takes true or false.")
    # No repository of the sandbox is archived.
    reader.tests.append(lambda _: value == "false")


def _repo(reader: _Reader, value: str) -> None:
    # Several of them widen the search, as on GitHub.
    reader.repositories.add(value.lower())


def _org(reader: _Reader, value: str) -> None:
    reader.tests.append(lambda work: work.repository.owner.lower() == value.lower())


def _without_repo(reader: _Reader, value: str) -> None:
    reader.tests.append(lambda work: work.repository.name_with_owner.lower() != value.lower())


def _without_org(reader: _Reader, value: str) -> None:
    reader.tests.append(lambda work: work.repository.owner.lower() != value.lower())


def _sort(reader: _Reader, value: str) -> None:
    reader.sort = value


def _author(reader: _Reader, value: str) -> None:
    login = _login(reader, value)
    reader.tests.append(lambda work: work.author.login == login)


def _assignee(reader: _Reader, value: str) -> None:
    login = _login(reader, value)
    reader.tests.append(lambda work: isinstance(work, Issue) and any(one.login == login for one in work.assignees))


def _reviewed_by(reader: _Reader, value: str) -> None:
    login = _login(reader, value)
    reader.tests.append(
        lambda work: isinstance(work, PullRequest) and any(review.author.login == login for review in work.reviews)
    )


def _mentions(reader: _Reader, value: str) -> None:
    mention = f"@{_login(reader, value)}".lower()
    reader.tests.append(
        lambda work: any(mention in text.lower() for text in (work.body, *(one.body_text for one in work.comments)))
    )


def _review_requested(reader: _Reader, value: str) -> None:
    login = _login(reader, value)
    reader.tests.append(lambda work: _is_asked(work, login, with_teams=True))


def _user_review_requested(reader: _Reader, value: str) -> None:
    login = _login(reader, value)
    reader.tests.append(lambda work: _is_asked(work, login, with_teams=False))


def _is_asked(work: Work, login: str, *, with_teams: bool) -> bool:
    def is_meant(asked: Person | Team) -> bool:
        if isinstance(asked, Team):
            return with_teams and any(member.login == login for member in asked.members)
        return asked.login == login

    return isinstance(work, PullRequest) and any(is_meant(asked) for asked in work.requested)


def _login(reader: _Reader, value: str) -> str:
    return reader.snapshot.me.login if value == "@me" else value


def _updated(reader: _Reader, value: str) -> None:
    is_within = _period(value)
    reader.tests.append(lambda work: is_within(updated_at(work)))


def _created(reader: _Reader, value: str) -> None:
    is_within = _period(value)
    reader.tests.append(lambda work: is_within(work.created_at))


def _merged(reader: _Reader, value: str) -> None:
    is_within = _period(value)
    reader.tests.append(
        lambda work: isinstance(work, PullRequest) and work.merged_at is not None and is_within(work.merged_at)
    )


def _period(value: str) -> Callable[[datetime], bool]:
    try:
        return read_period(value)
    except ValueError:
        raise SearchError(f"{value!r} is no date or period.") from None


_QUALIFIERS: dict[str, Callable[[_Reader, str], None]] = {
    "is": _is,
    "type": _is,
    "state": _is,
    "draft": _draft,
    "archived": _archived,
    "repo": _repo,
    "org": _org,
    "user": _org,
    "-repo": _without_repo,
    "-org": _without_org,
    "sort": _sort,
    "author": _author,
    "assignee": _assignee,
    "reviewed-by": _reviewed_by,
    "mentions": _mentions,
    "review-requested": _review_requested,
    "user-review-requested": _user_review_requested,
    "updated": _updated,
    "created": _created,
    "merged": _merged,
}
