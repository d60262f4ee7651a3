"""Pauses and reading while the user is away, on both vaults."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, audit_down, change, events, request, subject
from tests.vault.granting import DAY, absent, allow_away, grant_of, later, pause
from vault import models
from vault.client.base import VaultClient
from vault.errors import (
    AccessRevokedError,
    InvalidTargetError,
    NotConnectedError,
    VaultUnavailableError,
)
from vault.types import ConnectionState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def test_a_paused_connection_is_refused_as_a_revoked_one_and_says_until_when(
    client: VaultClient, connect_user: Connect
) -> None:
    connected = await connect_user()
    until = later()
    paused = await pause(client, until)
    assert paused == replace(connected, paused_until=until)
    assert (paused.state, paused.is_access_allowed) == (ConnectionState.REVOKED, True)
    assert await client.list_connections(subject_token=subject()) == (paused,)
    with pytest.raises(AccessRevokedError):
        await client.exchange(request())
    assert await events(kind="permission:access") == [
        ("permission:access:paused", ALICE, f"allowed → paused until {until:%Y-%m-%d %H:%M} UTC")
    ]


async def test_a_pause_ends_by_itself(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await pause(client, later())
    await change(paused_until=timezone.now())
    assert (await client.exchange(request())).access_token
    (listed,) = await client.list_connections(subject_token=subject())
    assert (listed.state, listed.paused_until) == (ConnectionState.CONNECTED, None)


async def test_a_pause_can_be_ended_and_a_restore_ends_it_too(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await pause(client, later())
    assert (await pause(client, None)).state is ConnectionState.CONNECTED
    assert (await client.exchange(request())).access_token
    await pause(client, later())
    restored = await client.set_access(subject_token=subject(), connection="github", is_allowed=True)
    assert (restored.state, restored.paused_until) == (ConnectionState.CONNECTED, None)


async def test_a_pause_survives_a_reconnect(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    until = later()
    await pause(client, until)
    await allow_away(client)
    again = await connect_user()
    assert (again.paused_until, again.is_away_allowed) == (until, True)


async def test_what_narrows_does_not_wait_for_the_audit_and_what_widens_does(
    client: VaultClient, connect_user: Connect
) -> None:
    await connect_user()
    grant = await grant_of(client)
    until = later()
    async with audit_down():
        await pause(client, until)
        await pause(client, until + DAY)
        await allow_away(client, is_allowed=False)
        await client.end_grant(subject_token=subject(), grant=grant.id)
        for widening in (
            pause(client, until),
            pause(client, None),
            allow_away(client),
            grant_of(client),
        ):
            with pytest.raises(VaultUnavailableError):
                await widening
    (listed,) = await client.list_connections(subject_token=subject())
    assert (listed.paused_until, listed.is_away_allowed) == (until + DAY, False)
    assert await models.Grant.objects.using("vault").filter(ended_at=None).acount() == 0


async def test_nobody_pauses_or_allows_what_is_not_theirs(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    for asked in (pause(client, later(), user=BOB), allow_away(client, user=BOB)):
        with pytest.raises(NotConnectedError):
            await asked


async def test_a_connection_is_not_read_while_its_user_is_away_unless_they_said_so(
    client: VaultClient, connect_user: Connect
) -> None:
    assert (await connect_user()).is_away_allowed is False
    grant = await grant_of(client)
    with pytest.raises(InvalidTargetError) as refused:
        await client.exchange(absent(grant))
    assert refused.value.cause == "policy_denied"
    assert (await allow_away(client)).is_away_allowed is True
    assert (await client.exchange(absent(grant))).access_token
    await allow_away(client, is_allowed=False)
    with pytest.raises(InvalidTargetError):
        await client.exchange(absent(grant))
    assert (await client.exchange(request())).access_token, "the user is there: it is not asked"
    assert await events(kind="permission:away") == [
        ("permission:away:enabled", ALICE, "not while away → also while away"),
        ("permission:away:disabled", ALICE, "also while away → not while away"),
    ]
