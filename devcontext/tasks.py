"""Celery's way to the schedules: thin shells that may run twice, late, or after the worker before them was killed.

The order and the right to run lie in the database (`agent.schedules`), not in the queue.
"""

from uuid import UUID

from asgiref.sync import async_to_sync
from celery import shared_task

from agent.delivery.sending import deliver_due
from agent.schedules import queueing
from agent.schedules.running import run_occurrence
from devcontext.lifespan import shut_down


# Acknowledged once it is done: the message of a worker that is killed goes to another one.
@shared_task(name="agent.run_occurrence", ignore_result=True, acks_late=True, reject_on_worker_lost=True)  # type: ignore[untyped-decorator]  # celery has no types
def run_occurrence_task(occurrence: str) -> None:
    """Run one due time of a schedule, if it is still to be run."""
    if async_to_sync(_run)(UUID(occurrence)):
        # By a task of its own: a receiver that hangs holds no briefing.
        deliver_briefings_task.delay()


@shared_task(name="agent.tick_schedules", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def tick_schedules_task() -> int:
    """Tell the workers what is due; returns how many due times that were."""
    return queueing.tick(lambda occurrence: run_occurrence_task.delay(str(occurrence)))


@shared_task(name="agent.deliver_briefings", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def deliver_briefings_task() -> int:
    """Try each delivery that is due; returns how many were tried."""
    return async_to_sync(_deliver)()


async def _deliver() -> int:
    try:
        return await deliver_due()
    finally:
        await shut_down()


async def _run(occurrence: UUID) -> bool:
    try:
        return await run_occurrence(occurrence)
    finally:
        # What is open belongs to the event loop, and each task has one of its own.
        await shut_down()
