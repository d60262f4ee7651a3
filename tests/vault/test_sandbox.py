"""The vault against the sandbox that ships with the app: the very requests a fresh clone makes, through every stage."""

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from django.utils import timezone

from devcontext.sandbox.app import create_app
from devcontext.sandbox.world import tidewater_world
from devcontext.settings import providers
from tests.serving import serve_app
from tests.vault.conftest import ALICE, change, events, request, subject
from vault import connect
from vault.client.base import VaultClient
from vault.errors import NotConnectedError
from vault.types import Connection

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

SCOPES = {
    "github": "",
    "google-calendar": "https://www.googleapis.com/auth/calendar.events.owned.readonly",
    "slack": "channels:read channels:history search:read users:read",
}


@pytest.fixture
def sandbox(settings: Any) -> Iterator[str]:
    world = tidewater_world(zone=ZoneInfo("UTC"))
    with serve_app(lambda url: create_app(data=None, world=world, base_url=url)) as url:
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=True)
        yield url


async def answer(authorization_url: str, *, decision: str = "allow", account: str = "") -> dict[str, str]:
    """Press a button of the consent page, and return what the browser is sent back with."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(authorization_url)
        fields = dict(re.findall(r'name="(form_token|scope)" value="([^"]+)"', page.text))
        address = authorization_url.partition("?")[0]
        sent_back = await browser.post(address, data={**fields, "decision": decision, "account": account})
    return dict(httpx.URL(sent_back.headers["location"]).params)


async def connect_alice(vault: VaultClient, *, provider: str, account: str = "") -> Connection:
    url = await vault.start_connect(subject_token=subject(), provider=provider)
    returned = httpx.URL(await connect.finish(provider, query=await answer(url, account=account))).params
    connected = await vault.confirm_connection(
        subject_token=subject(), connection=returned["connection"], nonce=returned["nonce"]
    )
    assert connected.account
    return connected


@pytest.mark.parametrize("provider", SCOPES)
async def test_connect_exchange_refresh_and_disconnect(client: VaultClient, sandbox: str, provider: str) -> None:
    await connect_alice(client, provider=provider)
    ask = {"audience": provider, "scope": SCOPES[provider]}
    first = await client.exchange(request(**ask))
    await change(access_expires_at=timezone.now())
    second = await client.exchange(request(**ask))
    assert first.access_token != second.access_token
    await client.disconnect(subject_token=subject(), connection=provider)
    with pytest.raises(NotConnectedError):
        await client.exchange(request(**ask))
    assert await events(kind="vault:re") == [
        ("vault:refresh:succeeded", ALICE, ""),
        ("vault:revocation:succeeded", ALICE, ""),
    ]


@pytest.mark.parametrize("provider", SCOPES)
async def test_two_accounts_live_and_end_apart(vault: VaultClient, sandbox: str, provider: str) -> None:
    first = await connect_alice(vault, provider=provider)
    second = await connect_alice(vault, provider=provider, account="second")
    assert first.account != second.account
    assert await vault.list_connections(subject_token=subject()) == (first, second)
    await vault.disconnect(subject_token=subject(), connection=first.id)
    await change(access_expires_at=timezone.now())
    assert (await vault.exchange(request(audience=provider, scope=SCOPES[provider]))).access_token


@pytest.mark.parametrize("provider", SCOPES)
async def test_cancelling_connects_nothing(vault: VaultClient, sandbox: str, provider: str) -> None:
    url = await vault.start_connect(subject_token=subject(), provider=provider)
    returned = await connect.finish(provider, query=await answer(url, decision="cancel"))
    assert returned.endswith(f"/auth/connect/{provider}/return?error=access_denied")
    assert await vault.list_connections(subject_token=subject()) == ()
