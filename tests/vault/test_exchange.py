"""What an exchange demands before a token leaves, and the one event that tells of each."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.conftest import AGENT, ALICE, BOB, account_of, actor, audit_down, change, events, request, subject
from tests.vault.upstream import Upstream
from vault import models, tokens
from vault.client.base import VaultClient
from vault.embedded import EmbeddedVault
from vault.errors import (
    AccessRevokedError,
    InvalidRequestError,
    InvalidScopeError,
    NotConnectedError,
    ReconnectRequiredError,
    SealBrokenError,
    VaultUnavailableError,
)
from vault.store import fingerprints

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def test_the_event_tells_who_read_what_with_which_token(vault: EmbeddedVault, connect_user: Connect) -> None:
    connected = await connect_user(provider="slack")
    token = await vault.exchange(request(audience="slack", scope="users:read channels:read"))
    event = await AuditEvent.objects.using("audit").aget(event="vault:exchange:granted")
    assert (event.user, event.provider, event.client) == (ALICE, "slack", tokens.WEB_CLIENT)
    assert (event.run, event.tool, event.tool_call) == ("run-1", "github_activity", "toolu_1")
    assert (event.connection, await account_of(event)) == (connected.id, "alice · Acme")
    assert (event.scope_asked, event.scope_granted) == ("channels:read users:read", connected.granted_scope)
    assert event.exchange == token.exchange
    assert event.token_fingerprint == await sync_to_async(fingerprints.of)(token.access_token)
    assert event.actor_jti


async def test_what_is_no_scope_at_all_is_not_recorded(vault: EmbeddedVault, connect_user: Connect) -> None:
    """RFC 6749 section 3.3; the audit is no place for a caller's own text."""
    await connect_user()
    with pytest.raises(InvalidScopeError):
        await vault.exchange(request(scope='repo "quoted" é\u202e'))
    event = await AuditEvent.objects.using("audit").aget(event="vault:exchange:denied")
    assert event.scope_asked == "repo"


async def test_an_actor_token_is_good_for_one_exchange(vault: EmbeddedVault, connect_user: Connect) -> None:
    """A replay is refused and recorded as a refusal of its own."""
    await connect_user()
    once = actor()
    await vault.exchange(request(actor_token=once))
    with pytest.raises(InvalidRequestError):
        await vault.exchange(request(actor_token=once))
    assert await events(kind="vault:exchange") == [
        ("vault:exchange:granted", ALICE, ""),
        ("vault:exchange:denied", ALICE, "invalid_request"),
    ]


async def test_a_refused_exchange_spends_its_actor_token(vault: EmbeddedVault, connect_user: Connect) -> None:
    await connect_user()
    once = actor()
    await vault.set_access(subject_token=subject(), connection="github", is_allowed=False)
    with pytest.raises(AccessRevokedError):
        await vault.exchange(request(actor_token=once))
    await vault.set_access(subject_token=subject(), connection="github", is_allowed=True)
    with pytest.raises(InvalidRequestError):
        await vault.exchange(request(actor_token=once))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject_token": "not a token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": ""},
        {"actor_token_type": ""},
        {"actor_token_type": "urn:ietf:params:oauth:token-type:access_token"},
        {"actor_token": "not a token"},
    ],
)
async def test_a_malformed_exchange_is_refused_and_recorded(
    vault: EmbeddedVault, connect_user: Connect, changes: dict[str, str]
) -> None:
    """RFC 8693 sections 2.1 and 2.2.2."""
    await connect_user()
    with pytest.raises(InvalidRequestError):
        await vault.exchange(request(**changes))
    assert [event for event, *_ in await events(kind="vault:exchange")] == ["vault:exchange:denied"]


async def test_an_exchange_without_an_actor_is_answered_unless_the_subject_names_one(
    vault: EmbeddedVault, connect_user: Connect
) -> None:
    """RFC 8693 section 4.4: `may_act` says who acts, so somebody must."""
    await connect_user()
    assert (await vault.exchange(request(actor_token="", actor_token_type=""))).access_token
    bound = tokens.mint_subject(user=ALICE, sid="sid-1", auth_time=1.0, purpose="exchange", may_act=AGENT)
    with pytest.raises(InvalidRequestError):
        await vault.exchange(request(subject_token=bound, actor_token="", actor_token_type=""))


async def test_no_token_leaves_when_the_audit_is_down(vault: EmbeddedVault, connect_user: Connect) -> None:
    await connect_user()
    async with audit_down():
        with pytest.raises(VaultUnavailableError):
            await vault.exchange(request())
    assert await events(kind="vault:exchange") == []


async def test_no_refusal_is_told_when_the_audit_is_down(vault: EmbeddedVault, upstream: Upstream) -> None:
    async with audit_down():
        with pytest.raises(VaultUnavailableError):
            await vault.exchange(request())


async def test_a_sealed_token_moved_to_another_user_does_not_open(vault: EmbeddedVault, connect_user: Connect) -> None:
    """Whoever can write the database still cannot make one user's token another's."""
    mine, theirs = await connect_user(ALICE), await connect_user(BOB)
    await sync_to_async(_copy_access_token)(source=theirs.id, target=mine.id)
    with pytest.raises(SealBrokenError):
        await vault.exchange(request(ALICE))
    assert await events(kind="vault:exchange") == [("vault:exchange:failed", ALICE, "vault_unavailable")]


async def test_a_token_rolled_back_to_an_older_generation_does_not_open(
    vault: EmbeddedVault, connect_user: Connect, upstream: Upstream
) -> None:
    connected = await connect_user()
    old = await models.SealedToken.objects.using("vault").aget(connection_id=connected.id, field="access")
    await change(access_expires_at=timezone.now())
    await vault.exchange(request())
    await models.SealedToken.objects.using("vault").filter(field="access").aupdate(sealed=old.sealed)
    with pytest.raises(SealBrokenError):
        await vault.exchange(request())


async def test_no_token_reaches_a_log(
    client: VaultClient, connect_user: Connect, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """At the most talkative level of our own loggers, through a connect, an exchange, a refresh and a failure."""
    caplog.set_level(logging.DEBUG)
    await connect_user()
    shown = [request(), request(), request(audience="slack")]
    await client.exchange(shown[0])
    await change(access_expires_at=timezone.now())
    await client.exchange(shown[1])
    with pytest.raises(NotConnectedError):
        await client.exchange(shown[2])
    upstream.answer = (503, {})
    await client.disconnect(subject_token=subject(), connection="github")
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    canaries = [*upstream.issued, *(asked.subject_token for asked in shown), *(asked.actor_token for asked in shown)]
    assert [canary for canary in canaries if canary in logged] == []


@pytest.mark.parametrize(("left", "told"), [(30, 30), (500, 60), (None, 60)])
async def test_what_is_told_of_a_tokens_life_is_true_and_short(
    vault: EmbeddedVault, connect_user: Connect, left: int | None, told: int
) -> None:
    await connect_user()
    ends_at = None if left is None else timezone.now() + timedelta(seconds=left)
    await change(access_expires_at=ends_at, has_refresh_token=False)
    token = await vault.exchange(request())
    assert told - 2 <= token.expires_in <= told


async def test_a_token_that_ended_and_cannot_be_refreshed_needs_a_new_connection(
    vault: EmbeddedVault, connect_user: Connect
) -> None:
    await connect_user()
    await change(access_expires_at=timezone.now(), has_refresh_token=False)
    with pytest.raises(ReconnectRequiredError):
        await vault.exchange(request())
    (listed,) = await vault.list_connections(subject_token=subject())
    assert listed.reconnect_reason == "expired"


async def test_a_connection_whose_provider_is_not_configured_any_more_is_not_connected(
    vault: EmbeddedVault, connect_user: Connect, settings: Any
) -> None:
    await connect_user()
    settings.PROVIDERS = {}
    with pytest.raises(NotConnectedError):
        await vault.exchange(request())


def test_no_exchange_that_starts_after_a_revoke_was_answered_gets_a_token(
    connect_user: Connect, transactional_db: None
) -> None:
    """Threads with database connections of their own exchange without pause while the switch is flipped."""
    async_to_sync(connect_user)()
    answered_at: list[float] = []
    granted_at: list[float] = []
    is_over = threading.Event()

    def exchange_for_ever() -> None:
        while not is_over.is_set():
            started_at = time.monotonic()
            try:
                async_to_sync(EmbeddedVault().exchange)(request())
            except AccessRevokedError:
                continue
            granted_at.append(started_at)
        connections.close_all()

    threads = [threading.Thread(target=exchange_for_ever) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        async_to_sync(EmbeddedVault().set_access)(subject_token=subject(), connection="github", is_allowed=False)
        answered_at.append(time.monotonic())
        time.sleep(0.5)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert granted_at, "the threads did exchange before the revoke"
    assert max(granted_at) < answered_at[0]
    assert AuditEvent.objects.using("audit").filter(event="vault:exchange:denied", reason="revoked").exists()


def _copy_access_token(*, source: str, target: str) -> None:
    rows = models.SealedToken.objects.using("vault").filter(field="access")
    rows.filter(connection_id=target).update(sealed=rows.get(connection_id=source).sealed)
