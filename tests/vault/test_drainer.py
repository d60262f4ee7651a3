"""What nobody confirms and what no provider has confirmed comes to its end by itself, in whichever process."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, audit_down, events, request, subject
from tests.vault.upstream import Upstream
from vault import connect, drainer, models
from vault.client.base import VaultClient
from vault.types import RevocationState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
PROVIDERS = ["github", "google-calendar", "slack"]


async def abandon(vault: VaultClient, upstream: Upstream, *, provider: str, user: str = ALICE) -> None:
    """Go through a flow up to the confirmation, and let its ten minutes pass."""
    url = await vault.start_connect(subject_token=subject(user), provider=provider)
    returned = httpx.URL(await connect.finish(provider, query=upstream.consent(url))).params
    past = timezone.now() - timedelta(seconds=1)
    rows = models.Connection.objects.using("vault").filter(id=returned["connection"])
    assert await rows.aupdate(pending_until=past) == 1


async def make_due() -> None:
    await models.Revocation.objects.using("vault").aupdate(due_at=timezone.now())


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_grant_that_nobody_confirmed_is_revoked(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    await abandon(vault, upstream, provider=provider)
    await drainer.drain()
    assert not upstream.grants[0].is_alive
    for table in (models.Connection, models.SealedToken, models.Revocation):
        assert await table.objects.using("vault").acount() == 0
    assert (await events())[1:] == [
        ("vault:connection:failed", ALICE, "abandoned"),
        ("vault:revocation:succeeded", ALICE, ""),
    ]


@pytest.mark.parametrize("owner", [ALICE, BOB])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_it_is_not_revoked_where_that_would_end_a_living_connection_of_the_account(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, provider: str, owner: str
) -> None:
    """GitHub and Google end all of an account's tokens at once, also those that another user connected."""
    await connect_user(owner, provider=provider)
    await abandon(vault, upstream, provider=provider)
    await drainer.drain()
    ended = [not grant.is_alive for grant in upstream.grants]
    assert ended == [False, provider == "slack"]
    assert (await vault.exchange(request(owner, audience=provider))).access_token in upstream.grants[0].access


async def test_without_rotation_slack_gives_one_token_which_is_not_revoked_while_it_is_used(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    upstream.life_seconds = None
    await connect_user(provider="slack")
    await abandon(vault, upstream, provider="slack")
    await drainer.drain()
    assert upstream.calls["slack revoke"] == 0


async def test_a_flow_that_is_about_to_be_confirmed_counts_as_living(vault: VaultClient, upstream: Upstream) -> None:
    await abandon(vault, upstream, provider="github")
    url = await vault.start_connect(subject_token=subject(), provider="github")
    await connect.finish("github", query=upstream.consent(url))
    await drainer.drain()
    assert upstream.calls["github revoke"] == 0


async def test_what_is_not_over_stays(vault: VaultClient, upstream: Upstream) -> None:
    url = await vault.start_connect(subject_token=subject(), provider="github")
    await vault.start_connect(subject_token=subject(), provider="slack")
    returned = httpx.URL(await connect.finish("github", query=upstream.consent(url))).params
    await drainer.drain()
    assert await models.OAuthState.objects.using("vault").acount() == 1
    confirmed = await vault.confirm_connection(
        subject_token=subject(), connection=returned["connection"], nonce=returned["nonce"]
    )
    assert confirmed.provider == "github"


async def test_flows_that_nobody_came_back_from_are_forgotten(vault: VaultClient, upstream: Upstream) -> None:
    await vault.start_connect(subject_token=subject(), provider="github")
    await models.OAuthState.objects.using("vault").aupdate(expires_at=timezone.now())
    await drainer.drain()
    assert await models.OAuthState.objects.using("vault").acount() == 0


async def test_an_abandoned_grant_is_dropped_though_the_audit_is_down(vault: VaultClient, upstream: Upstream) -> None:
    await abandon(vault, upstream, provider="github")
    async with audit_down():
        await drainer.drain()
        assert await models.Connection.objects.using("vault").acount() == 0
    await drainer.drain()
    assert ("vault:connection:failed", ALICE, "abandoned") in await events()


async def test_the_state_of_a_revocation_is_told_to_its_end(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    connected = await connect_user()
    await connect_user(BOB)
    upstream.answer = (503, {})
    await client.disconnect(subject_token=subject(), connection=connected.id)
    (waiting,) = await client.list_revocations(subject_token=subject())
    assert (waiting.provider, waiting.account, waiting.state) == ("github", "alice-gh", RevocationState.WAITING)
    assert waiting.ended_at is None
    assert waiting.token_ends_at is not None
    upstream.answer = None
    await make_due()
    await drainer.drain()
    (ended,) = await client.list_revocations(subject_token=subject())
    assert (ended.id, ended.state) == (waiting.id, RevocationState.REVOKED)
    assert ended.ended_at is not None
    assert await client.list_revocations(subject_token=subject(BOB)) == ()


async def test_a_revocation_that_no_provider_confirms_ends_as_that(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    upstream.answer = (503, {})
    await client.disconnect(subject_token=subject(), connection="github")
    await make_due()
    await models.Revocation.objects.using("vault").aupdate(expires_at=timezone.now())
    await drainer.drain()
    (ended,) = await client.list_revocations(subject_token=subject())
    assert ended.state is RevocationState.UNCONFIRMED
    assert await models.Revocation.objects.using("vault").acount() == 0


async def test_how_it_ended_is_shown_for_a_week(vault: VaultClient, connect_user: Connect, upstream: Upstream) -> None:
    await connect_user()
    await vault.disconnect(subject_token=subject(), connection="github")
    week = timedelta(days=7)
    await models.EndedRevocation.objects.using("vault").aupdate(ended_at=timezone.now() - week + timedelta(minutes=1))
    await drainer.drain()
    assert len(await vault.list_revocations(subject_token=subject())) == 1
    await models.EndedRevocation.objects.using("vault").aupdate(ended_at=timezone.now() - week)
    assert await vault.list_revocations(subject_token=subject()) == ()
    await drainer.drain()
    assert await models.EndedRevocation.objects.using("vault").acount() == 0


async def test_a_provider_that_is_not_configured_stops_nobody_elses_revocation(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, settings: Any
) -> None:
    await connect_user(provider="slack")
    await connect_user()
    upstream.answer = (503, {})
    await vault.disconnect(subject_token=subject(), connection="github")
    upstream.answer = None
    await make_due()
    configured = settings.PROVIDERS
    settings.PROVIDERS = {"slack": configured["slack"]}
    await vault.disconnect(subject_token=subject(), connection="slack")
    assert not next(grant for grant in upstream.grants if grant.provider == "slack").is_alive
    settings.PROVIDERS = configured
    await make_due()
    await drainer.drain()
    assert not any(grant.is_alive for grant in upstream.grants)


async def test_two_processes_try_a_revocation_once(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    upstream.answer = (503, {})
    await vault.disconnect(subject_token=subject(), connection="github")
    upstream.answer = None
    await make_due()
    await asyncio.gather(drainer.drain(), drainer.drain())
    assert upstream.calls["github revoke"] == 2
    assert await events(kind="vault:revocation") == [("vault:revocation:succeeded", ALICE, "")]


async def test_it_runs_from_the_start_and_ends_with_its_block(vault: VaultClient, upstream: Upstream) -> None:
    """What a process left behind that was killed is found when the next one starts."""
    await abandon(vault, upstream, provider="github")
    async with drainer.running():
        while upstream.grants[0].is_alive:  # noqa: ASYNC110  (the provider tells nobody; pytest's limit ends the wait)
            await asyncio.sleep(0.01)
    assert await models.Revocation.objects.using("vault").acount() == 0
    assert len([task for task in asyncio.all_tasks() if "_live" in repr(task)]) == 0


async def test_tokens_that_do_not_open_are_let_go(vault: VaultClient, upstream: Upstream) -> None:
    await abandon(vault, upstream, provider="github")
    await models.Connection.objects.using("vault").aupdate(pending_until=timezone.now() - timedelta(seconds=1))
    await models.SealedToken.objects.using("vault").aupdate(sealed=b"broken")
    async with drainer.running():
        while await models.Connection.objects.using("vault").aexists():  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.01)
    assert upstream.calls["github revoke"] == 0
