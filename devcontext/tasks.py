"""Celery's way to the schedules: thin shells that may run twice, late, or not at all where the queue lost a message.

The order and the right to run lie in the database (`agent.schedules`), not in the queue.
"""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from agent.delivery.sending import deliver_due
from agent.schedules import queueing
from devcontext.lifespan import shut_down

# Workers that are all busy for longer are told anew by the next tick; so the queue stays short, and a tick is heard.
_EXPIRES_SECONDS = 30

logger = logging.getLogger(__name__)


# Acknowledged before it is done: who dies of it leaves a lease that ends, and the next tick tells of it.
@shared_task(name="agent.run_next_briefing", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def run_next_briefing_task() -> None:
    """Run the due time whose turn it is, if there is one, and call for the next."""
    if async_to_sync(_run)():
        # By a task of its own: a receiver that hangs holds no briefing.
        _send(deliver_briefings_task)
        _send(run_next_briefing_task)


@shared_task(name="agent.tick_schedules", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def tick_schedules_task() -> int:
    """Tell the workers that there is something due; returns how many messages that were."""
    return queueing.tick(lambda: _send(run_next_briefing_task), now=timezone.now())


@shared_task(name="agent.deliver_briefings", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def deliver_briefings_task() -> int:
    """Try each delivery that is due; returns how many were tried."""
    return async_to_sync(_deliver)()


def call_worker() -> None:
    """Tell the workers that something is due, for the web process."""
    # Without the app, the queue's address would be Celery's own default.
    from devcontext.celery import app  # noqa: PLC0415  (only where there is a queue)

    app.set_current()
    _send(run_next_briefing_task)


def _send(task: Any) -> None:
    """Put a task into the queue; where Redis is away, the next tick and the next look for deliveries do it."""
    try:
        task.apply_async(expires=_EXPIRES_SECONDS)
    except OperationalError:
        logger.warning("schedules.queue_away", extra={"task": task.name})


async def _deliver() -> int:
    try:
        return await deliver_due()
    finally:
        await shut_down()


async def _run() -> bool:
    try:
        return await queueing.run_next()
    finally:
        # What is open belongs to the event loop, and each task has one of its own.
        await shut_down()
