"""The reads that are under way in this process, so that a revoke ends them instead of waiting for their answers.

The vault refuses the next exchange by itself; this is about tokens that were handed out before.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from permissions.changes import Ends


class RecalledError(Exception):
    """The user took their leave back while something was read; whatever it had answered is dropped.

    Attributes:
        ends: `access_paused`, `revoked` or `not_connected`.
    """

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        self.ends = ends


@dataclass(eq=False, slots=True)
class _Read:
    """One tool call; `limit` has no end until it is recalled."""

    limit: asyncio.Timeout
    ends: Ends = ""


_Reads = dict[tuple[str, str], set[_Read]]
# A limit belongs to the event loop that it was made in; tests and commands have loops of their own.
_reads: WeakKeyDictionary[asyncio.AbstractEventLoop, _Reads] = WeakKeyDictionary()


@asynccontextmanager
async def recallable(*, user: str, provider: str) -> AsyncIterator[None]:
    """Let what is done inside be ended by `recall`.

    It is to be entered before the permission is checked: an exchange that the vault grants just before a revoke is then
    known here when the revoke is.

    Raises:
        RecalledError: It was recalled; nothing of it may be used.
    """
    under_way = _reads.setdefault(asyncio.get_running_loop(), defaultdict(set))
    read = None
    try:
        async with asyncio.timeout(None) as limit:
            read = _Read(limit)
            under_way[user, provider].add(read)
            try:
                yield
            finally:
                under_way[user, provider].discard(read)
    except TimeoutError:
        if read is None or not read.ends:
            raise
        raise RecalledError(read.ends) from None


def recall(*, user: str, provider: str, ends: Ends) -> int:
    """End every read of the user at `provider` that is under way on this event loop, and return how many there were."""
    loop = asyncio.get_running_loop()
    found = _reads.get(loop, {}).get((user, provider), set())
    for read in found:
        if not read.limit.expired():
            read.ends = ends
            read.limit.reschedule(loop.time())
    return len(found)
