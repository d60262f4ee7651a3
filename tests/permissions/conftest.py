"""Alice in her browser, and her connections in a real vault whose providers run on this machine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections as databases
from django.test import AsyncClient
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.models import AuditEvent
from permissions import grants
from permissions.subjects import load_auth_time, sid_of, subject_of
from tests.vault.upstream import Upstream
from vault.client import Asker, Grant, transport
from vault.client import connections as vault


@dataclass(frozen=True)
class Person:
    """Somebody signed in, in a browser of their own."""

    browser: AsyncClient
    user: str
    sid: str
    auth_time: float

    @property
    def asker(self) -> Asker:
        """The arguments by which the vault knows them."""
        return Asker(user=self.user, sid=self.sid, auth_time=self.auth_time)


DATABASES = ["default", "vault", "audit"]
SignIn = Callable[[str], Awaitable[Person]]
Connect = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture
async def sign_in(transactional_db: None) -> AsyncIterator[SignIn]:
    """Return a function that signs somebody in; the vault's background work ends before the tables are emptied."""

    async def sign_in(name: str) -> Person:
        user, _ = await User.objects.aget_or_create(username=name)
        browser = AsyncClient()
        await browser.aforce_login(user)
        session = await browser.asession()
        return Person(
            browser=browser,
            user=subject_of(user.pk),
            sid=sid_of(session),
            auth_time=await load_auth_time(session),
        )

    yield sign_in
    await transport.close()
    # PostgreSQL drops no database to which the thread of all database work is still connected.
    await sync_to_async(databases.close_all)()


@pytest_asyncio.fixture
async def alice(sign_in: SignIn) -> Person:
    """Return Alice."""
    return await sign_in("alice")


@pytest.fixture
def begin(upstream: Upstream) -> Connect:
    """Return a function that goes to the provider, consents, and gives the address the vault sends the browser to."""

    async def begin(person: Person, provider: str = "github", *, query: dict[str, str] | None = None) -> str:
        started = await person.browser.post(f"/auth/connect/{provider}")
        answer = upstream.consent(started["Location"])
        if query is not None:
            answer = {"state": answer["state"], **query}
        returned = await person.browser.get(f"/connect/{provider}/callback", answer)
        parts = urlsplit(returned["Location"])
        return f"{parts.path}?{parts.query}"

    return begin


@pytest.fixture
def connect(begin: Connect) -> Connect:
    """Return a function that connects a provider for somebody, the whole way."""

    async def connect(person: Person, provider: str = "github") -> str:
        address = await begin(person, provider)
        parameters = httpx.URL(address).params
        connection = await vault.confirm_connection(
            **person.asker, connection=parameters["connection"], nonce=parameters["nonce"]
        )
        return connection.id

    return connect


async def grant_to(person: Person, **changes: Any) -> Grant:
    """Let a schedule of somebody's read GitHub by one tool for an hour, with some of that changed."""
    until = timezone.now() + timedelta(hours=1)
    fields = {"providers": ["github"], "tools": ["github_activity"], "expires_at": until}
    return await grants.create(**person.asker, agent="agent:schedule:1", **{**fields, **changes})


@pytest.fixture
def stop_vault(settings: Settings) -> Callable[[], Awaitable[None]]:
    """Return a function after which the vault is an address where nobody listens."""

    async def stop_vault() -> None:
        await transport.close()
        # The discard port, where nothing runs: the connection is refused at once.
        settings.VAULT_URL = "http://127.0.0.1:9"

    return stop_vault


@sync_to_async
def list_recorded(kind: str) -> list[dict[str, Any]]:
    """Return the audit events whose name begins with `kind`, oldest first."""
    return list(AuditEvent.objects.filter(event__startswith=kind).order_by("id").values())
