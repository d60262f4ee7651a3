"""The one way from async code to the vault's tables: short sync work on a database thread, and one error when it fails.

Never do network work in here: all of a process shares the thread.
"""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections

from vault.errors import VaultUnavailableError

ALIAS = "vault"

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


async def run(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what the sync `function` returns.

    Raises:
        VaultUnavailableError: The database failed.
    """
    return await sync_to_async(_guarded)(function, *args, **kwargs)


def _guarded(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    except DatabaseError as error:
        # Background work has no end of request at which Django would replace a broken connection.
        connections[ALIAS].close_if_unusable_or_obsolete()
        logger.warning("vault.database.failed", extra={"kind": type(error).__name__})
        raise VaultUnavailableError from None
