"""New events as they come: a page is told that there are more, of its own user alone, and asks for them as a page."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from audit.events import Entry, Event
from audit.record import record
from audit.tail import Tail
from devcontext.asgi import application
from permissions.subjects import subject_of
from tests.broken import table_away, table_away_async
from tests.sockets import PATIENCE_SECONDS, open_socket

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

NEWER = "/audit/new/"


@pytest.fixture(autouse=True)
def _debug(settings: Any) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def signed_in(alice: User) -> Client:
    """Return a browser in which Alice is signed in."""
    client = Client()
    client.force_login(alice)
    return client


def note(user: User, **fields: Any) -> int:
    """Record an event of the user, and return its number."""
    return record(Entry(**{"event": Event.VAULT_EXCHANGE_GRANTED, "user": subject_of(user.pk), **fields}))


socket = partial(open_socket, "/ws/audit/")


async def told(page: WebsocketCommunicator) -> dict[str, Any]:
    word: dict[str, Any] = json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))
    return word


async def test_a_page_is_told_at_once_and_at_each_change_how_far_the_events_are(alice: User, signed_in: Client) -> None:
    async with socket(signed_in) as page:
        assert await told(page) == {"v": 1, "type": "more", "newest": 0}
        number = await sync_to_async(note)(alice)
        assert await told(page) == {"v": 1, "type": "more", "newest": number}


async def test_nobody_is_told_of_another_users_events(alice: User, signed_in: Client) -> None:
    mallory = await sync_to_async(User.objects.create_user)("mallory")
    async with socket(signed_in) as page:
        assert (await told(page))["newest"] == 0
        theirs = await sync_to_async(note)(mallory)
        number = await sync_to_async(note)(alice)
        assert (await told(page))["newest"] == number > theirs


async def test_nobody_is_told_to_sign_in() -> None:
    async with socket(None) as page:
        assert (await page.receive_output(timeout=PATIENCE_SECONDS))["code"] == 4401


async def test_a_session_that_ended_is_told_nothing_more(alice: User, signed_in: Client) -> None:
    async with socket(signed_in) as page:
        await told(page)
        await sync_to_async(signed_in.session.flush)()
        await sync_to_async(note)(alice)
        assert (await page.receive_output(timeout=PATIENCE_SECONDS))["code"] == 4401


async def test_a_page_whose_session_cannot_be_asked_for_is_closed_and_is_told_when_it_comes_back(
    alice: User, signed_in: Client
) -> None:
    async with socket(signed_in) as page:
        await told(page)
        async with table_away_async("default", table="django_session"):
            number = await sync_to_async(note)(alice)
            assert await page.receive_output(timeout=PATIENCE_SECONDS) == {"type": "websocket.close", "code": 1011}
    async with socket(signed_in) as again:
        assert (await told(again))["newest"] == number


async def test_a_page_has_nothing_to_say(signed_in: Client) -> None:
    async with socket(signed_in) as page:
        await told(page)
        await page.send_to(text_data='{"v":1}')
        assert (await page.receive_output(timeout=PATIENCE_SECONDS))["code"] == 4400


async def test_a_page_from_elsewhere_is_refused_before_it_is_accepted() -> None:
    headers = [(b"host", b"localhost"), (b"origin", b"http://evil.example")]
    is_connected, _ = await WebsocketCommunicator(application, "/ws/audit/", headers).connect(timeout=PATIENCE_SECONDS)
    assert not is_connected


async def test_an_audit_that_was_away_is_followed_again(alice: User) -> None:
    following = Tail().follow(subject_of(alice.pk))
    assert await anext(following) == 0
    async with table_away_async("audit", table="audit_event"):
        waiting = asyncio.ensure_future(anext(following))
        # Long enough for a look to fail.
        await asyncio.wait({waiting}, timeout=3)
        assert not waiting.done()
    number = await sync_to_async(note)(alice)
    assert await asyncio.wait_for(waiting, timeout=PATIENCE_SECONDS) == number
    await following.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_all_pages_of_a_user_are_told_by_one_look_and_the_last_one_ends_it(alice: User) -> None:
    tail, user = Tail(), subject_of(alice.pk)
    pages = [tail.follow(user), tail.follow(user)]
    assert [await anext(page) for page in pages] == [0, 0]
    number = await sync_to_async(note)(alice)
    assert [await asyncio.wait_for(anext(page), timeout=PATIENCE_SECONDS) for page in pages] == [number, number]
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks() if task.get_coro()]  # type: ignore[union-attr]  # as asked for
    assert names.count("Tail._look_on") == 1
    for page in pages:
        await page.aclose()  # type: ignore[attr-defined]  # it is a generator
    await asyncio.sleep(0)
    assert "Tail._look_on" not in [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]


def numbers(client: Client, query: str) -> list[int]:
    return [row.id for row in client.get(f"{NEWER}?{query}").context["rows"]]


def test_what_is_newer_comes_as_rows_under_the_same_search(alice: User, signed_in: Client) -> None:
    first = note(alice, provider="github", run="run-1")
    second, third = note(alice, provider="slack", tool="slack_mentions"), note(alice, provider="github")
    assert numbers(signed_in, f"after={first}") == [third, second]
    assert numbers(signed_in, f"after={first}&service=github") == [third]
    assert numbers(signed_in, "after=0&run=run-1") == [first]
    assert numbers(signed_in, "after=0&q=tool:slack_mentions") == [second]
    assert numbers(signed_in, f"after={third}") == []
    page = signed_in.get(f"{NEWER}?after={second}").content.decode()
    assert f'data-number="{third}"' in page
    assert "<html" not in page


def test_a_read_under_an_older_exchange_of_a_token_is_new(alice: User, signed_in: Client) -> None:
    place = {"provider": "github", "run": "run-1", "exchange": "exchange-1"}
    exchanged = note(alice, token_fingerprint="0a" * 16, **place)
    read = note(alice, event=Event.AGENT_CALL_SUCCEEDED, **place)
    assert numbers(signed_in, f"after={exchanged}&q=token:{'0a' * 16}") == [read]


def test_what_is_another_users_is_never_new(alice: User, signed_in: Client) -> None:
    mallory = User.objects.create_user("mallory")
    theirs, own = note(mallory, run="secret-run"), note(alice)
    assert numbers(signed_in, "after=0") == [own]
    assert numbers(signed_in, "after=0&run=secret-run") == []
    assert f'data-number="{theirs}"' not in signed_in.get(f"{NEWER}?after=0&user={mallory.pk}").content.decode()


def test_more_than_a_page_holds_is_said_to_be_cut(alice: User, signed_in: Client) -> None:
    own = [note(alice) for _ in range(51)]
    assert signed_in.get(f"{NEWER}?after=0").context["is_cut"]
    assert not signed_in.get(f"{NEWER}?after={own[0]}").context["is_cut"]


@pytest.mark.parametrize(
    "query", ["", "after=", "after=x", "after=-1", "after=99999999999999999999", "after=0&run=%00"]
)
def test_an_address_that_is_not_understood_is_refused(signed_in: Client, query: str) -> None:
    assert signed_in.get(f"{NEWER}?{query}").status_code == 400


def test_nobody_gets_rows_without_signing_in() -> None:
    assert Client().get(f"{NEWER}?after=0").status_code == 302


def test_an_audit_that_is_away_is_said(signed_in: Client) -> None:
    with table_away("audit", table="audit_event"):
        assert signed_in.get(f"{NEWER}?after=0").status_code == 503


@pytest.mark.parametrize(("query", "is_followed"), [("", True), ("q=service:slack", True), ("before=9", False)])
def test_the_newest_page_alone_is_followed(signed_in: Client, query: str, *, is_followed: bool) -> None:
    assert ("audit/tail.js" in signed_in.get(f"/audit/?{query}").content.decode()) is is_followed
