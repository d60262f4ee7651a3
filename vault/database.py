"""The one way from async code to the vault's tables: short sync work on a database thread, and one error when it fails.

The threads belong to the process and keep their database connections. Under ASGI, Django gives each request a thread
of its own, which would open the vault and the audit anew for every exchange. Never do network work in here: all of a
process shares the threads.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connections

from audit.record import DATABASE as AUDIT_ALIAS
from vault.errors import VaultUnavailableError

ALIAS = "vault"

# SQLite has one writer at a time: threads of one process would only wait for each other, and by polling.
_SQLITE_THREADS = 1
# Exchanges wait for PostgreSQL's disk, not for Python; two connections each, of the 100 that a server takes by default.
_POSTGRESQL_THREADS = 4
# A connection that rested for longer is asked whether its server still is there before it is used.
_RESTED_SECONDS = 1.0

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


async def run(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what the sync `function` returns.

    Raises:
        VaultUnavailableError: The database failed.
    """
    call = partial(_guarded, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads(), call)


class _Thread(threading.local):
    """When this thread last used its connections, on the monotonic clock."""

    used_at = 0.0


_thread = _Thread()


@cache
def _threads() -> ThreadPoolExecutor:
    is_sqlite = connections[ALIAS].vendor == "sqlite"
    return ThreadPoolExecutor(_SQLITE_THREADS if is_sqlite else _POSTGRESQL_THREADS, thread_name_prefix="vault")


def _guarded(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    if time.monotonic() - _thread.used_at > _RESTED_SECONDS:
        _drop_dead_connections()
    try:
        return function(*args, **kwargs)
    except DatabaseError as error:
        # These threads have no end of request at which Django would replace a broken connection.
        connections[ALIAS].close_if_unusable_or_obsolete()
        logger.warning("vault.database.failed", extra={"kind": type(error).__name__})
        raise VaultUnavailableError from None
    finally:
        _thread.used_at = time.monotonic()


def _drop_dead_connections() -> None:
    """Let the next statement open a connection anew if its server went away meanwhile."""
    for alias in (ALIAS, AUDIT_ALIAS):
        if connections[alias].connection is not None and not connections[alias].is_usable():
            connections[alias].close()
