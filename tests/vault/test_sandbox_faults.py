"""What the vault makes of each failure of a token endpoint, as the sandbox serves them."""

from typing import Any

import httpx
import pytest
from django.utils import timezone

from tests.vault.conftest import change, request, subject
from tests.vault.test_sandbox import SCOPES, connect_alice, sandbox
from vault.client.base import VaultClient
from vault.errors import ProviderDownError, ReconnectRequiredError, VaultError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

__all__ = ["sandbox"]

DEAD = [
    ("github", "token.bad_refresh_token"),
    ("google-calendar", "token.invalid_grant"),
    ("google-calendar", "token.invalid_rapt"),
    ("slack", "token.invalid_refresh_token"),
]


async def _order(url: str, subject: str, **order: Any) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=url) as client:
        (await client.post(f"/{subject}", json=order)).raise_for_status()


async def _exchange(vault: VaultClient, provider: str) -> str:
    return (await vault.exchange(request(audience=provider, scope=SCOPES[provider]))).access_token


@pytest.mark.parametrize(("provider", "case"), DEAD)
async def test_a_dead_grant_needs_a_reconnect(vault: VaultClient, sandbox: str, provider: str, case: str) -> None:
    await connect_alice(vault, provider=provider)
    await change(access_expires_at=timezone.now())
    await _order(sandbox, "faults", provider=provider, case=case)
    with pytest.raises(ReconnectRequiredError):
        await _exchange(vault, provider)
    # It stays so, also when the endpoint would say yes again.
    with pytest.raises(ReconnectRequiredError):
        await _exchange(vault, provider)


@pytest.mark.parametrize("provider", SCOPES)
async def test_a_token_endpoint_in_trouble_is_no_dead_grant(vault: VaultClient, sandbox: str, provider: str) -> None:
    await connect_alice(vault, provider=provider)
    await change(access_expires_at=timezone.now())
    await _order(sandbox, "faults", provider=provider, case="token.unavailable", times=10)
    with pytest.raises(ProviderDownError):
        await _exchange(vault, provider)
    await _order(sandbox, "faults", provider=provider, case="token.unavailable", times=0)
    await change(retry_at=None)
    assert await _exchange(vault, provider)


@pytest.mark.parametrize("case", ["token.lost", "token.cut_off"])
@pytest.mark.parametrize("provider", SCOPES)
async def test_an_answer_lost_after_rotation(vault: VaultClient, sandbox: str, provider: str, case: str) -> None:
    """GitHub's pair is gone; Google's and Slack's old refresh tokens still work, Slack's for its grace."""
    await connect_alice(vault, provider=provider)
    await change(access_expires_at=timezone.now())
    await _order(sandbox, "faults", provider=provider, case=case)
    with pytest.raises(VaultError):
        await _exchange(vault, provider)
    await change(retry_at=None)
    if provider == "github":
        with pytest.raises(ReconnectRequiredError):
            await _exchange(vault, provider)
    else:
        assert await _exchange(vault, provider)


async def test_half_a_year_outlives_githubs_grant(vault: VaultClient, sandbox: str) -> None:
    await connect_alice(vault, provider="github")
    await change(access_expires_at=timezone.now())
    await _order(sandbox, "clock", advance_seconds=16_000_000)
    with pytest.raises(ReconnectRequiredError):
        await _exchange(vault, "github")


async def test_a_short_lifetime_is_what_the_vault_stores(vault: VaultClient, sandbox: str) -> None:
    await _order(sandbox, "clock", access_lifetime_seconds=90)
    await connect_alice(vault, provider="google-calendar")
    first = await vault.exchange(request(audience="google-calendar", scope=SCOPES["google-calendar"]))
    assert 0 < first.expires_in <= 90
    assert (await vault.list_connections(subject_token=subject()))[0].reconnect_reason == ""
