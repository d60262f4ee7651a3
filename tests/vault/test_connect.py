"""A connect flow belongs to one user, one session, one provider and one answer; everything else connects nothing."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, audit_down, change, confirm, events, request, subject
from tests.vault.upstream import Upstream
from vault import connect, models
from vault.client.base import VaultClient
from vault.errors import AccessRevokedError, ConnectStateError, NotConnectedError, VaultUnavailableError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def start(vault: VaultClient, *, provider: str = "github") -> str:
    return await vault.start_connect(subject_token=subject(), provider=provider)


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


async def finish(url: str, upstream: Upstream, *, provider: str = "github", **changes: str) -> dict[str, str]:
    """Say yes at the provider, change what the browser brings back, and return what it takes to the app."""
    return await come_back(upstream.consent(url) | changes, provider=provider)


async def come_back(query: dict[str, str], *, provider: str = "github") -> dict[str, str]:
    returned = await connect.finish(provider, query=query)
    assert returned.startswith(f"{settings.APP_URL}/auth/connect/{provider}/return?")
    return parameters(returned)


async def test_each_provider_is_asked_in_its_own_words(vault: VaultClient, upstream: Upstream) -> None:
    asked = {provider: parameters(await start(vault, provider=provider)) for provider in settings.PROVIDERS}
    for provider, query in asked.items():
        assert query["redirect_uri"] == f"{settings.VAULT_ISSUER}/connect/{provider}/callback"
        assert (query["response_type"], query["client_id"]) == ("code", "devcontext-sandbox")
    assert asked["github"]["code_challenge_method"] == asked["google-calendar"]["code_challenge_method"] == "S256"
    google = asked["google-calendar"]
    assert (google["access_type"], google["prompt"]) == ("offline", "consent select_account")
    assert "include_granted_scopes" not in google
    assert asked["slack"]["user_scope"] == "channels:history,channels:read,users:read,search:read"
    assert asked["slack"]["scope"] == ""
    assert not {"code_challenge", "code_challenge_method"} & set(asked["slack"])


async def test_states_and_challenges_are_new_each_time(vault: VaultClient, upstream: Upstream) -> None:
    first, second = parameters(await start(vault)), parameters(await start(vault))
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


async def test_a_flow_is_recorded_from_its_start(vault: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    assert await events() == [("vault:connection:started", ALICE, ""), ("vault:connection:connected", ALICE, "")]


async def test_no_flow_begins_and_none_is_confirmed_while_the_audit_is_down(
    vault: VaultClient, upstream: Upstream
) -> None:
    returned = await finish(await start(vault), upstream)
    async with audit_down():
        with pytest.raises(VaultUnavailableError):
            await start(vault)
        with pytest.raises(VaultUnavailableError):
            await confirm(vault, returned)
    assert await models.OAuthState.objects.using("vault").acount() == 0
    assert (await confirm(vault, returned)).account == "alice-gh"


async def test_an_answer_is_taken_once(vault: VaultClient, upstream: Upstream) -> None:
    query = upstream.consent(await start(vault))
    assert "nonce" in await come_back(query)
    assert await come_back(query) == {"error": "invalid_state"}


async def test_strangers_cannot_fill_the_audit(vault: VaultClient, upstream: Upstream) -> None:
    """The callback's address asks nobody to sign in, and no row ever leaves the audit."""
    for _ in range(3):
        assert await come_back({"code": "c", "state": "guess"}) == {"error": "invalid_state"}
    assert await events() == []


async def test_an_answer_without_a_known_state_is_refused(vault: VaultClient, upstream: Upstream) -> None:
    url = await start(vault)
    assert await finish(url, upstream, state="guess") == {"error": "invalid_state"}
    assert await come_back({"code": "c"}) == {"error": "invalid_state"}
    assert upstream.calls["github authorization_code"] == 0


async def test_an_answer_after_ten_minutes_is_refused(vault: VaultClient, upstream: Upstream) -> None:
    url = await start(vault)
    await models.OAuthState.objects.using("vault").aupdate(expires_at=timezone.now())
    assert await finish(url, upstream) == {"error": "invalid_state"}


async def test_an_answer_at_another_providers_address_is_refused(vault: VaultClient, upstream: Upstream) -> None:
    """Mix-up: RFC 9700 section 4.4."""
    url = await start(vault)
    assert await finish(url, upstream, provider="slack") == {"error": "invalid_state"}
    assert not upstream.calls


async def test_an_answer_from_another_issuer_is_refused(vault: VaultClient, upstream: Upstream) -> None:
    """RFC 9207 section 2.4."""
    url = await start(vault, provider="google-calendar")
    refused = await finish(url, upstream, provider="google-calendar", iss="https://attacker.example")
    assert refused == {"error": "invalid_state"}
    url = await start(vault, provider="google-calendar")
    assert "nonce" in await finish(url, upstream, provider="google-calendar", iss=upstream.url)


async def test_the_users_no_is_a_message_and_no_error(vault: VaultClient, upstream: Upstream) -> None:
    state = parameters(await start(vault))["state"]
    assert await come_back({"error": "access_denied", "state": state}) == {"error": "access_denied"}
    assert (await events())[-1] == ("vault:connection:denied", ALICE, "access_denied")


@pytest.mark.parametrize("error", ["admin_policy_enforced", "server_error", "<script>"])
async def test_another_error_of_the_provider_is_not_repeated(
    vault: VaultClient, upstream: Upstream, error: str
) -> None:
    state = parameters(await start(vault))["state"]
    assert await come_back({"error": error, "state": state}) == {"error": "provider"}
    assert (await events())[-1] == ("vault:connection:failed", ALICE, "provider")


async def test_a_denial_with_a_state_nobody_has_says_so(vault: VaultClient, upstream: Upstream) -> None:
    assert await come_back({"error": "access_denied", "state": "guess"}) == {"error": "invalid_state"}


@pytest.mark.parametrize("code", ["stolen", ""])
async def test_a_code_the_provider_does_not_know_connects_nothing(
    vault: VaultClient, upstream: Upstream, code: str
) -> None:
    assert await finish(await start(vault), upstream, code=code) == {"error": "provider"}


async def test_a_code_of_another_flow_is_refused_by_its_challenge(vault: VaultClient, upstream: Upstream) -> None:
    """RFC 7636: a code injected into another flow does not fit that flow's verifier."""
    injected = upstream.consent(await start(vault))["code"]
    assert await finish(await start(vault), upstream, code=injected) == {"error": "provider"}
    assert upstream.calls["github authorization_code"] == 1


async def test_a_provider_that_is_down_connects_nothing(vault: VaultClient, upstream: Upstream) -> None:
    url = await start(vault)
    upstream.answer = (503, {})
    assert await finish(url, upstream) == {"error": "provider"}
    assert await models.Connection.objects.using("vault").acount() == 0


@pytest.mark.parametrize(("user", "sid"), [(ALICE, "sid-2"), (BOB, "sid-1"), (BOB, "sid-2")])
async def test_a_callback_opened_by_somebody_else_connects_nothing(
    client: VaultClient, upstream: Upstream, user: str, sid: str
) -> None:
    """Login CSRF: RFC 9700 section 4.7. The victim's browser carries the attacker's answer."""
    returned = await finish(await start(client), upstream)
    with pytest.raises(ConnectStateError):
        await confirm(client, returned, user=user, sid=sid)
    assert await client.list_connections(subject_token=subject(user)) == ()
    assert (await events())[-1] == ("vault:connection:failed", user, "invalid_state")
    assert (await confirm(client, returned)).provider == "github"


async def test_a_nonce_confirms_once(client: VaultClient, upstream: Upstream) -> None:
    returned = await finish(await start(client), upstream)
    await confirm(client, returned)
    with pytest.raises(ConnectStateError):
        await confirm(client, returned)


async def test_a_pending_connection_ends_after_ten_minutes(vault: VaultClient, upstream: Upstream) -> None:
    returned = await finish(await start(vault), upstream)
    await models.Connection.objects.using("vault").aupdate(pending_until=timezone.now())
    with pytest.raises(ConnectStateError):
        await confirm(vault, returned)


async def test_the_same_account_keeps_its_connection_and_its_switch_and_gets_new_tokens(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    first = await connect_user()
    await vault.set_access(subject_token=subject(), connection="github", is_allowed=False)
    second = await connect_user()
    assert (second.id, second.connected_at) == (first.id, first.connected_at)
    assert await vault.list_connections(subject_token=subject()) == (second,)
    assert await models.SealedToken.objects.using("vault").acount() == 2
    with pytest.raises(AccessRevokedError):
        await vault.exchange(request())
    await vault.set_access(subject_token=subject(), connection="github", is_allowed=True)
    assert (await vault.exchange(request())).access_token in upstream.grants[1].access


async def test_a_refresh_under_way_does_not_undo_a_reconnect(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await change(access_expires_at=timezone.now())
    upstream.may_refresh.clear()
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    await connect_user()
    upstream.may_refresh.set()
    assert (await caller).access_token in upstream.grants[1].access
    assert (await vault.exchange(request())).access_token in upstream.grants[1].access


async def test_a_reconnect_mends_a_broken_grant(vault: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await models.Connection.objects.using("vault").aupdate(reconnect_reason="bad_refresh_token")
    assert (await connect_user()).reconnect_reason == ""
    assert (await vault.exchange(request())).access_token


async def test_a_provider_that_is_not_configured_cannot_be_connected(vault: VaultClient, settings: Any) -> None:
    settings.PROVIDERS = {}
    with pytest.raises(NotConnectedError):
        await start(vault)


@pytest.mark.skipif("connections['vault'].vendor != 'sqlite'", reason="the files of PostgreSQL are its server's")
async def test_no_state_nonce_verifier_or_token_lies_in_the_database(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """The bytes of every database file, after a flow in each of its stages."""
    await connect_user(provider="slack")
    url = await start(vault, provider="google-calendar")
    returned = await finish(await start(vault), upstream)
    stored = await sync_to_async(_bytes_of_databases)()
    canaries = [*upstream.issued, parameters(url)["state"], returned["nonce"]]
    assert len(canaries) >= 6
    assert b"github" in stored, "the files are the ones written to"
    assert [canary for canary in canaries if canary.encode() in stored] == []


def _bytes_of_databases() -> bytes:
    """Read the files in a process of its own: closing one here would drop SQLite's locks on it in this process.

    Source: https://www.sqlite.org/howtocorrupt.html section 2.2.
    """
    names = [str(connection.settings_dict["NAME"]) for connection in connections.all()]
    paths = [path for name in names for path in (name, f"{name}-wal") if Path(path).exists()]
    program = "import pathlib, sys; [sys.stdout.buffer.write(pathlib.Path(path).read_bytes()) for path in sys.argv[1:]]"
    return subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, check=True).stdout


async def test_the_account_is_the_one_that_consented(vault: VaultClient, upstream: Upstream) -> None:
    upstream.person = "alice-at-work"
    returned = await finish(await start(vault), upstream)
    assert (await confirm(vault, returned)).account == "alice-at-work-gh"
