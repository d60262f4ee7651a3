"""When a stored token is given, and when it is refreshed first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.vault.conftest import change, request
from tests.vault.upstream import Upstream
from vault import background
from vault.client.base import VaultClient

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
CALLS = {
    "github": "github refresh_token",
    "google-calendar": "google refresh_token",
    "slack": "slack refresh_token",
}


@pytest.mark.parametrize("provider", CALLS)
@pytest.mark.parametrize("life_seconds", [80, 240])
async def test_a_token_that_lives_shorter_than_the_lead_is_not_refreshed_at_every_exchange(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, provider: str, life_seconds: int
) -> None:
    upstream.life_seconds = life_seconds
    await connect_user(provider=provider)
    for _ in range(3):
        await vault.exchange(request(audience=provider))
        await background.settle()
    assert upstream.calls[CALLS[provider]] == 0
    await change(access_expires_at=timezone.now() + timedelta(seconds=life_seconds / 5))
    for _ in range(3):
        await vault.exchange(request(audience=provider))
        await background.settle()
    assert upstream.calls[CALLS[provider]] == 1


async def test_a_token_whose_life_was_never_noted_is_refreshed_at_its_providers_lead(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Connections from before the column."""
    await connect_user()
    await change(access_life_seconds=None, access_expires_at=timezone.now() + timedelta(minutes=9))
    await vault.exchange(request())
    assert upstream.calls["github refresh_token"] == 1
