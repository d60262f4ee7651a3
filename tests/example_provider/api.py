"""Tasklist's API: the example's `agent/api/tasklist.py`."""

from agent.api.wire import Day, Line, Link, SnakeWire, parse
from agent.endpoints import Endpoint
from agent.tool import ProviderHTTP

LIST_TASKS = Endpoint("tasklist", "GET", "/tasks")


class Task(SnakeWire):
    """One task."""

    title: Line
    url: Link
    due: Day | None = None


class Tasks(SnakeWire):
    """A page of tasks."""

    tasks: tuple[Task, ...]


async def list_open_tasks(http: ProviderHTTP, *, limit: int) -> Tasks:
    """Read the user's open tasks, those due first at the top."""
    body = await http.get(LIST_TASKS.path, params={"state": "open", "limit": str(limit)})
    return parse(Tasks, provider="tasklist", data=body)
