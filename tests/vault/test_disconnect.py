"""A disconnect erases here at once, whatever happens; the provider is told as soon as it listens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, audit_down, events, request, subject
from tests.vault.upstream import Upstream
from vault import background, connect, disconnect, drainer, models
from vault.client.base import VaultClient
from vault.errors import NotConnectedError, SealBrokenError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def end(vault: VaultClient, *, provider: str = "github") -> None:
    await vault.disconnect(subject_token=subject(), connection=provider)


async def try_again() -> None:
    """Let the vault tell the provider now what it put off."""
    await models.Revocation.objects.using("vault").aupdate(due_at=timezone.now())
    await drainer.drain()


@pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"])
async def test_nothing_sealed_is_left_and_the_provider_knows(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    await connect_user(provider=provider)
    await end(vault, provider=provider)
    assert not upstream.grants[0].is_alive
    for table in (models.Connection, models.SealedToken, models.Revocation):
        assert await table.objects.using("vault").acount() == 0
    assert (await events())[-2:] == [
        ("vault:connection:disconnected", ALICE, ""),
        ("vault:revocation:succeeded", ALICE, ""),
    ]


async def test_the_other_connections_stay(vault: VaultClient, connect_user: Connect) -> None:
    await connect_user(provider="slack")
    await connect_user(provider="github")
    await end(vault)
    assert (await vault.exchange(request(audience="slack"))).access_token


async def test_the_connection_is_gone_although_the_provider_is_down_and_is_revoked_later(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    assert await vault.list_connections(subject_token=subject()) == ()
    assert await models.SealedToken.objects.using("vault").acount() == 0
    assert upstream.grants[0].is_alive
    upstream.answer = None
    await try_again()
    assert not upstream.grants[0].is_alive
    assert await events(kind="vault:revocation") == [("vault:revocation:succeeded", ALICE, "")]


async def test_a_revocation_is_put_off_and_not_repeated_at_once(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    await disconnect.revoke_soon()
    assert upstream.calls["github revoke"] == 1


async def test_a_revocation_that_never_succeeds_is_given_up_and_said_so(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    now = timezone.now()
    await models.Revocation.objects.using("vault").aupdate(due_at=now, expires_at=now + timedelta(seconds=1))
    await disconnect.revoke_soon()
    assert await models.Revocation.objects.using("vault").acount() == 0
    assert await events(kind="vault:revocation") == [("vault:revocation:failed", ALICE, "http_503")]


@pytest.mark.parametrize("provider", ["github", "slack"])
async def test_an_ended_access_token_is_renewed_to_revoke_the_grant(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    """Only a living token can end a grant, and most disconnects find one that ended hours ago."""
    await connect_user(provider=provider)
    upstream.grants[0].access.clear()
    await end(vault, provider=provider)
    assert upstream.calls[f"{provider} refresh_token"] == 1
    assert not upstream.grants[0].is_alive


async def test_a_grant_the_provider_forgot_already_ends_with_a_failure_and_no_more_tries(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    upstream.grants.clear()
    await end(vault)
    assert await models.Revocation.objects.using("vault").acount() == 0
    assert await events(kind="vault:revocation") == [("vault:revocation:failed", ALICE, "bad_refresh_token")]


async def test_a_disconnect_does_not_wait_for_the_audit(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    async with audit_down():
        await end(vault)
    assert await vault.list_connections(subject_token=subject()) == ()
    await connect_user(provider="slack")
    assert ("vault:connection:disconnected", ALICE, "") in await events()


async def test_tokens_that_do_not_open_any_more_are_erased_all_the_same(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await models.SealedToken.objects.using("vault").aupdate(sealed=b"broken")
    await end(vault)
    assert await models.Connection.objects.using("vault").acount() == 0
    assert upstream.calls["github revoke"] == 0


async def test_a_kept_token_is_of_no_use_to_an_exchange(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Its record is bound to a place that no exchange reads, even when it is copied into a connection's row."""
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    upstream.answer = None
    kept = await models.Revocation.objects.using("vault").aget()
    await connect_user()
    await models.SealedToken.objects.using("vault").filter(field="access").aupdate(sealed=kept.sealed)
    with pytest.raises(SealBrokenError):
        await vault.exchange(request())


async def test_a_broken_revocation_does_not_stand_in_the_way_of_the_next(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user(provider="slack")
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    upstream.answer = None
    await models.Revocation.objects.using("vault").aupdate(sealed=b"broken", due_at=timezone.now())
    await end(vault, provider="slack")
    await disconnect.revoke_soon()
    assert await models.Revocation.objects.using("vault").acount() == 0
    assert not next(grant for grant in upstream.grants if grant.provider == "slack").is_alive


async def test_a_disconnect_of_nothing_says_so(vault: VaultClient, transactional_db: None) -> None:
    with pytest.raises(NotConnectedError):
        await end(vault)
    assert await models.Revocation.objects.using("vault").acount() == 0


async def test_a_revocation_that_waits_does_not_end_the_grant_of_a_new_connection(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """GitHub and Google end the whole grant of the app, with the tokens that were issued since."""
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    upstream.answer = None
    await connect_user()
    await models.Revocation.objects.using("vault").aupdate(due_at=timezone.now())
    await disconnect.revoke_soon()
    assert upstream.calls["github revoke"] == 1
    assert (await events(kind="vault:revocation"))[-1] == ("vault:revocation:failed", ALICE, "connected_again")
    assert (await vault.exchange(request())).access_token


async def test_connecting_the_same_account_again_revokes_nothing(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await connect_user()
    await background.settle()
    assert upstream.calls["github revoke"] == 0


@pytest.mark.parametrize("provider", ["github", "slack"])
async def test_tokens_that_were_renewed_to_revoke_are_kept_for_the_next_try(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    """A refresh token may work once: a try that spent it and then failed must not lose what it got."""
    await connect_user(provider=provider)
    upstream.grants[0].access.clear()
    upstream.revocations_refused = 1
    await end(vault, provider=provider)
    assert upstream.grants[0].is_alive
    await try_again()
    assert not upstream.grants[0].is_alive
    assert await events(kind="vault:revocation") == [("vault:revocation:succeeded", ALICE, "")]


async def test_a_revocation_that_waits_does_not_end_what_another_user_connects(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    upstream.answer = None
    await connect_user(BOB)
    await try_again()
    assert (await events(kind="vault:revocation")) == [("vault:revocation:failed", ALICE, "connected_again")]
    assert (await vault.exchange(request(BOB))).access_token in upstream.grants[1].access


@pytest.mark.parametrize("user", [ALICE, BOB])
async def test_a_revocation_waits_while_somebody_connects_the_account(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, user: str
) -> None:
    """Between a callback and its confirmation too it would end the new tokens."""
    await connect_user()
    upstream.answer = (503, {})
    await end(vault)
    upstream.answer = None
    url = await vault.start_connect(subject_token=subject(user), provider="github")
    returned = httpx.URL(await connect.finish("github", query=upstream.consent(url))).params
    await try_again()
    assert await models.Revocation.objects.using("vault").acount() == 1
    await vault.confirm_connection(
        subject_token=subject(user), connection=returned["connection"], nonce=returned["nonce"]
    )
    await drainer.drain()
    assert (await vault.exchange(request(user))).access_token in upstream.grants[1].access
    assert upstream.grants[1].is_alive
