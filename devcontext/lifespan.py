"""The beginning and the end of a process that answers questions: the web server's, and a command's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from agent import claude, housekeeping
from agent.api import egress
from agent.delivery import postman
from agent.runner import current_runner
from agent.schedules import scheduler
from audit import retention_daily, sealer
from devcontext import sessions
from vault.client import transport


async def shut_down() -> None:
    """Give every run its last event, then close what this event loop holds open."""
    await current_runner().aclose()
    await sessions.aclose()
    await claude.close()
    await egress.close_clients()
    await transport.close()


async def lifespan(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer the ASGI lifespan protocol. Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html."""
    await receive()
    async with _vault_at_work(), housekeeping.running(), postman.running(), scheduler.running(then=postman.nudge):
        current_runner().listen()
        # The model's SDK takes seconds to import; the pages need not wait for it, and nor need the first question.
        warming = asyncio.create_task(claude.warm_up())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await warming
    await shut_down()
    await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def _vault_at_work() -> AsyncIterator[None]:
    """Let the vault of this process do what it does by itself; one elsewhere does so there."""
    if not settings.IS_VAULT_EMBEDDED:
        yield
        return
    # By name: a process whose vault runs elsewhere never loads the vault's code.
    drainer: AbstractAsyncContextManager[None] = import_string("vault.drainer.running")()
    async with sealer.running(), retention_daily.running(), drainer:
        yield
