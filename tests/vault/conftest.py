"""A vault with providers on this machine, and the people: alice owns connections, bob others, mallory none."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections
from pytest_django.fixtures import Settings

from audit import personal
from audit.models import AuditEvent
from tests.vault.upstream import Upstream
from vault import background, connect, models, tokens
from vault.client.base import VaultClient
from vault.client.http import HTTPVault
from vault.embedded import EmbeddedVault
from vault.handler import VaultHandler
from vault.types import Connection, ExchangeRequest

ALICE, BOB, MALLORY = "user:1", "user:2", "user:3"
AGENT = "agent:devcontext"
SCHEDULE = "agent:schedule:0f9a"


def subject(
    user: str = ALICE,
    *,
    sid: str = "sid-1",
    auth_time: float = 1.0,
    purpose: tokens.Purpose = "connections",
    client: str = tokens.WEB_CLIENT,
) -> str:
    """Return a subject token of `user`."""
    return tokens.mint_subject(user=user, sid=sid, auth_time=auth_time, purpose=purpose, client=client)


def actor(agent: str = AGENT, *, tool: str = "github_activity") -> str:
    """Return an actor token for one tool call."""
    return tokens.mint_actor(agent=agent, run="run-1", tool=tool, tool_call="toolu_1")


def request(user: str = ALICE, **changes: Any) -> ExchangeRequest:
    """Return an exchange of `user` for GitHub, with some fields changed."""
    fields = {
        "subject_token": subject(user, purpose="exchange"),
        "subject_token_type": tokens.TOKEN_TYPE_ACCESS,
        "audience": "github",
        "actor_token": actor(),
        "actor_token_type": tokens.TOKEN_TYPE_JWT,
    }
    return ExchangeRequest(**{**fields, **changes})


@sync_to_async
def events(*, kind: str = "") -> list[tuple[str, str, str]]:
    """Return (event, user, reason) of every audit event whose name begins with `kind`, oldest first."""
    rows = AuditEvent.objects.using("audit").filter(event__startswith=kind).order_by("id")
    return list(rows.values_list("event", "user", "reason"))


@sync_to_async
def change(user: str = ALICE, **fields: Any) -> None:
    """Change columns of the user's connections behind the vault's back."""
    assert models.Connection.objects.using("vault").filter(subject=user).update(**fields)


_DISK_FULL = {
    "sqlite": (
        "CREATE TRIGGER disk_full BEFORE {event} ON {table} {when} BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        "DROP TRIGGER disk_full",
    ),
    "postgresql": (
        """CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER disk_full BEFORE {event} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION disk_full()""",
        "DROP FUNCTION disk_full CASCADE",
    ),
}


@contextmanager
def disk_full(alias: str, *, table: str, event: str = "INSERT", when: str = "") -> Iterator[None]:
    """Make a database refuse to write some rows, as a full disk would. Sync: for code on a database thread."""
    begin, end = _DISK_FULL[connections[alias].vendor]
    with connections[alias].cursor() as cursor:
        cursor.execute(begin.format(event=event, table=table, when=f"WHEN ({when})" if when else ""))
    try:
        yield
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute(end)


def broken_audit() -> AbstractContextManager[None]:
    """Make the audit database refuse every row."""
    return disk_full("audit", table="audit_event")


@asynccontextmanager
async def audit_down() -> AsyncIterator[None]:
    """Make the audit refuse every row for an async block."""
    breaking = broken_audit()
    await sync_to_async(breaking.__enter__)()
    try:
        yield
    finally:
        await sync_to_async(breaking.__exit__)(None, None, None)


@sync_to_async
def account_of(event: AuditEvent) -> str:
    """Return the account in an event of the audit, in the open."""
    personal.open_all([event])
    return event.account


@pytest.fixture(autouse=True)
def _vault_settings(settings: Settings) -> None:
    settings.ROOT_URLCONF = "vault.urls"
    settings.MIDDLEWARE = []
    settings.ALLOWED_HOSTS = ["vault.test"]


@pytest_asyncio.fixture
async def vault(transactional_db: None) -> AsyncIterator[VaultClient]:
    """A vault in this process; its background work ends before the tables are emptied."""
    vault = EmbeddedVault()
    yield vault
    await background.settle()


@pytest_asyncio.fixture
async def http_vault(transactional_db: None) -> AsyncIterator[VaultClient]:
    """The same vault behind its HTTP endpoints."""
    vault = HTTPVault("http://vault.test", transport=httpx.ASGITransport(app=VaultHandler()))
    yield vault
    await vault.aclose()
    await background.settle()


@pytest_asyncio.fixture
async def http(transactional_db: None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the same endpoints that sends whatever it is told to."""
    transport = httpx.ASGITransport(app=VaultHandler())
    async with httpx.AsyncClient(base_url="http://vault.test", transport=transport) as client:
        yield client
    await background.settle()


@pytest.fixture(params=["vault", "http_vault"])
def client(request: pytest.FixtureRequest) -> VaultClient:
    """Each vault in turn."""
    vault: VaultClient = request.getfixturevalue(request.param)
    return vault


@pytest.fixture
def connect_user(upstream: Upstream) -> Callable[..., Any]:
    """Take a user through a whole connect flow and return the connection."""

    async def connect_user(user: str = ALICE, *, provider: str = "github", sid: str = "sid-1") -> Connection:
        vault = EmbeddedVault()
        url = await vault.start_connect(subject_token=subject(user, sid=sid), provider=provider)
        returned = httpx.URL(await connect.finish(provider, query=upstream.consent(url)))
        assert "error" not in returned.params
        return await vault.confirm_connection(
            subject_token=subject(user, sid=sid),
            connection=returned.params["connection"],
            nonce=returned.params["nonce"],
        )

    return connect_user


async def confirm(vault: VaultClient, returned: dict[str, str], *, user: str = ALICE, sid: str = "sid-1") -> Any:
    """Confirm the connection that a callback returned, from alice's own session unless a test says otherwise."""
    return await vault.confirm_connection(
        subject_token=subject(user, sid=sid), connection=returned["connection"], nonce=returned["nonce"]
    )
