"""A queue's way to what is due: a message says only that there is something, and who takes it begins whose turn it is.

Queues lose and repeat messages. Nothing rests on them: the order lies in the table until something begins, what was
said twice finds nothing left to do, and what was lost is said again with the next tick.
"""

from collections.abc import Callable
from datetime import datetime

from asgiref.sync import sync_to_async
from django.utils import timezone

from agent.schedules import leading, making, occurrences
from agent.schedules.running import run_occurrence

# As many workers as one tick wakes. Who has run one calls the next, so that it limits nothing but the queue.
MAX_SENT = 16
# More than the workers that can be quicker than this one in the moment after it looked.
_LOOKED_AT = 32
# One name for all: the next tick may come to another of them.
_WORKERS = "workers"


def tick(send: Callable[[], None], *, now: datetime) -> int:
    """Make what is due and `send` a message for each that may begin, `MAX_SENT` at most; return how many. Sync."""
    # Workers make what is due whoever leads; they only say that there are some.
    leading.lead(owner=_WORKERS, now=now)
    making.make_due(now=now)
    count = len(occurrences.list_to_begin(now=now, limit=MAX_SENT))
    for _ in range(count):
        send()
    return count


async def run_next() -> bool:
    """Run whose turn it is, to its end; tell whether there was one. Raises as `run_occurrence` does."""
    await sync_to_async(making.catch_up)(now=timezone.now())
    for occurrence in await sync_to_async(occurrences.list_to_begin)(now=timezone.now(), limit=_LOOKED_AT):
        if await run_occurrence(occurrence):
            return True
    return False
