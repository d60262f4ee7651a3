"""A page whose session ends closes by itself, although nothing passes its socket; nobody else's does."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from agent import page_socket
from devcontext.asgi import application
from devcontext.lifespan import shut_down
from devcontext.sessions import Ended, end
from permissions import changes
from permissions.changes import Change, Ends
from permissions.subjects import auth_time_of, sid_of, subject_of
from tests.sockets import PATIENCE_SECONDS, open_socket

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

SIGN_IN = {"type": "websocket.close", "code": 4401}


@pytest.fixture(autouse=True)
def _debug(settings: Any) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost"]


@sync_to_async
def sign_in(user: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def session_of(client: Client, user: User) -> Ended:
    return Ended(user=subject_of(user.pk), sid=sid_of(client.session), signed_in_at=auth_time_of(client.session))


async def closed(page: WebsocketCommunicator) -> dict[str, Any]:
    """Return how the page ends; what it is told before is passed over."""
    while (said := await page.receive_output(timeout=PATIENCE_SECONDS))["type"] == "websocket.send":
        pass
    return said


@pytest.mark.parametrize("path", ["/ws/runs/", "/ws/audit/"])
async def test_a_sign_out_closes_the_pages_of_its_session(alice: User, path: str) -> None:
    client = await sign_in(alice)
    async with open_socket(path, client) as page:
        signed_out = await sync_to_async(client.post)("/accounts/logout/")
        assert signed_out.status_code == 302
        assert await closed(page) == SIGN_IN
    await shut_down()


@pytest.mark.parametrize("everywhere", [False, True])
async def test_only_the_pages_of_what_ended_are_closed(alice: User, mallory: User, everywhere: bool) -> None:
    here, elsewhere, other = await sign_in(alice), await sign_in(alice), await sign_in(mallory)
    ended = await sync_to_async(session_of)(here, alice)
    if everywhere:
        ended = Ended(user=ended.user, sid="", signed_in_at=timezone.now().timestamp())
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(open_socket("/ws/runs/", one)) for one in (here, elsewhere, other)]
        await end(ended)
        assert await closed(pages[0]) == SIGN_IN
        assert [await page.receive_nothing() for page in pages[1:]] == [not everywhere, True]
    await shut_down()


async def test_a_session_that_expires_closes_its_pages_at_the_next_look(alice: User, mallory: User) -> None:
    mine, other = await sign_in(alice), await sign_in(mallory)
    key = await sync_to_async(lambda: mine.session.session_key)()
    async with open_socket("/ws/runs/", mine) as page, open_socket("/ws/runs/", other) as stays:
        await page_socket.end_expired()
        await Session.objects.filter(session_key=key).aupdate(expire_date=timezone.now() - timedelta(seconds=1))
        await page_socket.end_expired()
        assert await closed(page) == SIGN_IN
        await page_socket.end_expired()
        assert await stays.receive_nothing()


async def test_a_page_that_is_gone_is_not_held(alice: User) -> None:
    client = await sign_in(alice)
    async with open_socket("/ws/runs/", client):
        assert len(page_socket._open[asyncio.get_running_loop()]) == 1
    assert not page_socket._open[asyncio.get_running_loop()]


async def test_a_browser_that_is_gone_is_no_failure(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    """What servers raise then is an OSError (ASGI, WebSocket 2.4)."""

    async def without_a_line(scope: Any, receive: Any, send: Any) -> None:
        async def send_some(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                raise OSError
            await send(message)

        await application(scope, receive, send_some)

    async with open_socket("/ws/runs/", await sign_in(alice), app=without_a_line) as page:
        await page.send_to(text_data="{")
        assert await page.receive_nothing()
    assert "agent.socket_failed" not in caplog.text


@pytest.mark.parametrize("ends", ["revoked", ""])
async def test_the_pages_of_a_user_hear_that_a_service_changed_and_nobody_elses_do(alice: User, ends: Ends) -> None:
    """Also of a restore, which ends no read: what a page shows of the service is no longer so."""
    client, bob = await sign_in(alice), await User.objects.acreate(username="bob")
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(open_socket("/ws/runs/", client)) for _ in range(2)]
        other = await stack.enter_async_context(open_socket("/ws/runs/", await sign_in(bob)))
        changes.announce(Change(subject_of(alice.pk), "slack", ends))
        for page in pages:
            said = json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))
            assert said == {"v": 1, "type": "services.changed"}
        await other.send_to(text_data="{")
        assert json.loads(await other.receive_from(timeout=PATIENCE_SECONDS))["type"] == "error"
    await shut_down()


async def test_a_page_whose_session_ended_hears_of_no_change(alice: User) -> None:
    client = await sign_in(alice)
    async with open_socket("/ws/runs/", client) as page:
        await sync_to_async(client.session.flush)()
        changes.announce(Change(subject_of(alice.pk), "slack", "revoked"))
        assert await page.receive_output(timeout=PATIENCE_SECONDS) == SIGN_IN
    await shut_down()
