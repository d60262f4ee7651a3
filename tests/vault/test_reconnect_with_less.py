"""Connecting again with less: the provider is asked for less, and where scopes add up the old tokens end first."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, BOB, events, request, subject
from tests.vault.test_reconnect import GOOGLE, asked
from tests.vault.upstream import Upstream
from vault import background, connect, models
from vault.client.base import VaultClient
from vault.errors import InvalidRequestError, InvalidScopeError, NotConnectedError, ReconnectRequiredError
from vault.types import Connection

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def begin(client: VaultClient, connection: Connection, *leaves_out: str, groups: tuple[str, ...] = ()) -> str:
    """Begin to connect `connection` again without `leaves_out`, and return the authorization URL."""
    return await client.start_connect(
        subject_token=subject(),
        provider=connection.provider,
        reconnects=connection.id,
        leaves_out=leaves_out,
        scope_groups=groups,
    )


async def finish(client: VaultClient, upstream: Upstream, url: str, *, provider: str) -> Connection:
    """Consent to what `url` asks for, and confirm."""
    returned = httpx.URL(await connect.finish(provider, query=upstream.consent(url))).params
    return await client.confirm_connection(
        subject_token=subject(), connection=returned["connection"], nonce=returned["nonce"]
    )


async def widen(client: VaultClient, upstream: Upstream, before: Connection, *groups: str) -> Connection:
    return await finish(client, upstream, await begin(client, before, groups=groups), provider=before.provider)


@pytest.mark.parametrize(
    ("provider", "group", "dropped"),
    [
        ("google-calendar", "availability", f"{GOOGLE}/calendar.events.freebusy"),
        ("slack", "direct-messages", "im:history"),
        ("slack", "private-channels", "groups:read"),
    ],
)
async def test_what_is_left_out_is_neither_asked_nor_granted_nor_exchanged(
    client: VaultClient, connect_user: Connect, upstream: Upstream, *, provider: str, group: str, dropped: str
) -> None:
    before = await widen(client, upstream, await connect_user(provider=provider), group)
    assert dropped in before.granted_scope.split()
    url = await begin(client, before, group)
    assert dropped not in asked(url)
    assert asked(url) < set(before.granted_scope.split())
    after = await finish(client, upstream, url, provider=provider)
    assert (after.id, after.account) == (before.id, before.account)
    assert set(after.granted_scope.split()) == set(after.asked_scope.split()) == asked(url)
    assert (await client.exchange(request(audience=provider))).access_token
    with pytest.raises(InvalidScopeError):
        await client.exchange(request(audience=provider, scope=dropped))


async def test_slack_ends_the_old_token_before_it_is_asked_for_less(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Slack only ever adds to what living tokens may read."""
    before = await connect_user(provider="slack")
    await begin(client, before, "search")
    await background.settle()
    assert [grant.is_alive for grant in upstream.grants] == [False]
    (waiting,) = await client.list_connections(subject_token=subject())
    assert (waiting.id, waiting.reconnect_reason, waiting.granted_scope) == (before.id, "reduced", "")
    assert not await models.SealedToken.objects.using("vault").aexists()
    with pytest.raises(ReconnectRequiredError):
        await client.exchange(request(audience="slack"))
    assert {("vault:connection:reduced", ALICE, ""), ("vault:revocation:succeeded", ALICE, "")} <= set(await events())


async def test_switches_outlive_it(client: VaultClient, connect_user: Connect, upstream: Upstream) -> None:
    before = await connect_user(provider="slack")
    await client.set_away(subject_token=subject(), connection=before.id, is_allowed=True)
    await client.set_access(subject_token=subject(), connection=before.id, is_allowed=False)
    after = await finish(client, upstream, await begin(client, before, "search"), provider="slack")
    assert (after.id, after.is_default, after.is_access_allowed, after.is_away_allowed) == (
        before.id,
        True,
        False,
        True,
    )
    assert after.reconnect_reason == ""


async def test_who_turns_back_halfway_is_asked_for_less_the_next_time(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    before = await connect_user(provider="slack")
    await begin(client, before, "search")
    url = await client.start_connect(subject_token=subject(), provider="slack", reconnects=before.id)
    assert "search:read" not in asked(url)
    assert "search:read" not in (await finish(client, upstream, url, provider="slack")).granted_scope


async def test_who_turns_back_halfway_can_disconnect(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    before = await connect_user(provider="slack")
    await begin(client, before, "search")
    await background.settle()
    await client.disconnect(subject_token=subject(), connection=before.id)
    await background.settle()
    assert await client.list_connections(subject_token=subject()) == ()
    assert upstream.calls["slack revoke"] == 1


async def test_what_slack_did_not_end_in_time_is_told_as_granted(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """The vault stores what the provider says, not what was hoped for."""
    before = await connect_user(provider="slack")
    upstream.revocations_refused = 1
    after = await finish(client, upstream, await begin(client, before, "search"), provider="slack")
    assert "search:read" in after.granted_scope.split()
    assert "search:read" not in after.asked_scope.split()


async def test_google_keeps_its_token_until_the_new_one_is_there(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """A revocation there would end every program of the project; tokens have what they were asked for, and no more."""
    before = await widen(client, upstream, await connect_user(provider="google-calendar"), "availability")
    url = await begin(client, before, "availability")
    assert "include_granted_scopes" not in url
    assert (await client.exchange(request(audience="google-calendar"))).access_token
    assert upstream.calls["google revoke"] == 0


@pytest.mark.parametrize(
    ("provider", "leaves_out"),
    [
        ("slack", ("search:read",)),
        ("slack", ("availability",)),
        ("slack", ("search", "everything")),
        ("slack", ("base", "search")),
        ("github", ("base",)),
    ],
)
async def test_what_is_unknown_or_everything_cannot_be_left_out(
    client: VaultClient, connect_user: Connect, upstream: Upstream, *, provider: str, leaves_out: tuple[str, ...]
) -> None:
    before = await connect_user(provider=provider)
    with pytest.raises(InvalidRequestError):
        await begin(client, before, *leaves_out)
    assert await client.list_connections(subject_token=subject()) == (before,)
    assert upstream.grants[0].is_alive


async def test_nothing_is_left_out_of_no_connection_or_of_somebody_elses(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    bobs = await connect_user(BOB, provider="slack")
    with pytest.raises(InvalidRequestError):
        await client.start_connect(subject_token=subject(), provider="slack", leaves_out=["search"])
    with pytest.raises(NotConnectedError):
        await begin(client, bobs, "search")
    assert upstream.grants[0].is_alive
    assert await client.list_connections(subject_token=subject(BOB)) == (bobs,)


async def test_a_refresh_under_way_brings_no_token_back(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """What it brings belongs to tokens that are to end, so it is revoked as well."""
    before = await connect_user(provider="slack")
    await models.Connection.objects.using("vault").aupdate(access_expires_at="2020-01-01T00:00:00Z")
    upstream.may_refresh.clear()
    exchange = asyncio.create_task(client.exchange(request(audience="slack")))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait, 30)
    await begin(client, before, "search")
    upstream.may_refresh.set()
    with pytest.raises(ReconnectRequiredError):
        await exchange
    await background.settle()
    assert not await models.SealedToken.objects.using("vault").aexists()
    assert [grant.is_alive for grant in upstream.grants] == [False]
    reduced = await AuditEvent.objects.using("audit").aget(event="vault:connection:reduced")
    assert "search:read" not in reduced.scope_asked
