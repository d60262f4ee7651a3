"""One process of the vault, told on its standard input what to do: a line of JSON in, a line of JSON out.

`python -m tests.faults.worker`; `tests.faults.processes` starts it, and may kill it at any moment.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from asgiref.sync import async_to_sync, sync_to_async  # noqa: E402  (Django comes first)
from django.db import connections  # noqa: E402
from django.forms.models import model_to_dict  # noqa: E402
from django.utils import timezone  # noqa: E402

from audit.models import AuditEvent  # noqa: E402
from vault import background, connect, models, tokens  # noqa: E402
from vault.embedded import EmbeddedVault  # noqa: E402
from vault.errors import VaultError  # noqa: E402
from vault.types import ExchangeRequest  # noqa: E402

# Held until `unlock`. SQLite has one lock for the whole file.
_LOCKS = {
    "sqlite": {"row": "BEGIN IMMEDIATE", "row shared": "BEGIN IMMEDIATE", "audit": "BEGIN IMMEDIATE"},
    "postgresql": {
        "row": "SELECT id FROM vault_connection WHERE subject = %s FOR UPDATE",
        "row shared": "SELECT id FROM vault_connection WHERE subject = %s FOR SHARE",
        "audit": "LOCK TABLE audit_event IN EXCLUSIVE MODE",
    },
}

vault = EmbeddedVault()


def subject(user: str, *, purpose: tokens.Purpose = "connections") -> str:
    """Return a subject token of `user`."""
    return tokens.mint_subject(user=user, sid="sid-1", auth_time=1.0, purpose=purpose)


async def exchange_once(user: str, audience: str) -> dict[str, Any]:
    """Exchange, and return the token or the error's name, with the machine's monotonic clock before and after."""
    asked = ExchangeRequest(
        subject_token=subject(user, purpose="exchange"),
        subject_token_type=tokens.TOKEN_TYPE_ACCESS,
        audience=audience,
        actor_token=tokens.mint_actor(agent="agent:devcontext", run="run-1", tool="t", tool_call="toolu_1"),
        actor_token_type=tokens.TOKEN_TYPE_JWT,
    )
    started = time.monotonic_ns()
    try:
        answer = {"token": (await vault.exchange(asked)).access_token}
    except VaultError as error:
        answer = {"error": type(error).__name__}
    return {**answer, "user": user, "audience": audience, "started": started, "ended": time.monotonic_ns()}


async def start_connect(*, user: str, provider: str) -> str:
    return await vault.start_connect(subject_token=subject(user), provider=provider)


async def finish_connect(*, user: str, provider: str, query: dict[str, str]) -> str:
    address = await connect.finish(provider, query=query)
    returned = dict(pair.split("=", 1) for pair in address.partition("?")[2].split("&"))
    connected = await vault.confirm_connection(
        subject_token=subject(user), connection=returned["connection"], nonce=returned["nonce"]
    )
    return connected.id


async def disconnect(*, user: str, provider: str) -> int:
    """Disconnect, and return how many connections are left."""
    await vault.disconnect(subject_token=subject(user), connection=provider)
    return len(await vault.list_connections(subject_token=subject(user)))


async def set_access(*, user: str, provider: str, is_allowed: bool) -> bool:
    """Revoke or restore, and return the position of the switch."""
    changed = await vault.set_access(subject_token=subject(user), connection=provider, is_allowed=is_allowed)
    return changed.is_access_allowed


async def exchange(*, asked: list[tuple[str, str]], at_once: int = 0) -> list[dict[str, Any]]:
    """Make the exchanges, each a user and an audience: all of them side by side, or `at_once` at a time."""
    turns = asyncio.Semaphore(at_once or len(asked))

    async def one(user: str, audience: str) -> dict[str, Any]:
        async with turns:
            return await exchange_once(user, audience)

    found = await asyncio.gather(*(one(user, audience) for user, audience in asked))
    return list(found)


async def race(*, user: str, provider: str, count: int, at_once: int) -> dict[str, Any]:
    """Make `count` exchanges, `at_once` at a time; return when each that got a token ran, and how the others ended."""
    granted: list[tuple[int, int]] = []
    refused: list[tuple[int, int]] = []
    errors: dict[str, int] = {}
    left = iter(range(count))

    async def go_on() -> None:
        for _ in left:
            found = await exchange_once(user, provider)
            kept = granted if "token" in found else refused
            kept.append((found["started"], found["ended"]))
            if "error" in found:
                errors[found["error"]] = errors.get(found["error"], 0) + 1

    await asyncio.gather(*(go_on() for _ in range(at_once)))
    return {"granted": granted, "refused": refused, "errors": errors}


async def flip(*, user: str, provider: str, count: int, pause_seconds: float) -> list[tuple[int, int]]:
    """Revoke and restore `count` times; return when each revoke was answered and its restore begun."""
    closed = []
    for _ in range(count):
        await vault.set_access(subject_token=subject(user), connection=provider, is_allowed=False)
        answered = time.monotonic_ns()
        await asyncio.sleep(pause_seconds)
        closed.append((answered, time.monotonic_ns()))
        await vault.set_access(subject_token=subject(user), connection=provider, is_allowed=True)
        await asyncio.sleep(pause_seconds)
    return closed


@sync_to_async
def row(*, user: str, provider: str = "github") -> dict[str, Any]:
    """Return the columns of the user's connection."""
    return model_to_dict(models.Connection.objects.using("vault").get(subject=user, provider=provider))


@sync_to_async
def expire(*, users: list[str], left_seconds: float = 0) -> int:
    """Let the users' access tokens end in a while; return how many there were."""
    ends_at = timezone.now() + timedelta(seconds=left_seconds)
    return models.Connection.objects.using("vault").filter(subject__in=users).update(access_expires_at=ends_at)


@sync_to_async
def events(*, user: str, kind: str = "") -> list[tuple[str, str]]:
    """Return (event, reason) of the user's audit events whose name begins with `kind`, oldest first."""
    rows = AuditEvent.objects.using("audit").filter(user=user, event__startswith=kind).order_by("id")
    return list(rows.values_list("event", "reason"))


@sync_to_async
def lock(*, what: str, user: str = "") -> None:
    """Hold a lock that the others wait for, until `unlock`."""
    database = connections["audit" if what == "audit" else "vault"]
    statement = _LOCKS[database.vendor][what]
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("BEGIN")
        cursor.execute(statement, [user] if "%s" in statement else [])


@sync_to_async
def unlock() -> None:
    for alias in ("vault", "audit"):
        connections[alias].close()


async def settle() -> None:
    """Wait for what the exchanges began."""
    await background.settle()


COMMANDS: dict[str, Callable[..., Awaitable[Any]]] = {
    function.__name__: function  # type: ignore[attr-defined]
    for function in (
        start_connect,
        finish_connect,
        disconnect,
        set_access,
        exchange,
        race,
        flip,
        row,
        expire,
        events,
        lock,
        unlock,
        settle,
    )
}


async def serve() -> None:
    """Do one command after another until the input ends."""
    tell({"ready": os.getpid()})
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        tell(await COMMANDS[command.pop("do")](**command))
    await background.settle()


def tell(answer: Any) -> None:
    print(json.dumps(answer, default=str), flush=True)  # noqa: T201  (the protocol)


if __name__ == "__main__":
    async_to_sync(serve)()
