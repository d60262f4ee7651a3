"""A token that leaked leads to its own user's events, and is nowhere afterwards."""

import logging

import pytest
from asgiref.sync import sync_to_async
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import AsyncClient

from tests.permissions.conftest import DATABASES, Connect, Person, SignIn
from tests.vault.upstream import Upstream
from vault.client import sessions
from vault.client.tokens import Actor, exchange

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

PAGE = "/audit/token/"
ACTOR = Actor(agent="agent:devcontext", run="run-1", tool="github_activity", tool_call="toolu_1")


async def handed_out(person: Person) -> str:
    return (await exchange(**person.asker, provider="github", scope="", actor=ACTOR)).access_token


async def trace(person: Person, token: str) -> HttpResponse:
    response: HttpResponse = await person.browser.post(PAGE, {"token": token})
    return response


@sync_to_async
def said(response: HttpResponse) -> str:
    (message,) = get_messages(response.asgi_request)  # type: ignore[attr-defined]  # the test client's
    return str(message)


@pytest.mark.parametrize("pasted", ["{}", "  {}\n", "Bearer {}", "Authorization: bearer {}", "authorization:token {}"])
async def test_a_token_leads_to_the_exchange_that_handed_it_out(alice: Person, connect: Connect, pasted: str) -> None:
    await connect(alice)
    token = await handed_out(alice)
    response = await trace(alice, pasted.format(token))
    assert (response.status_code, response["Cache-Control"]) == (303, "no-store")
    found = await alice.browser.get(response["Location"])
    assert [row.event for row in found.context["rows"]] == ["vault:exchange:granted"]
    assert "This is all that is on record of the token" in found.content.decode()


async def test_another_users_token_shows_nothing_of_theirs(alice: Person, sign_in: SignIn, connect: Connect) -> None:
    await connect(alice)
    token = await handed_out(alice)
    mallory = await sign_in("mallory")
    found = await mallory.browser.get((await trace(mallory, token))["Location"])
    assert found.context["rows"] == ()
    assert "DevContext never handed it out for you." in found.content.decode()


async def test_the_token_is_in_no_answer_log_or_session(
    alice: Person, connect: Connect, caplog: pytest.LogCaptureFixture, upstream: Upstream
) -> None:
    await connect(alice)
    token = await handed_out(alice)
    caplog.set_level(logging.DEBUG)
    response = await trace(alice, token)
    found = await alice.browser.get(response["Location"])
    session = await alice.browser.asession()
    kept = f"{response.headers}{response.cookies}{found.content.decode()}{dict(await session.aitems())}{caplog.text}"
    assert token in upstream.issued
    assert token not in kept


@pytest.mark.parametrize("pasted", ["", " \n ", "x" * 5_000])
async def test_what_is_no_token_is_refused(alice: Person, upstream: Upstream, pasted: str) -> None:
    response = await trace(alice, pasted)
    assert (response.status_code, response["Location"]) == (303, "/audit/")
    assert await said(response) == "That is not a token. Paste the token alone."


async def test_in_an_ended_session_nothing_is_looked_for(alice: Person, upstream: Upstream) -> None:
    await sessions.end_session(**alice.asker)
    assert (await said(await trace(alice, "a-token"))).startswith("This session has ended")


async def test_a_vault_that_is_away_is_said(alice: Person, upstream: Upstream, settings: object) -> None:
    settings.VAULT_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]  # pytest-django's
    assert await said(await trace(alice, "a-token")) == "The token vault does not answer. Try again in a moment."


async def test_it_is_a_post_of_somebody_who_is_signed_in(alice: Person, upstream: Upstream) -> None:
    assert (await alice.browser.get(f"{PAGE}?token=a-token")).status_code == 405
    assert (await AsyncClient().post(PAGE, {"token": "a-token"})).status_code == 302
    assert (await AsyncClient(enforce_csrf_checks=True).post(PAGE, {"token": "a-token"})).status_code == 403
