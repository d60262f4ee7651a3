"""One measured process: takes commands as lines of JSON from the driver, and answers each with one line.

It is a web process without its pages: what it calls is what a tool call of the agent calls.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import django
import uvloop
from asgiref.sync import sync_to_async
from django.core.management import call_command

_SESSION: dict[str, Any] = {"sid": "benchmark", "auth_time": time.time()}


async def measure(subject: str, *, calls: int, at_once: int = 1) -> dict[str, Any]:
    """Call a subject `calls` times, `at_once` of them side by side; what a call needs is prepared before its clock.

    The processor time is that of the whole process, with the preparation, so it is given for what prepares nothing.
    """
    from benchmarks.subjects import SUBJECTS  # noqa: PLC0415  (Django is set up by then)

    measured = await SUBJECTS[subject].opened()
    durations: list[float] = []

    async def call_in_turn(number: int) -> None:
        for _ in range(number):
            prepared = await measured.prepare()
            started = time.perf_counter()
            await measured.call(prepared)
            durations.append((time.perf_counter() - started) * 1000)

    started, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call_in_turn(calls // at_once) for _ in range(at_once)))
    return {
        "ms": durations,
        "wall_seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - processor,
    }


async def migrate() -> None:
    """Make the tables."""
    await sync_to_async(call_command)("migrate_all")


async def start_connect(user: str, provider: str) -> str:
    """Begin a connect flow; the driver consents."""
    from vault.client import connections  # noqa: PLC0415  (likewise)

    return await connections.start_connect(user=user, sid="benchmark", auth_time=1.0, provider=provider)


async def finish_connect(user: str, provider: str, query: dict[str, str]) -> None:
    """End a connect flow with what the provider sent."""
    import httpx  # noqa: PLC0415  (with the rest of the vault)

    from vault import connect  # noqa: PLC0415  (Django is set up by then)
    from vault.client import connections  # noqa: PLC0415

    returned = httpx.URL(await connect.finish(provider, query=query)).params
    await connections.confirm_connection(
        user=user, sid="benchmark", auth_time=1.0, connection=returned["connection"], nonce=returned["nonce"]
    )


async def expire(user: str) -> None:
    """Let the user's access token of GitHub have ended a second ago."""
    from datetime import timedelta  # noqa: PLC0415  (with the rest of the vault)

    from django.utils import timezone  # noqa: PLC0415

    from vault.models import Connection  # noqa: PLC0415  (Django is set up by then)

    owned = Connection.objects.using("vault").filter(subject=user, provider="github")
    changed = await owned.aupdate(access_expires_at=timezone.now() - timedelta(seconds=1))
    if changed != 1:
        raise LookupError(user)


async def race(user: str, callers: int, starts_at: float) -> dict[str, Any]:
    """Let `callers` exchange for the same connection at the same instant of the machine's monotonic clock."""
    from benchmarks.subjects import exchange  # noqa: PLC0415  (Django is set up by then)

    async def call() -> float | None:
        await asyncio.sleep(max(0.0, starts_at - time.monotonic()))
        started = time.monotonic()
        try:
            await exchange(user=user, provider="github", scope="")
        except Exception:  # noqa: BLE001  (whatever the failure is, it is counted as one)
            return None
        return (time.monotonic() - started) * 1000

    finished = await asyncio.gather(*(call() for _ in range(callers)))
    return {"ms": [duration for duration in finished if duration is not None], "failures": finished.count(None)}


_COMMANDS: dict[str, Callable[..., Awaitable[Any]]] = {
    command.__name__: command for command in (measure, migrate, start_connect, finish_connect, expire, race)
}


async def _serve() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        answer = await _COMMANDS[order.pop("command")](**order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    django.setup()
    uvloop.run(_serve())
