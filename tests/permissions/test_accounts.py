"""Several accounts, chosen scopes, connecting again, and what a disconnect says, on the pages."""

from datetime import timedelta

import httpx
import pytest
from django.http import HttpResponse
from django.utils import timezone

from permissions import scopes
from permissions.services import SERVICES
from tests.permissions.conftest import DATABASES, Connect, Person, SignIn
from tests.permissions.test_views import PAGE, cards, change, said, state
from tests.vault.upstream import Upstream
from vault import drainer, models
from vault.providers import registry

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)


async def post(person: Person, what: str, *, provider: str = "github", **form: str) -> HttpResponse:
    return await person.browser.post(f"{PAGE}{provider}/{what}", form)


@pytest.fixture
def two(alice: Person, connect: Connect, upstream: Upstream) -> Connect:
    """Return a function that connects alice's own account and then the one at work."""

    async def two() -> tuple[str, str]:
        first = await connect(alice)
        upstream.person = "alice-at-work"
        return first, await connect(alice)

    return two  # type: ignore[return-value]  (it gives two ids instead of one)


async def start(person: Person, provider: str, **form: object) -> str:
    """Send the consent form and return the authorization URL."""
    return str((await person.browser.post(f"/auth/connect/{provider}", form))["Location"])


async def again(person: Person, upstream: Upstream, connection: str) -> str:
    """Connect GitHub again up to the way back, and return that address."""
    url = await start(person, "github", reconnects=connection)
    returned = await person.browser.get("/connect/github/callback", upstream.consent(url))
    address = httpx.URL(returned["Location"])
    return f"{address.path}?{address.query.decode()}"


async def test_a_second_account_is_a_row_of_the_card(alice: Person, two: Connect) -> None:
    first, second = await two()
    card = (await cards(alice))[0]
    assert (card.connection, card.account) == (first, "alice-gh")
    assert [(other.connection, other.account, other.state) for other in card.others] == [
        (second, "alice-at-work-gh", "connected")
    ]
    page = (await alice.browser.get(PAGE)).content.decode()
    assert "Make default" in page
    assert "Add another account" in page


async def test_another_account_is_made_the_default(alice: Person, two: Connect) -> None:
    _, second = await two()
    response = await post(alice, "default", connection=second)
    assert said(response) == [("success", "The AI reads GitHub as alice-at-work-gh from now on.")]
    assert (await cards(alice))[0].connection == second


async def test_each_account_has_its_own_switch_and_its_own_end(alice: Person, two: Connect) -> None:
    first, second = await two()
    await post(alice, "revoke", connection=second)
    card = (await cards(alice))[0]
    assert (card.state, card.others[0].state) == ("connected", "revoked")
    await post(alice, "restore", connection=second)
    await post(alice, "disconnect", connection=first)
    card = (await cards(alice))[0]
    assert (card.connection, card.others) == (second, ())


@pytest.mark.parametrize("what", ["revoke", "restore", "default", "disconnect"])
async def test_a_connection_of_somebody_else_or_of_another_service_changes_nothing(
    what: str, alice: Person, sign_in: SignIn, connect: Connect
) -> None:
    own, slack = await connect(alice), await connect(alice, "slack")
    mallory = await sign_in("mallory")
    for person, connection in ((mallory, own), (alice, slack), (alice, "con_none")):
        response = await post(person, what, connection=connection)
        assert said(response)[-1] == ("warning", "GitHub is not connected, so there is nothing to change.")
    assert await state(alice) == await state(alice, "slack") == "connected"


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("github", "every token that DevContext has of this account"),
        ("google-calendar", "whole Google Cloud project"),
        ("slack", "this token only"),
    ],
)
async def test_the_first_step_of_a_disconnect_says_what_it_ends(
    alice: Person, connect: Connect, provider: str, words: str
) -> None:
    connection = await connect(alice, provider)
    response = await alice.browser.get(f"{PAGE}{provider}/disconnect?connection={connection}")
    page = response.content.decode()
    assert response.status_code == 200
    assert words in page
    assert response.context["account"].connection == connection
    assert await state(alice, provider) == "connected"


async def test_the_first_step_needs_a_connection_of_ones_own(alice: Person, sign_in: SignIn, connect: Connect) -> None:
    connection = await connect(alice)
    mallory = await sign_in("mallory")
    for person, query in ((mallory, ""), (mallory, f"?connection={connection}"), (alice, "?connection=con_none")):
        response = await person.browser.get(f"{PAGE}github/disconnect{query}")
        assert (response.status_code, response["Location"]) == (303, PAGE)


async def test_the_card_says_what_became_of_the_tokens(alice: Person, connect: Connect, upstream: Upstream) -> None:
    await connect(alice)
    upstream.answer = (503, {})
    await change(alice, "disconnect")
    (waiting,) = (await cards(alice))[0].endings
    assert "has not confirmed yet" in waiting.words
    now = timezone.now()
    await models.Revocation.objects.aupdate(due_at=now, expires_at=now + timedelta(seconds=1))
    await drainer.drain()
    (ended,) = (await cards(alice))[0].endings
    assert ended.words == "alice-gh: GitHub did not confirm; the access token ends by itself by"
    assert ended.at is not None
    upstream.answer = None
    await connect(alice)
    await change(alice, "disconnect")
    assert (await cards(alice))[0].endings[0].words == "alice-gh: revoked at GitHub"


async def test_another_account_than_the_one_to_connect_again_is_a_question(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    connection = await connect(alice)
    upstream.person = "bob"
    response = await alice.browser.get(await again(alice, upstream, connection))
    page = response.content.decode()
    assert response.status_code == 200
    assert "You signed in as bob-gh" in page
    assert "was alice-gh" in page
    assert (await cards(alice))[0].account == "alice-gh"


@pytest.mark.parametrize(
    ("choice", "accounts", "level"),
    [
        ("replace", ["bob-gh"], "success"),
        ("keep_both", ["alice-gh", "bob-gh"], "success"),
        ("cancel", ["alice-gh"], "info"),
    ],
)
async def test_the_choice_is_done(
    alice: Person, connect: Connect, upstream: Upstream, *, choice: str, accounts: list[str], level: str
) -> None:
    connection = await connect(alice)
    upstream.person = "bob"
    asked = await alice.browser.get(await again(alice, upstream, connection))
    form = {"connection": asked.context["pending"].id, "nonce": asked.context["nonce"], "choice": choice}
    response = await alice.browser.post("/auth/connect/github/choose", form)
    assert (response.status_code, said(response)[0][0]) == (303, level)
    card = (await cards(alice))[0]
    assert [card.account, *(other.account for other in card.others)] == accounts
    assert card.connection == connection
    once_more = await alice.browser.post("/auth/connect/github/choose", form)
    assert once_more.status_code == 400


@pytest.mark.parametrize("choice", ["", "both", "replace"])
async def test_a_choice_that_is_none_or_anothers_is_refused(
    alice: Person, sign_in: SignIn, connect: Connect, upstream: Upstream, *, choice: str
) -> None:
    connection = await connect(alice)
    upstream.person = "bob"
    asked = await alice.browser.get(await again(alice, upstream, connection))
    form = {"connection": asked.context["pending"].id, "nonce": asked.context["nonce"], "choice": choice}
    person = await sign_in("mallory") if choice == "replace" else alice
    assert (await person.browser.post("/auth/connect/github/choose", form)).status_code == 400
    assert (await cards(alice))[0].account == "alice-gh"


async def test_a_group_can_be_left_out_and_added_later(alice: Person, upstream: Upstream, connect: Connect) -> None:
    url = await start(alice, "slack", scope_group=["base"])
    assert "search" not in httpx.URL(url).params["user_scope"]
    url = await start(alice, "slack", scope_group=["base", "search", "all-messages", "chat:write"])
    assert set(httpx.URL(url).params["user_scope"].split(",")) == {
        "channels:history",
        "channels:read",
        "users:read",
        "search:read",
    }
    upstream.scope = "channels:history channels:read users:read"
    connection = await connect(alice, "slack")
    card = (await cards(alice))[2]
    assert [group.name for group in card.addable] == ["search", "private-channels", "direct-messages"]
    assert "Messages that mention you" not in card.can_read
    assert "Search the messages you can see" in card.missing
    page = await alice.browser.get(f"/auth/connect/slack?reconnects={connection}&add=search")
    assert [(group.name, is_ticked) for group, is_ticked in page.context["groups"]] == [
        ("search", True),
        ("private-channels", False),
        ("direct-messages", False),
    ]
    page = await alice.browser.get(f"/auth/connect/slack?reconnects={connection}")
    assert not any(is_ticked for _, is_ticked in page.context["groups"])


async def test_only_the_default_groups_are_ticked_before_the_user_ticks(alice: Person, upstream: Upstream) -> None:
    page = await alice.browser.get("/auth/connect/slack")
    assert [group.name for group, is_ticked in page.context["groups"] if is_ticked] == ["search"]


async def test_a_group_that_was_added_is_told(alice: Person, connect: Connect, upstream: Upstream) -> None:
    upstream.scope = "channels:history channels:read groups:history groups:read search:read users:read"
    await connect(alice, "slack")
    card = (await cards(alice))[2]
    assert card.can_read[-1] == "Private channels you are in"
    assert [group.name for group in card.addable] == ["direct-messages"]


async def test_less_than_was_asked_for_is_said_at_once(alice: Person, begin: Connect, upstream: Upstream) -> None:
    upstream.scope = "openid https://www.googleapis.com/auth/userinfo.email"
    response = await alice.browser.get(await begin(alice, "google-calendar"))
    assert said(response)[1] == (
        "warning",
        "Asked for and not granted by Google Calendar: See events on calendars you own.",
    )


async def test_a_connection_of_somebody_else_cannot_be_connected_again(
    alice: Person, sign_in: SignIn, connect: Connect
) -> None:
    connection = await connect(alice)
    mallory = await sign_in("mallory")
    assert (await mallory.browser.get(f"/auth/connect/github?reconnects={connection}")).status_code == 404
    started = await mallory.browser.post("/auth/connect/github", {"reconnects": connection})
    assert started.status_code == 404


def test_every_group_that_is_offered_is_the_vaults() -> None:
    for provider, service in SERVICES.items():
        if not service.optional_groups:
            continue
        table = registry.load(provider).scope_groups
        assert scopes.BASE_GROUP in table
        for group in service.optional_groups:
            assert group.scopes == set(table[group.name])
            assert (group.words in service.can_read) == group.is_default
            assert (group.name in registry.load(provider).default_scope_groups) == group.is_default
            assert all(scopes.words_of(scope, provider=provider) != scope for scope in group.scopes)
