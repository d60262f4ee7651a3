"""Ended sessions, on both vaults: what is refused from the moment the end was answered, and what goes on."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections as databases
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, SCHEDULE, audit_down, change, events, request, subject
from tests.vault.upstream import Upstream
from vault import models, sessions
from vault.client.base import VaultClient
from vault.errors import InvalidTargetError, SessionEndedError
from vault.tokens import Subject
from vault.types import ExchangeRequest

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


def exchange_of(user: str = ALICE, *, sid: str = "sid-1", auth_time: float = 1.0) -> ExchangeRequest:
    """Return an exchange of this session."""
    return request(subject_token=subject(user, sid=sid, auth_time=auth_time, purpose="exchange"))


async def test_after_a_sign_out_its_session_gets_nothing_and_others_go_on(
    client: VaultClient, connect_user: Connect
) -> None:
    """RFC 8693 section 2.2.2: a subject token that is not acceptable is `invalid_request`."""
    await connect_user()
    await connect_user(BOB)
    await client.end_session(subject_token=subject())
    with pytest.raises(SessionEndedError) as refused:
        await client.exchange(exchange_of())
    assert (refused.value.error, refused.value.status) == ("invalid_request", 400)
    assert (await client.exchange(exchange_of(sid="sid-2"))).access_token
    assert (await client.exchange(exchange_of(BOB))).access_token, "a sid is its user's alone"
    assert ("vault:exchange:denied", ALICE, "session_ended") in await events(kind="vault:exchange")


async def test_an_ended_session_manages_no_connection(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await client.end_session(subject_token=subject())
    ended: dict[str, Any] = {"subject_token": subject()}
    until = timezone.now() + timedelta(hours=1)
    for asked in (
        client.start_connect(**ended, provider="slack"),
        client.confirm_connection(**ended, connection="con_1", nonce="n"),
        client.list_connections(**ended),
        client.list_revocations(**ended),
        client.set_access(**ended, connection="github", is_allowed=False),
        client.set_default(**ended, connection="github"),
        client.disconnect(**ended, connection="github"),
        client.pause_access(**ended, connection="github", until=until),
        client.set_away(**ended, connection="github", is_allowed=True),
        client.create_grant(**ended, agent=SCHEDULE, providers=["github"], tools=["x"], expires_at=until),
        client.change_grant(**ended, grant="grant_1", providers=["github"], tools=["x"], expires_at=until),
        client.list_grants(**ended),
        client.end_grant(**ended, grant="grant_1"),
        client.fingerprint_token(**ended, token="a-token"),
    ):
        with pytest.raises(SessionEndedError):
            await asked
    assert len(await client.list_connections(subject_token=subject(sid="sid-2"))) == 1


async def test_a_connect_flow_whose_session_ended_connects_nothing(client: VaultClient, upstream: Upstream) -> None:
    await client.start_connect(subject_token=subject(), provider="github")
    await client.end_session(subject_token=subject())
    with pytest.raises(SessionEndedError):
        await client.confirm_connection(subject_token=subject(), connection="con_1", nonce="n")


async def test_an_ended_session_is_refused_the_same_where_nothing_is_connected(
    client: VaultClient, upstream: Upstream
) -> None:
    await client.end_session(subject_token=subject())
    with pytest.raises(SessionEndedError):
        await client.exchange(exchange_of())


async def test_a_session_can_be_ended_again_and_is_recorded_once(client: VaultClient) -> None:
    for _ in range(3):
        await client.end_session(subject_token=subject())
    assert await events(kind="vault:session") == [("vault:session:ended", ALICE, "")]


async def test_when_all_sessions_end_those_that_began_later_go_on(client: VaultClient, connect_user: Connect) -> None:
    """A password change: the bar is the `auth_time` of the token that asks, to the microsecond."""
    await connect_user()
    await connect_user(BOB)
    bar = time.time()
    await client.end_subject(subject_token=subject(auth_time=bar))
    for sid, auth_time in (("sid-1", 1.0), ("sid-2", bar - 1e-6), ("never seen", bar), ("cli:1", bar)):
        with pytest.raises(SessionEndedError):
            await client.exchange(exchange_of(sid=sid, auth_time=auth_time))
    assert (await client.exchange(exchange_of(auth_time=bar + 1e-6))).access_token
    assert (await client.exchange(exchange_of(BOB))).access_token
    assert await events(kind="vault:subject") == [("vault:subject:ended", ALICE, "")]


async def test_an_earlier_end_of_all_sessions_does_not_take_a_later_one_back(
    client: VaultClient, connect_user: Connect
) -> None:
    await connect_user()
    await client.end_subject(subject_token=subject(auth_time=2000.0))
    await client.end_subject(subject_token=subject(auth_time=1000.0))
    with pytest.raises(SessionEndedError):
        await client.exchange(exchange_of(auth_time=1500.0))


@pytest.mark.parametrize("end", ["end_session", "end_subject"])
async def test_an_end_does_not_wait_for_the_audit(client: VaultClient, connect_user: Connect, end: str) -> None:
    await connect_user()
    await connect_user(BOB)
    async with audit_down():
        await getattr(client, end)(subject_token=subject())
        assert await models.OutboxEvent.objects.using("vault").acount() == 1
    with pytest.raises(SessionEndedError):
        await client.exchange(exchange_of())
    assert (await client.exchange(exchange_of(BOB))).access_token, "the next grant drains the outbox"
    assert len(await events(kind="vault:s")) == 1


async def test_an_end_while_the_token_is_refreshed_wins(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """The decision is made again after the refresh, and with it the question whether the session lives."""
    await connect_user()
    await change(access_expires_at=timezone.now())
    upstream.delay_seconds = 0.3
    caller = asyncio.create_task(client.exchange(exchange_of()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    await client.end_session(subject_token=subject())
    with pytest.raises(SessionEndedError):
        await caller


@pytest.mark.parametrize("sid", ["grant:", "grant:grant_1", "worker:1", ":", "CLI:1"])
async def test_a_sid_of_no_known_kind_is_a_session_that_never_was(client: VaultClient, sid: str) -> None:
    with pytest.raises(SessionEndedError):
        await client.list_connections(subject_token=subject(sid=sid))


async def test_a_command_is_a_session_of_its_own(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    assert (await client.exchange(exchange_of(sid="cli:1"))).access_token
    await client.end_session(subject_token=subject(sid="cli:1"))
    with pytest.raises(SessionEndedError):
        await client.exchange(exchange_of(sid="cli:1"))


async def test_what_no_token_can_name_any_more_is_forgotten_but_never_a_bar(client: VaultClient) -> None:
    await client.end_session(subject_token=subject(sid="old"))
    await client.end_subject(subject_token=subject(auth_time=1000.0))
    rows = models.EndedSession.objects.using("vault")
    await rows.aupdate(ended_at=timezone.now() - timedelta(days=31))
    await client.end_session(subject_token=subject(sid="new", auth_time=2000.0))
    assert {row.sid async for row in rows.all()} == {"", "new"}


async def test_a_grant_is_refused_what_only_its_user_may_do(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    content: dict[str, Any] = {
        "providers": ["github"],
        "tools": ["github_activity"],
        "expires_at": timezone.now() + timedelta(days=1),
    }
    grant = await client.create_grant(subject_token=subject(), agent=SCHEDULE, **content)
    absent: dict[str, Any] = {"subject_token": subject(sid=grant.sid)}
    for asked in (
        client.start_connect(**absent, provider="slack"),
        client.confirm_connection(**absent, connection="con_1", nonce="n"),
        client.set_access(**absent, connection="github", is_allowed=True),
        client.set_default(**absent, connection="github"),
        client.disconnect(**absent, connection="github"),
        client.pause_access(**absent, connection="github", until=None),
        client.set_away(**absent, connection="github", is_allowed=True),
        client.create_grant(**absent, agent=SCHEDULE, **content),
        client.change_grant(**absent, grant=grant.id, **content),
        client.end_grant(**absent, grant=grant.id),
        client.fingerprint_token(**absent, token="a-token"),
    ):
        with pytest.raises(InvalidTargetError):
            await asked
    assert len(await client.list_connections(**absent)) == 1
    assert await client.list_grants(**absent) == (grant,)


@pytest.mark.parametrize("end", [sessions.end_session, sessions.end_subject])
def test_an_end_waits_for_the_decisions_that_did_not_see_it(end: Callable[[Subject], None]) -> None:
    """What makes an end final: when it is answered, no decision that overlooked it is still to be committed."""
    alice = Subject(user=ALICE, sid="sid-1", client="devcontext-web", may_act="", auth_time=1.0, jti="jti-1")
    happened: list[str] = []
    is_decided = threading.Event()

    def decide() -> None:
        with sessions.hold(alice):
            is_decided.set()
            time.sleep(0.5)
            happened.append("decision committed")
        databases.close_all()

    def sign_out() -> None:
        is_decided.wait()
        end(alice)
        happened.append("ended")
        with pytest.raises(SessionEndedError), sessions.hold(alice):
            happened.append("decided on an ended session")
        databases.close_all()

    threads = [threading.Thread(target=work) for work in (decide, sign_out)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert happened == ["decision committed", "ended"]
