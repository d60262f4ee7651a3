"""Tells a client what became of an exchange whose receipt it holds. It reads the audit's log and writes nothing."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from audit import log_keys, receipt
from audit.errors import BrokenNoteError, BrokenProofError
from audit.receipt import Proven, Standing
from vault.database import run
from vault.errors import InvalidRequestError, VaultUnavailableError


async def prove(text: str, *, client: str) -> dict[str, Any]:
    """Return `{"state": …}`, and once the event is sealed an `export` of it, for `tools/verify_audit.py`.

    Raises:
        InvalidRequestError: It is no receipt of this log, or was given to another client.
        VaultUnavailableError: The audit does not answer, or cannot prove what it holds.
    """
    try:
        proven = await run(_prove, text)
    except BrokenNoteError:
        raise InvalidRequestError from None
    except (BrokenProofError, ImproperlyConfigured, Error):
        raise VaultUnavailableError from None
    # SECURITY: a receipt that was overheard tells nothing. Of an event that is gone nobody knows whose it was, and
    # that it is gone is told to whoever has the promise.
    if proven.standing not in (Standing.BROKEN, Standing.REMOVED) and proven.client != client:
        raise InvalidRequestError
    lines = [json.loads(line) for line in proven.lines]
    return {"state": proven.standing.value} | ({"export": lines} if lines else {})


def _prove(text: str) -> Proven:
    return receipt.prove(text, keys=log_keys.current())
