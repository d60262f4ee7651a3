"""GitHub's commit search: the commits on default branches that match all qualifiers of a query.

Source: https://docs.github.com/en/search-github/searching-on-github/searching-commits
"""

from collections.abc import Callable
from datetime import datetime

from devcontext.sandbox.github.period import read_period
from devcontext.sandbox.github.search import PARTS, SearchError
from devcontext.sandbox.types import Commit, Snapshot


def search_commits(query: str, *, snapshot: Snapshot, is_newest_first: bool = True) -> list[Commit]:
    """Return what matches `query`, by the date of the author.

    Raises:
        SearchError: A qualifier or value is unknown, or there is none: GitHub does not list all commits there are.
    """
    tests: list[Callable[[Commit], bool]] = []
    repositories: set[str] = set()
    for part in PARTS.findall(query):
        name, colon, value = part.replace('"', "").partition(":")
        if name == "repo":
            repositories.add(value.lower())
        else:
            tests.append(_test(name, value, snapshot) if colon else _has_words(name))
    if not tests and not repositories:
        raise SearchError("Query must include something to search for.")
    if repositories:
        tests.append(lambda commit: commit.repository.name_with_owner.lower() in repositories)
    found = [commit for commit in on_default_branches(snapshot) if all(test(commit) for test in tests)]
    return sorted(found, key=lambda commit: commit.authored_date, reverse=is_newest_first)


def on_default_branches(snapshot: Snapshot) -> list[Commit]:
    """Return the commits that are neither on the branch of a pull request that waits or was closed, nor on another."""
    apart = {commit.oid for pull in snapshot.pull_requests if pull.state != "MERGED" for commit in pull.commits}
    return [commit for commit in snapshot.commits if not commit.branch and commit.oid not in apart]


def _test(name: str, value: str, snapshot: Snapshot) -> Callable[[Commit], bool]:
    if name == "author":
        login = snapshot.me.login if value == "@me" else value
        return lambda commit: commit.author is not None and commit.author.login == login
    if name == "-repo":
        return lambda commit: commit.repository.name_with_owner.lower() != value.lower()
    if name == "-org":
        return lambda commit: commit.repository.owner.lower() != value.lower()
    if name == "author-date":
        is_within = _period(value)
        return lambda commit: is_within(commit.authored_date)
    if name == "merge" and value in ("true", "false"):
        return lambda commit: commit.is_merge == (value == "true")
    raise SearchError(f"{name}:{value} is not known here.")


def _has_words(words: str) -> Callable[[Commit], bool]:
    return lambda commit: words.lower() in commit.message_headline.lower()


def _period(value: str) -> Callable[[datetime], bool]:
    try:
        return read_period(value)
    except ValueError:
        raise SearchError(f"{value!r} is no date or period.") from None
