"""Connecting: our consent page, the way to the provider, and every way back."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from django.test import AsyncClient
from pytest_django.fixtures import Settings

from tests.permissions.conftest import DATABASES, Connect, Person, SignIn
from tests.permissions.test_views import said, state
from tests.vault.upstream import Upstream
from vault.client import sessions

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

CONNECT = "/auth/connect/github"
RETURN = f"{CONNECT}/return"
PAGE = "/settings/permissions/"
StopVault = Callable[[], Awaitable[None]]


@pytest.mark.parametrize("address", [CONNECT, RETURN])
async def test_nobody_connects_without_signing_in(address: str, alice: Person) -> None:
    response = await AsyncClient().get(address)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={address}"


async def test_nobody_starts_without_signing_in(alice: Person) -> None:
    response = await AsyncClient().post(CONNECT)
    assert response["Location"] == f"/accounts/login/?next={CONNECT}"


async def test_the_consent_page_says_what_is_read_and_what_never(alice: Person, upstream: Upstream) -> None:
    response = await alice.browser.get(CONNECT)
    assert response.status_code == 200
    assert response.context["service"].slug == "github"
    assert response.context["is_sandbox"] is True
    page = response.content.decode()
    assert "Your commit activity" in page
    assert "Push, merge, comment or change anything" in page


async def test_a_real_provider_is_not_called_a_sandbox(alice: Person, settings: Settings, upstream: Upstream) -> None:
    settings.PROVIDERS = {"github": replace(settings.PROVIDERS["github"], is_sandbox=False)}
    assert (await alice.browser.get(CONNECT)).context["is_sandbox"] is False


async def test_an_oauth_app_is_called_what_it_is(alice: Person, settings: Settings, upstream: Upstream) -> None:
    """GitHub has no scope that only reads, so what the user is about to grant can write."""
    assert "read-and-write" not in (await alice.browser.get(CONNECT)).content.decode()
    settings.PROVIDERS = {"github": replace(settings.PROVIDERS["github"], app_kind="oauth")}
    assert "read-and-write access to all your repositories" in (await alice.browser.get(CONNECT)).content.decode()
    response = await alice.browser.post(CONNECT)
    assert httpx.URL(response["Location"]).params["scope"] == "repo read:org"


async def test_a_post_goes_to_the_provider(alice: Person, settings: Settings, upstream: Upstream) -> None:
    response = await alice.browser.post(CONNECT)
    assert response.status_code == 303
    assert response["Location"].startswith(f"{settings.PROVIDERS['github'].authorization_url}?")
    assert httpx.URL(response["Location"]).params["state"]


async def test_a_get_starts_nothing(alice: Person, upstream: Upstream) -> None:
    assert "Location" not in (await alice.browser.get(CONNECT)).headers


async def test_starting_needs_the_form_of_our_own_page(alice: Person, upstream: Upstream) -> None:
    """Cross-site request forgery: another site must not begin a flow."""
    forged = AsyncClient(enforce_csrf_checks=True)
    forged.cookies = alice.browser.cookies
    assert (await forged.post(CONNECT)).status_code == 403


async def test_a_returning_browser_ends_on_the_page_with_the_account(alice: Person, begin: Connect) -> None:
    response = await alice.browser.get(await begin(alice))
    assert (response.status_code, response["Location"]) == (303, PAGE)
    assert said(response) == [("success", "GitHub is connected as alice-gh.")]
    assert await state(alice) == "connected"


async def test_a_connection_counts_at_once_though_the_old_state_was_cached(alice: Person, begin: Connect) -> None:
    assert await state(alice) == "not_connected"
    await alice.browser.get(await begin(alice))
    response = await alice.browser.get(PAGE)
    assert response.context["cards"][0].state == "connected"


async def test_until_the_browser_returns_nothing_is_connected(alice: Person, begin: Connect) -> None:
    await begin(alice)
    assert await state(alice) == "not_connected"


async def test_a_user_who_says_no_gets_a_message_and_no_error(alice: Person, begin: Connect) -> None:
    address = await begin(alice, query={"error": "access_denied"})
    response = await alice.browser.get(address)
    assert (response.status_code, response["Location"]) == (303, PAGE)
    assert said(response) == [("info", "You did not allow the connection, so GitHub was not connected.")]
    assert await state(alice) == "not_connected"


async def test_a_provider_that_fails_is_named_as_the_cause(alice: Person, begin: Connect, upstream: Upstream) -> None:
    upstream.answer = (500, {})
    response = await alice.browser.get(await begin(alice))
    assert response.status_code == 502
    assert "did not complete" in response.context["message"]
    assert f'href="{CONNECT}"' in response.content.decode()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("error=invalid_state", 400),
        ("error=provider", 502),
        ("error=unavailable", 503),
        ("error=<script>alert(1)</script>", 400),
        ("error=access_denied%00", 400),
        ("", 400),
        ("connection=con_1", 400),
        ("nonce=n", 400),
        ("connection=con_1&nonce=n", 400),
        ("connection=%00&nonce=%00", 400),
        ("connection=" + "x" * 5000 + "&nonce=n", 400),
    ],
)
async def test_every_bad_end_has_its_page_with_one_way_on(query: str, status: int, alice: Person) -> None:
    response = await alice.browser.get(f"{RETURN}?{query}")
    assert response.status_code == status
    assert response.context["service"].slug == "github"
    page = response.content.decode()
    assert response.context["message"] in page
    assert "Start again" in page
    assert "<script>alert" not in page
    assert await state(alice) == "not_connected"


async def test_a_return_address_works_once(alice: Person, begin: Connect) -> None:
    address = await begin(alice)
    await alice.browser.get(address)
    response = await alice.browser.get(address)
    assert response.status_code == 400
    assert "no longer valid" in response.context["message"]
    assert await state(alice) == "connected"


async def test_a_wrong_nonce_connects_nothing(alice: Person, begin: Connect) -> None:
    address = await begin(alice)
    assert (await alice.browser.get(f"{address}x")).status_code == 400
    assert await state(alice) == "not_connected"


async def test_a_return_address_of_another_user_connects_nobody(alice: Person, sign_in: SignIn, begin: Connect) -> None:
    """Login CSRF (RFC 9700 section 4.7): mallory sends alice the end of mallory's own flow."""
    mallory = await sign_in("mallory")
    address = await begin(mallory)
    assert (await alice.browser.get(address)).status_code == 400
    assert await state(alice) == "not_connected"
    assert await state(mallory) == "not_connected"


async def test_a_return_address_works_in_the_session_that_began(alice: Person, sign_in: SignIn, begin: Connect) -> None:
    elsewhere = await sign_in("alice")
    assert elsewhere.sid != alice.sid
    assert (await elsewhere.browser.get(await begin(alice))).status_code == 400
    assert await state(alice) == "not_connected"


async def test_the_message_names_what_was_connected_and_not_what_the_address_says(
    alice: Person, begin: Connect
) -> None:
    address = await begin(alice)
    response = await alice.browser.get(address.replace("/github/", "/slack/"))
    assert said(response) == [("success", "GitHub is connected as alice-gh.")]


@pytest.mark.parametrize("address", ["/auth/connect/myspace", "/auth/connect/myspace/return"])
async def test_an_unknown_service_is_not_found(address: str, alice: Person) -> None:
    assert (await alice.browser.get(address)).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_service_that_is_not_set_up_is_not_found(method: str, alice: Person, settings: Settings) -> None:
    settings.PROVIDERS = {}
    assert (await getattr(alice.browser, method)(CONNECT)).status_code == 404


@pytest.mark.parametrize(("address", "method"), [(CONNECT, "put"), (CONNECT, "delete"), (RETURN, "post")])
async def test_other_methods_are_refused(address: str, method: str, alice: Person) -> None:
    assert (await getattr(alice.browser, method)(address)).status_code == 405


async def test_without_the_vault_connecting_fails_with_a_sentence(alice: Person, stop_vault: StopVault) -> None:
    await stop_vault()
    for response in (
        await alice.browser.post(CONNECT),
        await alice.browser.get(f"{RETURN}?connection=con_1&nonce=n"),
    ):
        assert response.status_code == 503
        assert response.context["message"].startswith("The token vault does not answer")


async def test_in_an_ended_session_nothing_is_connected(alice: Person, begin: Connect) -> None:
    """Signed in here and ended at the vault, as after the account was switched off and on again."""
    address = await begin(alice)
    await sessions.end_session(**alice.asker)
    for response in (await alice.browser.post(CONNECT), await alice.browser.get(address)):
        assert response.status_code == 403
        assert response.context["message"].startswith("This session has ended")


async def test_no_answer_carries_a_token(alice: Person, begin: Connect, upstream: Upstream) -> None:
    address = await begin(alice)
    responses = [await alice.browser.get(address), await alice.browser.get(address), await alice.browser.get(CONNECT)]
    sent = address + "".join(
        f"{response.headers}{response.cookies}{response.content.decode()}" for response in responses
    )
    assert upstream.issued
    assert not any(token in sent for token in upstream.issued)


@pytest.mark.parametrize(("came_from", "page"), [("welcome", "/welcome/"), ("https://evil.example", PAGE), ("", PAGE)])
async def test_it_leads_back_to_where_the_user_chose_to_connect(
    alice: Person, begin: Connect, came_from: str, page: str
) -> None:
    """Open redirect: the address may name one of our own pages and nothing else."""
    await alice.browser.get(CONNECT, {"from": came_from})
    assert (await alice.browser.get(await begin(alice)))["Location"] == page


async def test_the_place_to_go_back_to_counts_once(alice: Person, begin: Connect) -> None:
    await alice.browser.get(CONNECT, {"from": "welcome"})
    assert (await alice.browser.get(f"{RETURN}?error=access_denied"))["Location"] == "/welcome/"
    assert (await alice.browser.get(await begin(alice)))["Location"] == PAGE
