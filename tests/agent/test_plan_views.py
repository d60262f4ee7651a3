"""The receipt before the reading: every recipe's, for its user, and made without a single exchange or request."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from agent.briefing import recipes
from agent.tools import TOOLS
from permissions import store
from permissions.policy import Mode
from tests.permissions.conftest import (
    Connect,
    Person,
    SignIn,
    alice,
    begin,
    connect,
    list_recorded,
    sign_in,
    stop_vault,
)
from tests.vault.upstream import Upstream

__all__ = ["alice", "begin", "connect", "sign_in", "stop_vault"]

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])


@pytest_asyncio.fixture(autouse=True)
async def _signed_out(sign_in: SignIn) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("recipe", recipes.RECIPES)
async def test_no_plan_exchanges_a_token_or_asks_a_service(
    recipe: str, alice: Person, connect: Connect, upstream: Upstream
) -> None:
    for provider in ("github", "google-calendar", "slack"):
        await connect(alice, provider)
    before = len(upstream.requests)
    page = await alice.browser.get(f"/plan/{recipe}/")
    assert page.status_code == 200
    assert all(service.is_read for service in page.context["plan"].services)
    assert recipes.RECIPES[recipe].question in page.content.decode()
    assert upstream.requests[before:] == []
    assert await list_recorded("vault:exchange") == []
    assert await list_recorded("permission:check") == []


async def test_it_says_which_service_and_which_tool_would_be_refused(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    await alice.browser.post("/settings/permissions/slack/revoke")
    await sync_to_async(store.set_modes)(alice.user, provider="github", modes={"github_activity": Mode.BLOCK})
    page = await alice.browser.get("/plan/")
    html = page.content.decode()
    assert [service.word for service in page.context["plan"].services] == ["Not connected", "Not connected", "Revoked"]
    assert html.count("Would not be read") == 3
    assert html.count("Blocked by you: not read") == 1
    assert TOOLS["slack_search"].reads.removeprefix("what") in html


async def test_an_unknown_recipe_is_not_found_and_nobody_sees_a_plan_without_signing_in(alice: Person) -> None:
    assert (await alice.browser.get("/plan/steal-everything/")).status_code == 404
    assert (await AsyncClient().get("/plan/standup/")).headers["location"].startswith("/accounts/login/")


async def test_without_the_vault_it_says_so(alice: Person, stop_vault: Callable[[], Awaitable[None]]) -> None:
    await stop_vault()
    page = await alice.browser.get("/plan/standup/")
    assert page.status_code == 503
    assert "The token vault does not answer" in page.content.decode()


async def test_cards_and_the_permissions_page_lead_there(alice: Person) -> None:
    chat = (await alice.browser.get("/")).content.decode()
    assert all(f'href="/plan/{name}/"' in chat for name in recipes.RECIPES)
    assert 'href="/plan/"' in (await alice.browser.get("/settings/permissions/")).content.decode()
    assert 'href="/plan/"' in (await alice.browser.get("/welcome/")).content.decode()
