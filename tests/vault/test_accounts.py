"""Several accounts at one provider: one of them is the default, and each has its own tokens and its own switch."""

from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, MALLORY, account_of, audit_down, events, request, subject
from tests.vault.upstream import Upstream
from vault import models
from vault.client.base import VaultClient
from vault.errors import AccessRevokedError, NotConnectedError, VaultUnavailableError
from vault.types import Connection

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
PROVIDERS = ["github", "google-calendar", "slack"]


@pytest_asyncio.fixture
async def two(connect_user: Connect, upstream: Upstream) -> tuple[Connection, Connection]:
    """Alice's own account and the one at work, at GitHub."""
    first = await connect_user()
    upstream.person = "alice-at-work"
    return first, await connect_user()


async def owner(vault: VaultClient, upstream: Upstream, **changes: Any) -> str:
    """Exchange, and return whose token came."""
    token = (await vault.exchange(request(**changes))).access_token
    return next(grant.person for grant in upstream.grants if token in grant.access)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_second_account_is_added_and_the_first_stays_the_default(
    client: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    first = await connect_user(provider=provider)
    upstream.person = "alice-at-work"
    second = await connect_user(provider=provider)
    assert await client.list_connections(subject_token=subject()) == (first, second)
    assert (first.is_default, second.is_default) == (True, False)
    assert await owner(client, upstream, audience=provider) == "alice"
    assert await owner(client, upstream, audience=second.id) == "alice-at-work"


@pytest.mark.parametrize(
    ("provider", "hints"),
    [
        ("github", ["8", "alice-at-work-gh"]),
        ("google-calendar", ["g-8", "alice-at-work@example.org"]),
        ("slack", ["T1:U8", "alice-at-work \u00b7 Acme"]),
    ],
)
async def test_an_account_is_named_by_its_id_its_address_or_its_name(
    client: VaultClient, connect_user: Connect, upstream: Upstream, provider: str, hints: list[str]
) -> None:
    await connect_user(provider=provider)
    upstream.person = "alice-at-work"
    await connect_user(provider=provider)
    for hint in hints:
        assert await owner(client, upstream, audience=provider, login_hint=hint) == "alice-at-work"


@pytest.mark.parametrize("hint", ["bob-gh", "ALICE-GH", "alice", "alice-gh ", "7 8"])
async def test_a_hint_that_fits_no_account_is_refused(
    client: VaultClient, two: tuple[Connection, Connection], hint: str
) -> None:
    with pytest.raises(NotConnectedError):
        await client.exchange(request(login_hint=hint))
    assert await events(kind="vault:exchange") == [("vault:exchange:denied", ALICE, "not_connected")]


async def test_a_hint_that_fits_two_accounts_is_refused(
    client: VaultClient, two: tuple[Connection, Connection]
) -> None:
    """A login of digits may be somebody else's number."""
    await models.Connection.objects.using("vault").filter(id=two[1].id).aupdate(account="7")
    with pytest.raises(NotConnectedError):
        await client.exchange(request(login_hint="7"))


async def test_a_connection_id_with_the_hint_of_another_account_is_refused(
    client: VaultClient, two: tuple[Connection, Connection], upstream: Upstream
) -> None:
    with pytest.raises(NotConnectedError):
        await client.exchange(request(audience=two[0].id, login_hint="alice-at-work-gh"))
    assert await owner(client, upstream, audience=two[0].id, login_hint="alice-gh") == "alice"


async def test_the_default_moves_and_the_move_is_recorded(
    client: VaultClient, two: tuple[Connection, Connection], upstream: Upstream
) -> None:
    changed = await client.set_default(subject_token=subject(), connection=two[1].id)
    assert (changed.id, changed.is_default) == (two[1].id, True)
    listed = await client.list_connections(subject_token=subject())
    assert [(one.id, one.is_default) for one in listed] == [(two[1].id, True), (two[0].id, False)]
    assert await owner(client, upstream) == "alice-at-work"
    event = await AuditEvent.objects.using("audit").aget(event="permission:default:changed")
    assert (event.user, event.provider, event.connection) == (ALICE, "github", two[1].id)
    assert event.reason == f"{two[0].id} → {two[1].id}"
    assert await account_of(event) == "alice-at-work-gh"


async def test_the_default_does_not_move_while_the_audit_is_down(
    vault: VaultClient, two: tuple[Connection, Connection], upstream: Upstream
) -> None:
    async with audit_down():
        with pytest.raises(VaultUnavailableError):
            await vault.set_default(subject_token=subject(), connection=two[1].id)
    assert await owner(vault, upstream) == "alice"


async def test_each_account_has_its_own_switch(
    client: VaultClient, two: tuple[Connection, Connection], upstream: Upstream
) -> None:
    changed = await client.set_access(subject_token=subject(), connection=two[1].id, is_allowed=False)
    assert (changed.id, changed.is_access_allowed) == (two[1].id, False)
    with pytest.raises(AccessRevokedError):
        await client.exchange(request(login_hint="alice-at-work-gh"))
    assert await owner(client, upstream) == "alice"
    await client.set_default(subject_token=subject(), connection=two[1].id)
    with pytest.raises(AccessRevokedError):
        await client.exchange(request())


async def test_one_account_is_disconnected_and_the_other_becomes_the_default(
    client: VaultClient, two: tuple[Connection, Connection], upstream: Upstream
) -> None:
    await client.disconnect(subject_token=subject(), connection="github")
    assert [grant.is_alive for grant in upstream.grants] == [False, True]
    (left,) = await client.list_connections(subject_token=subject())
    assert (left.id, left.is_default) == (two[1].id, True)
    assert await owner(client, upstream) == "alice-at-work"


async def test_an_account_that_is_not_the_default_is_disconnected_by_its_id(
    client: VaultClient, two: tuple[Connection, Connection], upstream: Upstream
) -> None:
    await client.disconnect(subject_token=subject(), connection=two[1].id)
    assert [grant.is_alive for grant in upstream.grants] == [True, False]
    (left,) = await client.list_connections(subject_token=subject())
    assert (left.id, left.is_default) == (two[0].id, True)


async def test_nobody_else_can_name_an_account(client: VaultClient, two: tuple[Connection, Connection]) -> None:
    for connection in (two[0].id, two[1].id, "alice-gh", "7"):
        with pytest.raises(NotConnectedError):
            await client.set_default(subject_token=subject(MALLORY), connection=connection)
    for hint in ("7", "alice-gh"):
        with pytest.raises(NotConnectedError):
            await client.exchange(request(MALLORY, login_hint=hint))


async def test_a_pending_connection_cannot_be_the_default(client: VaultClient, upstream: Upstream) -> None:
    await models.Connection.objects.using("vault").acreate(
        id="con_pending", subject=ALICE, provider="github", has_refresh_token=False
    )
    with pytest.raises(NotConnectedError):
        await client.set_default(subject_token=subject(), connection="con_pending")
