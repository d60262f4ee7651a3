"""Celery's way into the agent: thin shells around one domain call each, safe to run twice."""

from celery import shared_task

from agent.retention import expire_content
from agent.runner import end_dead_runs


@shared_task(name="agent.end_dead_runs", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def end_dead_runs_task() -> int:
    """End the runs whose process is gone; returns how many."""
    return end_dead_runs()


@shared_task(name="agent.expire_content", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def expire_content_task() -> None:
    """Delete what was read longer ago than it may be kept."""
    expire_content()
