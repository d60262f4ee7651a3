"""The way from "you can drop it" to a connection that reads less: our page, the provider, the card."""

import httpx
import pytest
from pytest_django.fixtures import Settings

from tests.permissions.conftest import DATABASES, Connect, Person, SignIn
from tests.permissions.test_views import cards, said
from tests.vault.test_reconnect import asked
from tests.vault.upstream import Upstream
from vault.client import connections as vault

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

CONNECT = "/auth/connect/slack"


async def come_back(person: Person, upstream: Upstream, address: str) -> httpx.URL:
    """Consent at Slack and return where the vault's callback sends the browser."""
    returned = await person.browser.get("/connect/slack/callback", upstream.consent(address))
    return httpx.URL(returned["Location"])


async def test_the_page_offers_what_was_granted_and_ticks_what_the_card_named(alice: Person, connect: Connect) -> None:
    connection = await connect(alice, "slack")
    response = await alice.browser.get(f"{CONNECT}?reconnects={connection}&leave_out=search")
    assert [(group.name, is_ticked) for group, is_ticked in response.context["droppable"]] == [("search", True)]
    page = response.content.decode()
    assert '<input type="checkbox" name="leave_out" value="search" checked>' in page
    assert "Slack only ever adds" in page
    plain = await alice.browser.get(f"{CONNECT}?reconnects={connection}")
    assert [is_ticked for _group, is_ticked in plain.context["droppable"]] == [False]
    assert "leave_out" not in (await alice.browser.get(CONNECT)).content.decode()


async def test_less_is_asked_granted_and_shown(alice: Person, connect: Connect, upstream: Upstream) -> None:
    connection = await connect(alice, "slack")
    begun = await alice.browser.post(CONNECT, {"reconnects": connection, "scope_group": "base", "leave_out": "search"})
    assert begun.status_code == 303
    assert "search:read" not in asked(begun["Location"])
    waiting = (await cards(alice))[2]
    assert waiting.reconnect_reason.startswith("The tokens of Slack were ended, to let it read less")
    address = await come_back(alice, upstream, begun["Location"])
    response = await alice.browser.get(f"{address.path}?{address.query.decode()}")
    assert said(response) == [("success", "Slack is connected as alice · Acme.")]
    card = (await cards(alice))[2]
    assert (card.connection, card.reconnect_reason) == (connection, "")
    assert "search:read" not in card.scopes
    assert [group.name for group in card.addable] == ["search", "private-channels", "direct-messages"]


async def test_what_slack_grants_all_the_same_is_told(alice: Person, connect: Connect, upstream: Upstream) -> None:
    connection = await connect(alice, "slack")
    upstream.revocations_refused = 1
    begun = await alice.browser.post(CONNECT, {"reconnects": connection, "leave_out": "search"})
    address = await come_back(alice, upstream, begun["Location"])
    response = await alice.browser.get(f"{address.path}?{address.query.decode()}")
    assert ("warning", "Not asked for, and granted by Slack all the same: Search the messages you can see.") in said(
        response
    )


@pytest.mark.parametrize("leave_out", ["base", "search:read", "availability", "chat:write", ""])
async def test_what_cannot_be_left_out_changes_nothing(
    alice: Person, connect: Connect, upstream: Upstream, leave_out: str
) -> None:
    connection = await connect(alice, "slack")
    answer = await alice.browser.post(CONNECT, {"reconnects": connection, "leave_out": leave_out})
    assert answer.status_code == 404
    assert upstream.grants[0].is_alive


async def test_nothing_is_left_out_of_a_new_connection(alice: Person, upstream: Upstream) -> None:
    assert (await alice.browser.post(CONNECT, {"leave_out": "search"})).status_code == 404


async def test_nothing_is_left_out_of_somebody_elses(
    alice: Person, sign_in: SignIn, connect: Connect, upstream: Upstream
) -> None:
    bob = await sign_in("bob")
    bobs = await connect(bob, "slack")
    answer = await alice.browser.post(CONNECT, {"reconnects": bobs, "leave_out": "search"})
    assert answer.status_code == 404
    assert [one.reconnect_reason for one in await vault.list_connections(**bob.asker)] == [""]
    assert upstream.grants[0].is_alive


async def test_who_did_not_prove_who_they_are_is_asked_first_and_keeps_the_choice(
    alice: Person, connect: Connect, upstream: Upstream, settings: Settings
) -> None:
    connection = await connect(alice, "slack")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    answer = await alice.browser.post(CONNECT, {"reconnects": connection, "leave_out": ["search", "direct-messages"]})
    kept = httpx.URL(httpx.URL(answer["Location"]).params["next"]).params
    assert (kept["reconnects"], kept.get_list("leave_out")) == (connection, ["search", "direct-messages"])
    assert upstream.grants[0].is_alive


async def test_where_permissions_are_the_apps_the_page_says_who_can_make_them_less(
    alice: Person, connect: Connect
) -> None:
    connection = await connect(alice, "github")
    response = await alice.browser.get(f"/auth/connect/github?reconnects={connection}")
    assert response.context["droppable"] == []
    assert "belongs to the app and cannot be made less here" in response.content.decode()
