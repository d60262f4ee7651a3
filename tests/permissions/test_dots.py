"""The three dots of every signed-in page: what they say, that their switches lead back, and that they never break."""

from collections.abc import Awaitable, Callable

import pytest
from django.test import AsyncClient

from permissions.dots import Dots
from tests.permissions.conftest import DATABASES, Connect, Person
from vault import models
from vault.client import sessions

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

FIRST_SERVICE = "Connect a first service"
PAGES = ["/", "/settings/permissions/", "/audit/", "/accounts/email/", "/nowhere/"]
StopVault = Callable[[], Awaitable[None]]


async def dots(person: Person, page: str = "/audit/") -> Dots:
    """Return what a page was told of the services, as its template asked for it."""
    shown = (await person.browser.get(page)).context["shown"]
    assert isinstance(shown, Dots)
    return shown


async def body(person: Person, page: str) -> str:
    """Return a page."""
    return (await person.browser.get(page)).content.decode()


@pytest.mark.parametrize("page", PAGES)
async def test_every_signed_in_page_has_a_dot_and_a_switch_for_each_service(
    page: str, alice: Person, connect: Connect
) -> None:
    await connect(alice, "slack")
    shown = await body(alice, page)
    for slug in ("github", "google-calendar", "slack"):
        assert f'popovertarget="dot-{slug}"' in shown
    assert 'action="/settings/permissions/slack/revoke"' in shown
    assert f'name="next" value="{page}"' in shown
    assert 'href="/auth/connect/github"' in shown


async def test_a_dot_tells_the_state_of_the_account_that_is_read(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    await connect(alice)
    await alice.browser.post("/settings/permissions/slack/revoke")
    await models.Connection.objects.filter(provider="github").aupdate(reconnect_reason="token_revoked")
    shown = [(dot.slug, dot.state, dot.word, dot.needs_reconnect) for dot in (await dots(alice)).services]
    assert shown == [
        ("github", "connected", "Reconnect", True),
        ("google-calendar", "not_connected", "Not connected", False),
        ("slack", "revoked", "Revoked", False),
    ]


async def test_a_vault_that_is_away_leaves_the_page_standing_and_is_said(alice: Person, stop_vault: StopVault) -> None:
    await stop_vault()
    response = await alice.browser.get("/audit/")
    assert response.status_code == 200
    assert "The token vault does not answer" in response.content.decode()
    assert "/revoke" not in response.content.decode()
    assert {dot.state for dot in (await dots(alice)).services} == {"unknown"}


async def test_a_session_that_the_vault_has_ended_is_told_so(alice: Person) -> None:
    await sessions.end_session(**alice.asker)
    assert "This session has ended" in (await dots(alice)).message


async def test_a_switch_leads_back_to_the_page_it_was_flipped_on(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    for what in ("revoke", "restore"):
        response = await alice.browser.post(f"/settings/permissions/slack/{what}", {"next": "/audit/?service=slack"})
        assert (response.status_code, response["Location"]) == (303, "/audit/?service=slack")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://evil.test/",
        "//evil.test/",
        "///evil.test",
        "/\\evil.test",
        "/\t/evil.test",
        "\\\\evil.test",
        "javascript:alert(1)",
        "http:evil.test",
        " //evil.test",
        "evil.test",
    ],
)
async def test_a_switch_leads_nowhere_but_to_this_host(address: str, alice: Person, connect: Connect) -> None:
    """An open redirect would lend our address to whoever asks for it."""
    await connect(alice, "slack")
    response = await alice.browser.post("/settings/permissions/slack/revoke", {"next": address})
    assert (response.status_code, response["Location"]) == (303, "/settings/permissions/")


async def test_the_empty_chat_leads_who_connected_nothing_to_the_first_steps(alice: Person) -> None:
    assert f'href="/welcome/">{FIRST_SERVICE}' in await body(alice, "/")


async def test_a_service_that_is_connected_or_revoked_leads_nobody_there(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    assert FIRST_SERVICE not in await body(alice, "/")
    await alice.browser.post("/settings/permissions/slack/revoke")
    assert FIRST_SERVICE not in await body(alice, "/")


async def test_without_the_vault_nobody_is_told_to_connect_a_first_service(
    alice: Person, stop_vault: StopVault
) -> None:
    await stop_vault()
    assert FIRST_SERVICE not in await body(alice, "/")


async def test_a_page_that_heard_of_a_change_gets_the_dots_alone(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    await alice.browser.post("/settings/permissions/slack/revoke")
    part = await body(alice, "/settings/permissions/dots")
    assert "<html" not in part
    assert 'popovertarget="dot-slack" data-state="revoked"' in part
    assert 'action="/settings/permissions/slack/restore"' in part
    assert "Restore access to Slack</button>" in part
    assert (await alice.browser.post("/settings/permissions/dots")).status_code == 405
    assert (await AsyncClient().get("/settings/permissions/dots")).status_code == 302
