"""One contract, two vaults: everything here holds for `EmbeddedVault` and for `HTTPVault` alike."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, BOB, MALLORY, change, events, request, subject
from tests.vault.upstream import Upstream
from vault import connect
from vault.client.base import VaultClient
from vault.errors import (
    AccessRevokedError,
    ConnectStateError,
    InvalidRequestError,
    InvalidScopeError,
    NotConnectedError,
    ProviderDownError,
    ReconnectRequiredError,
    SessionEndedError,
)
from vault.types import ConnectionState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def flow(client: VaultClient, upstream: Upstream, *, user: str = ALICE, provider: str = "github") -> httpx.URL:
    """Go to the provider, say yes, and return the address the browser is sent back to."""
    url = await client.start_connect(subject_token=subject(user), provider=provider)
    return httpx.URL(await connect.finish(provider, query=upstream.consent(url)))


@pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"])
async def test_a_confirmed_connection_is_exchanged_for_a_living_token(
    client: VaultClient, upstream: Upstream, provider: str
) -> None:
    returned = await flow(client, upstream, provider=provider)
    connected = await client.confirm_connection(
        subject_token=subject(), connection=returned.params["connection"], nonce=returned.params["nonce"]
    )
    token = await client.exchange(request(audience=provider))
    assert connected.state is ConnectionState.CONNECTED
    assert await client.list_connections(subject_token=subject()) == (connected,)
    assert token.access_token in upstream.grants[0].access
    assert (token.token_type, token.expires_in, token.scope) == ("Bearer", 60, connected.granted_scope)
    assert await events(kind="vault:exchange") == [("vault:exchange:granted", ALICE, "")]


async def test_a_connection_can_be_named_by_its_id(client: VaultClient, connect_user: Connect) -> None:
    connected = await connect_user()
    assert (await client.exchange(request(audience=connected.id))).access_token


async def test_a_pending_connection_is_of_no_use(client: VaultClient, upstream: Upstream) -> None:
    await flow(client, upstream)
    with pytest.raises(NotConnectedError):
        await client.exchange(request())
    assert await client.list_connections(subject_token=subject()) == ()


async def test_somebody_elses_connection_is_as_unknown_as_none(client: VaultClient, connect_user: Connect) -> None:
    connected = await connect_user()
    for audience in (connected.id, "github", "no-such-provider"):
        with pytest.raises(NotConnectedError):
            await client.exchange(request(MALLORY, audience=audience))
    with pytest.raises(NotConnectedError):
        await client.set_access(subject_token=subject(MALLORY), connection="github", is_allowed=False)
    with pytest.raises(NotConnectedError):
        await client.disconnect(subject_token=subject(MALLORY), connection="github")


async def test_users_have_their_own_tokens(client: VaultClient, connect_user: Connect, upstream: Upstream) -> None:
    await connect_user(ALICE)
    await connect_user(BOB)
    assert (await client.exchange(request(ALICE))).access_token in upstream.grants[0].access
    assert (await client.exchange(request(BOB))).access_token in upstream.grants[1].access


async def test_after_a_revoke_nothing_is_exchanged_and_after_a_restore_it_is(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    revoked = await client.set_access(subject_token=subject(), connection="github", is_allowed=False)
    assert revoked.state is ConnectionState.REVOKED
    with pytest.raises(AccessRevokedError):
        await client.exchange(request())
    restored = await client.set_access(subject_token=subject(), connection="github", is_allowed=True)
    assert restored.state is ConnectionState.CONNECTED
    assert (await client.exchange(request())).access_token
    assert await events(kind="permission:access") == [
        ("permission:access:revoked", ALICE, "allowed → revoked"),
        ("permission:access:restored", ALICE, "revoked → allowed"),
    ]
    assert upstream.calls["github revoke"] == 0


async def test_a_disconnect_ends_the_connection_here_and_at_the_provider(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await client.disconnect(subject_token=subject(), connection="github")
    with pytest.raises(NotConnectedError):
        await client.exchange(request())
    assert not upstream.grants[0].is_alive


@pytest.mark.parametrize("scope", ["repo", "channels:read repo", "channels:read,repo"])
async def test_a_scope_that_was_not_granted_is_refused(client: VaultClient, connect_user: Connect, scope: str) -> None:
    await connect_user(provider="slack")
    with pytest.raises(InvalidScopeError) as raised:
        await client.exchange(request(audience="slack", scope=scope))
    granted = {"channels:history", "channels:read", "search:read", "users:read"}
    assert set(raised.value.scope.split()) == {*granted, "repo"}, "what to ask the user for"
    assert await events(kind="vault:exchange") == [("vault:exchange:denied", ALICE, "missing_scope")]


@pytest.mark.parametrize("scope", ["channels:read", "users:read search:read", "users:read,channels:history"])
async def test_a_granted_scope_is_accepted_with_spaces_or_commas(
    client: VaultClient, connect_user: Connect, scope: str
) -> None:
    await connect_user(provider="slack")
    assert (await client.exchange(request(audience="slack", scope=scope))).access_token


async def test_a_grant_that_was_only_partly_given_carries_what_was_given(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    upstream.scope = "openid https://www.googleapis.com/auth/userinfo.email"
    connected = await connect_user(provider="google-calendar")
    assert connected.granted_scope == upstream.scope
    calendar = "https://www.googleapis.com/auth/calendar.events.owned.readonly"
    with pytest.raises(InvalidScopeError):
        await client.exchange(request(audience="google-calendar", scope=calendar))


async def test_a_broken_grant_needs_a_new_connection(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await change(reconnect_reason="bad_refresh_token")
    with pytest.raises(ReconnectRequiredError):
        await client.exchange(request())
    (listed,) = await client.list_connections(subject_token=subject())
    assert (listed.state, listed.reconnect_reason) == (ConnectionState.CONNECTED, "bad_refresh_token")


async def test_a_provider_that_is_down_is_told_apart_from_a_broken_grant(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await change(access_expires_at=timezone.now())
    upstream.answer = (503, {})
    with pytest.raises(ProviderDownError):
        await client.exchange(request())
    assert await events(kind="vault:exchange") == [("vault:exchange:failed", ALICE, "provider_down")]


async def test_a_subject_token_is_good_for_one_purpose(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    with pytest.raises(InvalidRequestError):
        await client.exchange(request(subject_token=subject(purpose="connections")))
    with pytest.raises(InvalidRequestError):
        await client.list_connections(subject_token=subject(purpose="exchange"))


async def test_an_unknown_provider_cannot_be_connected(client: VaultClient, upstream: Upstream) -> None:
    with pytest.raises(NotConnectedError):
        await client.start_connect(subject_token=subject(), provider="gitlab")


async def test_a_nonce_that_is_not_the_connections_confirms_nothing(client: VaultClient, upstream: Upstream) -> None:
    returned = await flow(client, upstream)
    with pytest.raises(ConnectStateError):
        await client.confirm_connection(
            subject_token=subject(), connection=returned.params["connection"], nonce="guess"
        )
    assert ("vault:connection:failed", ALICE, "invalid_state") in await events()


async def test_no_token_is_in_the_repr_of_what_carries_it(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    asked = request()
    token = await client.exchange(asked)
    assert token.access_token not in repr(token)
    assert asked.subject_token not in repr(asked)
    assert asked.actor_token not in repr(asked)


async def test_a_forgotten_user_has_nothing_left_and_others_have_theirs(
    client: VaultClient, upstream: Upstream, connect_user: Connect
) -> None:
    await connect_user()
    await connect_user(provider="slack")
    bobs = await connect_user(BOB)
    await client.start_connect(subject_token=subject(), provider="google-calendar")
    await client.forget_subject(subject_token=subject())
    await client.forget_subject(subject_token=subject())
    with pytest.raises(SessionEndedError):
        await client.exchange(request())
    assert [grant.is_alive for grant in upstream.grants] == [False, False, True]
    assert await client.list_connections(subject_token=subject(BOB)) == (bobs,)
    told = await events(kind="vault:connection:disconnected")
    assert told == [("vault:connection:disconnected", ALICE, "account_deleted")] * 2


async def test_the_fingerprint_of_a_token_is_the_one_its_events_carry(
    client: VaultClient, connect_user: Connect
) -> None:
    await connect_user()
    token = (await client.exchange(request())).access_token
    found = await client.fingerprint_token(subject_token=subject(), token=token)
    noted = await AuditEvent.objects.values_list("token_fingerprint", flat=True).aget(event="vault:exchange:granted")
    assert found == noted
    assert await client.fingerprint_token(subject_token=subject(MALLORY), token=f"{token}x") != noted
    assert [kind for kind, _, _ in await events(kind="vault:")].count("vault:exchange:granted") == 1, "no event"


@pytest.mark.parametrize("token", ["", "x" * 4097])
async def test_what_can_be_no_token_has_no_fingerprint(client: VaultClient, token: str) -> None:
    with pytest.raises(InvalidRequestError):
        await client.fingerprint_token(subject_token=subject(), token=token)
