"""The vault as a process of its own, for an ASGI server."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.vault")
django.setup(set_prefix=False)

from audit import retention_daily, sealer  # noqa: E402  (as the vault)
from vault import background, drainer  # noqa: E402  (the vault can be imported once Django is set up)
from vault.handler import VaultHandler  # noqa: E402

_endpoints = VaultHandler()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer HTTP, and at the end of the process wait for what outlives its requests."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    else:
        await _endpoints(scope, receive, send)


async def _live(receive: Any, send: Any) -> None:
    """Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html."""
    await receive()
    async with sealer.running(), retention_daily.running(), drainer.running():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    # SECURITY: a refresh that is cut off after the provider took the old token back would cost its user the grant.
    await background.settle()
    await send({"type": "lifespan.shutdown.complete"})
