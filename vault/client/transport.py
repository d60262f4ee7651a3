"""Which vault this process talks to: its own, or the one at `VAULT_URL`. The only place where that is decided."""

import asyncio
from weakref import WeakKeyDictionary

from django.conf import settings
from django.utils.module_loading import import_string

from vault.client.base import VaultClient
from vault.client.http import HTTPVault

# An HTTP client belongs to the event loop that opened its connections; tests and commands have loops of their own.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, VaultClient] = WeakKeyDictionary()


def current() -> VaultClient:
    """Return the vault of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = _open()
    return _clients[loop]


async def close() -> None:
    """Close the vault of the running event loop, if it was used; the next question opens another."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


def _open() -> VaultClient:
    if settings.VAULT_URL:
        return HTTPVault(settings.VAULT_URL)
    # By name: a process whose vault runs elsewhere never loads the vault's code.
    embedded: VaultClient = import_string("vault.embedded.EmbeddedVault")()
    return embedded
