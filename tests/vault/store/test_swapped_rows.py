"""Who can write the vault's tables still gets no token out of its place: each exchange is refused and recorded."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, change, events, request, subject
from tests.vault.upstream import Upstream
from vault import connect, models
from vault.client.base import VaultClient
from vault.errors import ProviderDownError, VaultUnavailableError
from vault.types import Connection

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


def rows(connection: Connection, *, field: str = "access") -> Any:
    return models.SealedToken.objects.using("vault").filter(connection_id=connection.id, field=field)


@sync_to_async
def swap(one: Any, other: Any) -> None:
    """Exchange the records of two rows."""
    first, second = one.get().sealed, other.get().sealed
    one.update(sealed=second)
    other.update(sealed=first)


async def require_refusal(client: VaultClient, *, user: str = ALICE, audience: str = "github") -> None:
    """The exchange ends with 503 `server_error`, and an event tells of it."""
    with pytest.raises(VaultUnavailableError) as raised:
        await client.exchange(request(user, audience=audience))
    assert raised.value.status == 503
    assert (await events(kind="vault:exchange"))[-1] == ("vault:exchange:failed", user, "vault_unavailable")


async def test_rows_swapped_between_users(client: VaultClient, connect_user: Connect) -> None:
    await swap(rows(await connect_user(ALICE)), rows(await connect_user(BOB)))
    await require_refusal(client, user=ALICE)
    await require_refusal(client, user=BOB)


async def test_rows_swapped_between_providers(client: VaultClient, connect_user: Connect) -> None:
    await swap(rows(await connect_user(provider="github")), rows(await connect_user(provider="slack")))
    await require_refusal(client, audience="github")
    await require_refusal(client, audience="slack")


async def test_rows_swapped_between_fields(client: VaultClient, connect_user: Connect, upstream: Upstream) -> None:
    """A refresh token must not leave as an access token, nor an access token be sent to refresh."""
    connected = await connect_user()
    await swap(rows(connected), rows(connected, field="refresh"))
    await require_refusal(client)
    await change(access_expires_at=timezone.now())
    with pytest.raises((VaultUnavailableError, ProviderDownError)):
        await client.exchange(request())
    assert upstream.calls["github refresh_token"] == 0


async def test_a_connection_given_to_another_user(client: VaultClient, connect_user: Connect) -> None:
    """The row of the connection is rewritten instead of the token's."""
    connected = await connect_user(ALICE)
    await models.Connection.objects.using("vault").filter(id=connected.id).aupdate(subject=BOB)
    await require_refusal(client, user=BOB)


async def test_a_token_row_hung_on_another_connection(client: VaultClient, connect_user: Connect) -> None:
    mine, theirs = await connect_user(ALICE), await connect_user(BOB)
    await rows(mine).adelete()
    await rows(theirs).aupdate(connection_id=mine.id)
    await require_refusal(client, user=ALICE)


async def test_tokens_of_an_earlier_connection_put_back_after_a_reconnect(
    client: VaultClient, connect_user: Connect
) -> None:
    before = (await rows(await connect_user()).aget()).sealed
    again = await connect_user()
    await rows(again).aupdate(sealed=before)
    await require_refusal(client)


async def test_a_generation_set_back_together_with_its_tokens_is_what_an_old_backup_is(
    client: VaultClient, connect_user: Connect
) -> None:
    """The seal binds a token to the generation beside it; that all of a database is old, no seal can tell."""
    connected = await connect_user()
    old = await rows(connected).aget()
    await change(access_expires_at=timezone.now())
    await client.exchange(request())
    await rows(connected).aupdate(sealed=old.sealed)
    await require_refusal(client)
    await change(generation=1)
    assert (await client.exchange(request())).access_token


async def test_a_revocation_whose_record_was_swapped_is_dropped_and_disconnect_goes_on(
    client: VaultClient, connect_user: Connect
) -> None:
    await swap(rows(await connect_user(ALICE)), rows(await connect_user(BOB)))
    await client.disconnect(subject_token=subject(ALICE), connection="github")
    assert await client.list_connections(subject_token=subject(ALICE)) == ()
    assert not await models.Revocation.objects.using("vault").aexists()


async def test_another_flows_verifier_does_not_open(client: VaultClient, upstream: Upstream) -> None:
    """The browser comes back to a flow that ended; nothing of the other flow is used."""
    mine = await client.start_connect(subject_token=subject(ALICE), provider="github")
    await client.start_connect(subject_token=subject(BOB), provider="github")
    flows = models.OAuthState.objects.using("vault")
    one, other = flows.filter(subject=ALICE), flows.filter(subject=BOB)
    await one.aupdate(sealed_verifier=(await other.aget()).sealed_verifier)
    returned = await connect.finish("github", query=upstream.consent(mine))
    assert "error=unavailable" in returned
    assert upstream.calls["github authorization_code"] == 0
