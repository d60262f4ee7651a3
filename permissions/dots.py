"""The services as every signed-in page shows them: state, word and switch. It decides and changes nothing."""

import asyncio
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_noop

from permissions.accounts import word_of
from permissions.connections import list_statuses
from permissions.pages import SESSION_ENDED, load_asker
from permissions.services import SERVICES
from permissions.types import ServiceStatus
from vault.client import ConnectionState, SessionEndedError, VaultError

# A vault that works answers within milliseconds, and mostly the cache does; no page waits long for three dots.
_PATIENCE_SECONDS = 1.0
_VAULT_DOWN = gettext_noop("The token vault does not answer. Until it does, the AI reads nothing.")


@dataclass(frozen=True, slots=True)
class Dot:
    """One service; `state` is a `ConnectionState` or "unknown", `connection` the id of the account that is read."""

    slug: str
    name: str
    state: str = "unknown"
    word: str = ""
    account: str = ""
    connection: str = ""
    needs_reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """All services in their order; `message` says why they are unknown, or is "", and what helps differs."""

    services: tuple[Dot, ...]
    message: str = ""
    is_session_over: bool = False

    @property
    def has_none_connected(self) -> bool:
        """Whether the vault says of every service that it is not connected; what is unknown says nothing."""
        return all(dot.state == ConnectionState.NOT_CONNECTED for dot in self.services)


def list_dots(request: HttpRequest) -> Dots:
    """Return what the shell shows the signed-in user; sync, for a template, and never an error."""
    return async_to_sync(load_dots)(request)


async def load_dots(request: HttpRequest) -> Dots:
    """Return what `list_dots` does, for a view."""
    unknown = tuple(Dot(slug, service.name, word=gettext("Unknown")) for slug, service in SERVICES.items())
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            statuses = await list_statuses(**await load_asker(request))
    except SessionEndedError:
        return Dots(unknown, gettext(SESSION_ENDED), is_session_over=True)
    except (VaultError, TimeoutError):
        return Dots(unknown, gettext(_VAULT_DOWN))
    return Dots(tuple(_dot(status) for status in statuses))


def _dot(status: ServiceStatus) -> Dot:
    return Dot(
        slug=status.service.slug,
        name=status.service.name,
        state=status.state.value,
        word=gettext("Reconnect") if status.reconnect_reason else word_of(status),
        account=status.account,
        connection=status.connection,
        needs_reconnect=bool(status.reconnect_reason),
    )
