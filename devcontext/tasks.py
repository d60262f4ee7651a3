"""Celery's way to the schedules: thin shells that may run twice, late, or after the worker before them was killed.

The order and the right to run lie in the database (`agent.schedules`), not in the queue.
"""

from uuid import UUID

from asgiref.sync import async_to_sync
from celery import shared_task

from agent.schedules import queueing
from agent.schedules.running import run_occurrence
from devcontext.lifespan import shut_down


# Acknowledged once it is done: the message of a worker that is killed goes to another one.
@shared_task(name="agent.run_occurrence", ignore_result=True, acks_late=True, reject_on_worker_lost=True)  # type: ignore[untyped-decorator]  # celery has no types
def run_occurrence_task(occurrence: str) -> None:
    """Run one due time of a schedule, if it is still to be run."""
    async_to_sync(_run)(UUID(occurrence))


@shared_task(name="agent.tick_schedules", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def tick_schedules_task() -> int:
    """Tell the workers what is due; returns how many due times that were."""
    return queueing.tick(lambda occurrence: run_occurrence_task.delay(str(occurrence)))


async def _run(occurrence: UUID) -> None:
    try:
        await run_occurrence(occurrence)
    finally:
        # What is open belongs to the event loop, and each task has one of its own.
        await shut_down()
