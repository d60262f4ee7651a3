"""What a search asks its provider to leave out, so that excluded places are not read at all where that can be said.

SECURITY: this only asks for less. What does not fit, or a provider ignores, the dispatcher drops from the answer.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import TypeVar

from agent.errors import ToolFailedError
from agent.exclusions import Exclusions

# SECURITY: nothing else goes into a query: a space, a colon or a quotation mark would begin another qualifier.
_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_REPOSITORY = re.compile(rf"{_OWNER.pattern}/[A-Za-z0-9._-]{{1,100}}")
_CHANNEL = re.compile(r"[^\W-][\w-]{0,79}")
# An exclusion may be a channel's id, in lower case; how a search takes one in that form is not documented.
_CHANNEL_ID = re.compile(r"[cdg](?=[a-z]*[0-9])[0-9a-z]{8,}")

# GitHub takes 256 characters and five operators AND, OR or NOT. It documents that qualifiers do not count as
# characters; whether it counts an excluding one as NOT is NOT VERIFIED. The rest of our longest query has 84.
# Source: https://docs.github.com/en/rest/search/search#limitations-on-query-length
_GITHUB_CHARACTERS, _GITHUB_COUNT = 160, 5
# Slack documents no limit; these are as many as GitHub's longest query has characters.
_SLACK_CHARACTERS, _SLACK_COUNT = 256, 10

_EXCLUDING = re.compile(r" -(?:repo|org):\S+")

_Answer = TypeVar("_Answer")


def github_qualifiers(exclusions: Exclusions) -> str:
    """Return qualifiers that leave out owners and repositories, each after a space; "" for none.

    That `-org:` leaves out the repositories of a person too is NOT VERIFIED.
    Source: https://docs.github.com/en/search-github/getting-started-with-searching-on-github/
    understanding-the-search-syntax#exclude-certain-results
    """
    owners = [f"-org:{name}" for name in sorted(exclusions.organisations) if _OWNER.fullmatch(name)]
    repositories = [
        f"-repo:{name}"
        for name in sorted(exclusions.repositories)
        if _REPOSITORY.fullmatch(name) and name.partition("/")[0] not in exclusions.organisations
    ]
    # Owners first: one of them leaves out more.
    return _fitting((*owners, *repositories), max_characters=_GITHUB_CHARACTERS, max_count=_GITHUB_COUNT)


def slack_modifiers(exclusions: Exclusions) -> str:
    """Return modifiers that leave out channels, each after a space; "" for none.

    What Slack makes of a channel that it does not know is NOT VERIFIED.
    Source: https://slack.com/help/articles/202528808-Search-in-Slack
    """
    names = sorted(name for name in exclusions.channels if _CHANNEL.fullmatch(name) and not _CHANNEL_ID.fullmatch(name))
    asked = [f"-in:#{name}" for name in names]
    return _fitting(asked, max_characters=_SLACK_CHARACTERS, max_count=_SLACK_COUNT)


def told(what: str, *, asked: str) -> tuple[str, ...]:
    """Return the warning that `asked` leaves out so many `what`; () where it leaves out nothing."""
    count = _count(asked)
    return (f"{what} left out by your exclusions: {count}.",) if count else ()


async def or_whole(query: str, *, ask: Callable[[str], Awaitable[_Answer]]) -> _Answer:
    """Return what `ask` answers to `query`; to the query without its exclusions where GitHub refuses it.

    GitHub refuses searches in repositories and of owners that the connection cannot see (422); whether it does so for
    those that are to be left out is NOT VERIFIED. A name written wrong must not end every search.
    """
    whole = _EXCLUDING.sub("", query)
    try:
        return await ask(query)
    except ToolFailedError as error:
        if whole == query or not _may_be_of_the_query(error):
            raise
    return await ask(whole)


def _may_be_of_the_query(error: ToolFailedError) -> bool:
    # GraphQL refuses with 200. A limit, a permission and GitHub's own trouble are no fault of a query.
    is_refused = error.status in (HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY)
    return is_refused and error.code in ("not_found", "upstream_unavailable")


def _fitting(asked: Iterable[str], *, max_characters: int, max_count: int) -> str:
    chosen = ""
    for one in asked:
        if _count(chosen) < max_count and len(chosen) + 1 + len(one) <= max_characters:
            chosen += f" {one}"
    return chosen


def _count(asked: str) -> int:
    return asked.count(" -")
