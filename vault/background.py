"""Work that belongs to the process and not to the request that began it: a client that hangs up does not end it."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any
from weakref import WeakKeyDictionary

# The event loop keeps weak references to its tasks; these keep them from being collected half-way.
_tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Task[None]]] = WeakKeyDictionary()


def detach(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run `work` as a task of its own.

    It gets a new context: a request's context names the database thread of that request, which ends with it.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work, context=contextvars.Context())
    tasks = _tasks.setdefault(loop, set())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def settle() -> None:
    """Wait for all detached work of this event loop, before its process or its databases go away."""
    while tasks := _tasks.get(asyncio.get_running_loop()):
        await asyncio.wait(tasks)
