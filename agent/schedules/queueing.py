"""Tells a queue what there is to run, as much as its workers take in a while, in fair order. Sync; safe to run twice.

Queues lose and repeat messages. Nothing rests on them: what was lost is told again, and what is told twice runs once.
"""

from collections.abc import Callable
from uuid import UUID

from django.utils import timezone

from agent.schedules import making, occurrences

# Some minutes of work for a few workers. What is behind waits in the table, where the order is still to be decided.
MAX_QUEUED = 200


def tick(send: Callable[[UUID], None]) -> int:
    """Make what is due and `send` what may begin and the queue has room for; return how many were sent."""
    now = timezone.now()
    making.make_due(now=now)
    room = MAX_QUEUED - occurrences.count_queued(now=now)
    to_send = occurrences.list_to_begin(now=now, limit=max(0, room), is_queued=True)
    # Before sending: who is quick must not find it unsent, and who dies in between leaves it to be sent again.
    occurrences.note_sent(to_send, now=now)
    for occurrence in to_send:
        send(occurrence)
    return len(to_send)
