"""What a user's services look like now: the vault's answer, cached shortly and forgotten at every change.

It decides nothing: the gate asks again before it refuses, and the vault decides at every exchange. Each process has a
cache of its own; a change in another one is heard of (`permissions.changes`), or found when the answer is old.
"""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Unpack
from weakref import WeakKeyDictionary

from django.core.cache import cache

from permissions.services import SERVICES
from permissions.types import Service, ServiceStatus
from vault.client import Asker, Connection, ConnectionState, NotConnectedError
from vault.client import connections as vault

# Short enough that a change of which this process did not hear shows soon, long enough that the parallel tool calls of
# one briefing, and the pages that somebody goes through, share one answer.
_CACHE_SECONDS = 5
# Longer than any answer of a vault is waited for: by then no answer is on its way that was asked for before a change.
_EPOCH_SECONDS = 60


async def list_statuses(*, is_fresh: bool = False, **asker: Unpack[Asker]) -> tuple[ServiceStatus, ...]:
    """Return the status of every service, in the fixed order of `SERVICES`.

    Args:
        is_fresh: Ask the vault even when a cached answer is at hand.
        asker: The user and their session.

    Raises:
        vault.client.VaultUnavailableError: The vault does not answer, and nothing is cached or `is_fresh` is set.
        vault.client.VaultError: The vault does not accept this user or session.
    """
    found: tuple[Connection, ...] | None = None if is_fresh else await cache.aget(_key(asker["user"]))
    if found is None:
        epoch = await cache.aget(_epoch_key(asker["user"]))
        asked = _Asked(**asker, epoch=epoch)
        found = await (_ask(asked) if is_fresh else _ask_together(asked))
    return _statuses(found)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks the vault, and after which change: only what is equal may share an answer that is on its way."""

    user: str
    sid: str
    auth_time: float
    epoch: str | None


_Found = tuple[Connection, ...]
# The tool calls of a briefing begin at the same instant: all but the first would find nothing cached, and each would
# have a token minted and verified, and wait for the vault's thread.
_on_their_way: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Asked, asyncio.Task[_Found]]] = WeakKeyDictionary()


async def _ask_together(asked: _Asked) -> _Found:
    loop = asyncio.get_running_loop()
    tasks = _on_their_way.setdefault(loop, {})
    task = tasks.get(asked)
    if task is None:
        task = tasks[asked] = loop.create_task(_ask(asked))
        task.add_done_callback(partial(_arrived, tasks, asked))
    # One caller that is cancelled takes the answer from no other.
    return await asyncio.shield(task)


def _arrived(tasks: dict[_Asked, asyncio.Task[_Found]], asked: _Asked, task: asyncio.Task[_Found]) -> None:
    del tasks[asked]
    if not task.cancelled():
        # Every caller may have been cancelled meanwhile; an error that nobody hears of is no news.
        task.exception()


async def _ask(asked: _Asked) -> _Found:
    found = await vault.list_connections(user=asked.user, sid=asked.sid, auth_time=asked.auth_time)
    # An answer that a change overtook on its way is good for whoever asked, and for nobody after them.
    if await cache.aget(_epoch_key(asked.user)) == asked.epoch:
        await cache.aset(_key(asked.user), found, _CACHE_SECONDS)
    return found


async def load_status(*, provider: str, is_fresh: bool = False, **asker: Unpack[Asker]) -> ServiceStatus:
    """Return the status of one service; arguments and errors are those of `list_statuses`.

    Raises:
        KeyError: `provider` is none of `SERVICES`.
    """
    statuses = await list_statuses(**asker, is_fresh=is_fresh)
    return {status.service.slug: status for status in statuses}[provider]


async def load_account(*, provider: str, connection: str = "", **asker: Unpack[Asker]) -> ServiceStatus:
    """Return the status of one of the user's accounts at a service, fresh; the default one when none is named.

    Raises:
        vault.client.NotConnectedError: The user has no such connection to this service.
        vault.client.VaultError: As `list_statuses` raises it.
    """
    status = await load_status(**asker, provider=provider, is_fresh=True)
    for account in status.accounts:
        if connection in ("", account.connection):
            return account
    raise NotConnectedError


def status_of(connection: Connection, *, service: Service, others: tuple[ServiceStatus, ...] = ()) -> ServiceStatus:
    """Return what the pages show of a connection to `service`."""
    return ServiceStatus(
        service=service,
        state=connection.state,
        connection=connection.id,
        account=connection.account,
        granted_scope=connection.granted_scope,
        missing_scope=connection.missing_scope,
        connected_at=connection.connected_at,
        reconnect_reason=connection.reconnect_reason,
        paused_until=connection.paused_until if connection.is_access_allowed and connection.is_paused else None,
        is_away_allowed=connection.is_away_allowed,
        is_default=connection.is_default,
        others=others,
    )


def forget(*, user: str) -> None:
    """Drop the cached statuses of `user`, after a change or a refused call, and what is on its way from the vault."""
    cache.set(_epoch_key(user), secrets.token_hex(8), _EPOCH_SECONDS)
    cache.delete(_key(user))


def _key(user: str) -> str:
    return f"permissions.connections.{user}"


def _epoch_key(user: str) -> str:
    return f"permissions.epoch.{user}"


def _statuses(found: Iterable[Connection]) -> tuple[ServiceStatus, ...]:
    connected = tuple(found)
    return tuple(_status(connected, service=service) for service in SERVICES.values())


def _status(connected: tuple[Connection, ...], *, service: Service) -> ServiceStatus:
    own = [connection for connection in connected if connection.provider == service.slug]
    default = next((connection for connection in own if connection.is_default), None)
    if default is None:
        return ServiceStatus(service=service, state=ConnectionState.NOT_CONNECTED)
    others = tuple(status_of(connection, service=service) for connection in own if connection is not default)
    return status_of(default, service=service, others=others)
