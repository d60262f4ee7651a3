"""Short ways to write down commits, comments and reviews whose ids stay the same from day to day."""

import hashlib
from datetime import datetime

from devcontext.sandbox.types import CheckRun, Comment, Commit, Person, Repository, Review, StatusContext


def stable_id(*parts: str) -> int:
    """Return a number that depends on the words alone, so that a link of last week still leads somewhere."""
    return int(hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8], 16)


def commit(
    repository: Repository,
    headline: str,
    *,
    author: Person,
    at: datetime,
    checks: tuple[CheckRun | StatusContext, ...] = (),
) -> Commit:
    """Return a commit whose object id comes from its repository and headline."""
    oid = hashlib.sha1(f"{repository.name_with_owner}\n{headline}".encode(), usedforsecurity=False).hexdigest()
    return Commit(oid, headline, at, author.name, author, repository, checks)


def comment(author: Person, text: str, *, at: datetime) -> Comment:
    """Return a comment."""
    return Comment(stable_id(author.login, text), author, text, at)


def review(author: Person, state: str, *, at: datetime, text: str = "") -> Review:
    """Return a submitted review."""
    return Review(stable_id(author.login, state, text), author, state, at, text)


def check(name: str, *, conclusion: str = "SUCCESS", title: str = "") -> CheckRun:
    """Return a check run; an empty `conclusion` means that it still runs."""
    return CheckRun(stable_id(name, conclusion, title), name, conclusion, title)
