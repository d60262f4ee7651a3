"""Pauses, reading while the user is away, and grants, on both vaults."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, audit_down, change, events, request, subject
from vault import absence, models
from vault.client.base import VaultClient
from vault.errors import (
    AccessRevokedError,
    InvalidRequestError,
    InvalidTargetError,
    NotConnectedError,
    SessionEndedError,
    VaultUnavailableError,
)
from vault.types import Connection, ConnectionState, ExchangeRequest, Grant

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
DAY = timedelta(days=1)


def later() -> datetime:
    return timezone.now() + timedelta(hours=1)


async def pause(client: VaultClient, until: datetime | None, *, user: str = ALICE) -> Connection:
    return await client.pause_access(subject_token=subject(user), connection="github", until=until)


async def allow_away(client: VaultClient, *, is_allowed: bool = True, user: str = ALICE) -> Connection:
    return await client.set_away(subject_token=subject(user), connection="github", is_allowed=is_allowed)


async def grant_of(client: VaultClient, *, user: str = ALICE, providers: tuple[str, ...] = ("github",)) -> Grant:
    expires_at = timezone.now() + DAY
    return await client.create_grant(subject_token=subject(user), providers=providers, expires_at=expires_at)


def absent(grant: Grant, user: str = ALICE, *, audience: str = "github") -> ExchangeRequest:
    """Return an exchange of the grant."""
    return request(subject_token=subject(user, sid=grant.sid, purpose="exchange"), audience=audience)


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
    assert await events(kind="permission:access") == [("permission:access:paused", ALICE, "")]


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
        ("permission:away:enabled", ALICE, ""),
        ("permission:away:disabled", ALICE, ""),
    ]


async def test_a_grant_reaches_its_own_providers_by_name_and_by_connection(
    client: VaultClient, connect_user: Connect
) -> None:
    github, slack = await connect_user(), await connect_user(provider="slack")
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    assert grant.providers == ("github",)
    assert (await client.exchange(absent(grant, audience=github.id))).access_token
    for audience in ("slack", slack.id):
        with pytest.raises(InvalidTargetError):
            await client.exchange(absent(grant, audience=audience))


async def test_a_pause_and_a_revoke_hold_for_a_grant_as_well(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    await pause(client, later())
    with pytest.raises(AccessRevokedError):
        await client.exchange(absent(grant))


async def test_a_grant_is_its_users_alone(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await connect_user(BOB)
    await change(BOB, is_away_allowed=True)
    grant = await grant_of(client)
    with pytest.raises(SessionEndedError):
        await client.exchange(absent(grant, BOB))
    await client.end_grant(subject_token=subject(BOB), grant=grant.id)
    await allow_away(client)
    assert (await client.exchange(absent(grant))).access_token, "nobody else ends it"


@pytest.mark.parametrize("end", ["end_grant", "end_session", "end_subject", "expiry"])
async def test_a_grant_that_is_over_is_of_no_use(client: VaultClient, connect_user: Connect, end: str) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    assert (await client.exchange(absent(grant))).access_token
    if end == "end_grant":
        await client.end_grant(subject_token=subject(), grant=grant.id)
    elif end == "end_session":
        await client.end_session(subject_token=subject(sid=grant.sid))
    elif end == "end_subject":
        await client.end_subject(subject_token=subject())
    else:
        await models.Grant.objects.using("vault").aupdate(expires_at=timezone.now())
    late = request(subject_token=subject(sid=grant.sid, auth_time=2.0, purpose="exchange"))
    with pytest.raises(SessionEndedError):
        await client.exchange(late)


async def test_a_grant_goes_on_after_the_session_that_made_it(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    await client.end_session(subject_token=subject())
    assert (await client.exchange(absent(grant))).access_token


@pytest.mark.parametrize("life", [timedelta(0), -DAY, absence.MAX_GRANT_LIFE + DAY])
async def test_a_grant_ends_in_the_future_and_within_a_year(client: VaultClient, life: timedelta) -> None:
    with pytest.raises(InvalidRequestError):
        await client.create_grant(subject_token=subject(), providers=["github"], expires_at=datetime.now(UTC) + life)


@pytest.mark.parametrize(("providers", "error"), [([], InvalidRequestError), (["gitlab"], NotConnectedError)])
async def test_a_grant_names_providers(client: VaultClient, providers: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        await client.create_grant(subject_token=subject(), providers=providers, expires_at=later())


async def test_a_grant_that_its_own_token_ended_stays_ended(client: VaultClient, connect_user: Connect) -> None:
    """Ends of sessions are forgotten after a month; a grant may live for a year."""
    await connect_user()
    await allow_away(client)
    grant = await grant_of(client)
    assert (await client.exchange(absent(grant))).access_token
    await client.end_session(subject_token=subject(sid=grant.sid))
    await models.EndedSession.objects.using("vault").aupdate(ended_at=timezone.now() - timedelta(days=31))
    await client.end_session(subject_token=subject(sid="sid-9"))
    with pytest.raises(SessionEndedError):
        await client.exchange(absent(grant))
