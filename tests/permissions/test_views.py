"""The permission page and its switches: who may, what they say, and what happens when the vault is gone."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.test import AsyncClient
from pytest_django.fixtures import Settings

from agent import memory
from agent.types import WeekSettings
from permissions import connections
from permissions.cards import ServiceCard
from permissions.subjects import user_id_of
from tests.broken import table_away_async
from tests.permissions.conftest import DATABASES, Connect, Person, SignIn, list_recorded
from tests.permissions.messages import said
from tests.vault.upstream import Upstream
from vault import models
from vault.client import sessions

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

PAGE = "/settings/permissions/"
CHANGES = ["revoke", "restore", "disconnect"]
StopVault = Callable[[], Awaitable[None]]


async def change(person: Person, what: str, *, provider: str = "github") -> HttpResponse:
    """Press one of the buttons."""
    return await person.browser.post(f"{PAGE}{provider}/{what}")


async def cards(person: Person) -> list[ServiceCard]:
    """Return the cards on the page."""
    return list((await person.browser.get(PAGE)).context["cards"])


async def state(person: Person, provider: str = "github") -> str:
    """Return the vault's word on a service."""
    status = await connections.load_status(**person.asker, provider=provider, is_fresh=True)
    return status.state.value


async def test_nobody_sees_the_page_without_signing_in(alice: Person) -> None:
    response = await AsyncClient().get(PAGE)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={PAGE}"


@pytest.mark.parametrize("what", CHANGES)
async def test_nobody_changes_anything_without_signing_in(what: str, alice: Person, connect: Connect) -> None:
    await connect(alice)
    response = await AsyncClient().post(f"{PAGE}github/{what}")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
    assert await state(alice) == "connected"


async def test_the_page_has_a_card_for_each_service(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await connect(alice, "slack")
    await change(alice, "revoke", provider="slack")
    response = await alice.browser.get(PAGE)
    assert response.status_code == 200
    shown = [(card.slug, card.state, card.state_word) for card in response.context["cards"]]
    assert shown == [
        ("github", "connected", "Connected"),
        ("google-calendar", "not_connected", "Not connected"),
        ("slack", "revoked", "Revoked"),
    ]
    assert response.context["vault_message"] == ""
    page = response.content.decode()
    assert all(word in page for word in ("Connected", "Not connected", "Revoked", "alice-gh"))


async def test_a_card_tells_scopes_in_the_providers_words_and_in_plain_ones(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    card = (await cards(alice))[2]
    assert "search:read" in card.scopes
    assert "Search the messages you can see" in card.scope_words
    assert len(card.scopes) == len(card.scope_words)
    assert "Send, edit or delete messages" in card.cannot
    assert card.is_sandbox
    assert card.connected_at is not None


async def test_a_card_tells_what_was_granted_and_no_tool_needs(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    upstream.scope = "channels:history channels:read search:read users:read groups:history chat:write <b>x</b>"
    await connect(alice, "slack")
    response = await alice.browser.get(PAGE)
    assert response.context["cards"][2].surplus == ("Send messages as you", "<b>x</b>")
    page = response.content.decode()
    assert "needed by none of DevContext" in page
    assert "<li>Send messages as you</li>" in page
    assert "<li>&lt;b&gt;x&lt;/b&gt;</li>" in page


async def test_a_card_without_surplus_says_nothing_of_it(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    await connect(alice, "google-calendar")
    await connect(alice)
    response = await alice.browser.get(PAGE)
    assert [(card.surplus, card.writing) for card in response.context["cards"]] == [((), ())] * 3
    page = response.content.decode()
    assert "needed by none" not in page
    assert "could write" not in page


async def test_the_card_of_an_oauth_app_says_that_its_token_can_write(
    alice: Person, connect: Connect, upstream: Upstream, settings: Settings
) -> None:
    settings.PROVIDERS = {
        **settings.PROVIDERS,
        "github": replace(settings.PROVIDERS["github"], app_kind="oauth"),
    }
    upstream.scope = "repo,read:org"
    await connect(alice)
    response = await alice.browser.get(PAGE)
    card = response.context["cards"][0]
    assert card.surplus == ()
    assert len(card.writing) == 1
    page = response.content.decode()
    assert "because GitHub&#x27;s OAuth Apps know nothing smaller. DevContext only reads" in page


async def test_a_needed_reconnect_is_a_sentence_and_no_fourth_state(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    await models.Connection.objects.aupdate(reconnect_reason="token_revoked")
    card = (await cards(alice))[2]
    assert card.state == "connected"
    assert card.reconnect_reason.startswith("Slack no longer honours this connection.")


@pytest.mark.parametrize(("reason", "words"), [("expired", "has ended"), ("refresh_in_doubt", "never answered")])
async def test_why_a_reconnect_is_needed_is_said_without_the_providers_words(
    reason: str, words: str, alice: Person, connect: Connect
) -> None:
    await connect(alice, "slack")
    await models.Connection.objects.aupdate(reconnect_reason=reason)
    said = (await cards(alice))[2].reconnect_reason
    assert words in said
    assert reason not in said


async def test_a_pause_is_told_with_its_end_and_restore_ends_it(alice: Person, connect: Connect) -> None:
    await connect(alice)
    until = datetime(2999, 1, 2, 3, 4, tzinfo=UTC)
    await models.Connection.objects.aupdate(paused_until=until)
    card = (await cards(alice))[0]
    assert (card.state, card.state_word, card.paused_until) == ("revoked", "Paused", until)
    page = (await alice.browser.get(PAGE)).content.decode()
    assert "AI blocked until" in page
    assert "2 January 2999, 03:04</time> (UTC)" in page
    week = WeekSettings(time_zone="Asia/Tokyo")
    await sync_to_async(memory.save_week_settings)(user_id_of(alice.user), chosen=week)
    assert "2 January 2999, 12:04</time> (Asia/Tokyo)" in (await alice.browser.get(PAGE)).content.decode()
    await change(alice, "restore")
    card = (await cards(alice))[0]
    assert (card.state, card.state_word, card.paused_until) == ("connected", "Connected", None)


async def test_a_revoked_service_is_not_called_paused(alice: Person, connect: Connect) -> None:
    """Its pause will end, and the AI is blocked all the same."""
    await connect(alice)
    await models.Connection.objects.aupdate(paused_until=datetime(2999, 1, 1, tzinfo=UTC), is_access_allowed=False)
    card = (await cards(alice))[0]
    assert (card.state_word, card.paused_until) == ("Revoked", None)


async def test_revoke_and_restore_flip_the_switch_and_keep_the_connection(alice: Person, connect: Connect) -> None:
    await connect(alice)
    revoked = await change(alice, "revoke")
    assert (revoked.status_code, revoked["Location"]) == (303, PAGE)
    assert said(revoked) == [("success", "GitHub is revoked: the AI cannot read it until you restore it.")]
    assert await state(alice) == "revoked"
    restored = await change(alice, "restore")
    assert said(restored)[-1:] == [("success", "GitHub is restored: the AI can read it again.")]
    assert await state(alice) == "connected"
    assert [row["event"] for row in await list_recorded("permission:access")] == [
        "permission:access:revoked",
        "permission:access:restored",
    ]


async def test_disconnect_erases_the_connection(alice: Person, connect: Connect) -> None:
    await connect(alice)
    response = await change(alice, "disconnect")
    assert response.status_code == 303
    assert said(response) == [("success", "GitHub is disconnected and its tokens are erased.")]
    assert await state(alice) == "not_connected"


async def test_the_message_is_on_the_next_page(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await change(alice, "revoke")
    assert "the AI cannot read it until you restore it" in (await alice.browser.get(PAGE)).content.decode()


@pytest.mark.parametrize("what", CHANGES)
async def test_a_service_that_is_not_connected_cannot_be_changed(what: str, alice: Person) -> None:
    response = await change(alice, what)
    assert response.status_code == 303
    assert said(response) == [("warning", "GitHub is not connected, so there is nothing to change.")]


@pytest.mark.parametrize("what", CHANGES)
async def test_another_users_connection_cannot_be_changed(
    what: str, alice: Person, sign_in: SignIn, connect: Connect
) -> None:
    await connect(alice)
    mallory = await sign_in("mallory")
    response = await change(mallory, what)
    assert said(response) == [("warning", "GitHub is not connected, so there is nothing to change.")]
    assert await state(alice) == "connected"
    assert [card.state for card in await cards(mallory)] == ["not_connected"] * 3


@pytest.mark.parametrize("what", CHANGES)
async def test_an_unknown_service_is_not_found(what: str, alice: Person) -> None:
    assert (await change(alice, what, provider="myspace")).status_code == 404


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_needs_the_form_of_our_own_page(what: str, alice: Person, connect: Connect) -> None:
    """Cross-site request forgery: another site's form carries no token of ours."""
    await connect(alice)
    forged = AsyncClient(enforce_csrf_checks=True)
    forged.cookies = alice.browser.cookies
    assert (await forged.post(f"{PAGE}github/{what}")).status_code == 403
    assert await state(alice) == "connected"


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
async def test_a_change_is_a_post(method: str, what: str, alice: Person, connect: Connect) -> None:
    """A link or a prefetching browser must not flip a switch."""
    await connect(alice)
    shows_a_page = what == "disconnect" and method in {"get", "head"}
    response = await getattr(alice.browser, method)(f"{PAGE}github/{what}")
    assert response.status_code == (200 if shows_a_page else 405)
    assert await state(alice) == "connected"


async def test_the_page_takes_no_post(alice: Person) -> None:
    assert (await alice.browser.post(PAGE)).status_code == 405


async def test_without_the_vault_the_page_says_so_and_shows_no_state(
    alice: Person, connect: Connect, stop_vault: StopVault
) -> None:
    await connect(alice)
    await cards(alice)
    await stop_vault()
    response = await alice.browser.get(PAGE)
    assert response.status_code == 503
    assert list(response.context["cards"]) == []
    assert response.context["vault_message"].startswith("The token vault does not answer")


async def test_in_an_ended_session_nothing_is_changed(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await sessions.end_session(**alice.asker)
    level, sentence = said(await change(alice, "revoke"))[0]
    assert level == "error"
    assert sentence.startswith("This session has ended")


@pytest.mark.parametrize("what", CHANGES)
async def test_without_the_vault_a_change_is_not_claimed(
    what: str, alice: Person, connect: Connect, stop_vault: StopVault, settings: Settings
) -> None:
    await connect(alice)
    await stop_vault()
    response = await change(alice, what)
    assert response.status_code == 303
    assert said(response) == [("error", "The token vault did not confirm the change. Check GitHub and try again.")]
    await stop_vault()
    settings.VAULT_URL = ""
    assert await state(alice) == "connected"


async def test_without_the_audit_the_page_and_the_revoke_still_work(alice: Person, connect: Connect) -> None:
    """Narrowing is never blocked by a failing audit; widening is."""
    await connect(alice)
    async with table_away_async("audit", table="audit_event"):
        assert [card.last_used_at for card in await cards(alice)] == [None] * 3
        await change(alice, "revoke")
        assert await state(alice) == "revoked"
        assert said(await change(alice, "restore"))[-1][0] == "error"
        assert await state(alice) == "revoked"


async def test_no_answer_carries_a_token(alice: Person, connect: Connect, upstream: Upstream) -> None:
    await connect(alice)
    responses = [
        await alice.browser.get(PAGE),
        await change(alice, "revoke"),
        await change(alice, "restore"),
        await alice.browser.get(PAGE),
        await change(alice, "disconnect"),
    ]
    sent = "".join(f"{response.headers}{response.cookies}{response.content.decode()}" for response in responses)
    assert upstream.issued
    assert not any(token in sent for token in upstream.issued)
