"""A socket takes frames as fast as a page sends them, and no faster; who floods it costs nobody else their run."""

import json
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from agent.consumers import RunConsumer
from agent.pace import Bucket
from agent.runner import current_runner
from devcontext.page_language import SocketLanguage
from tests.agent.conftest import request_of, start
from tests.agent.whole_runs import STANDUP, follow
from tests.sockets import PATIENCE_SECONDS, open_socket

# What a page may send at once, and how many refusals it hears before it is closed.
AT_ONCE, REFUSED = 150, 50


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def bucket(clock: Clock) -> Bucket:
    return Bucket(size=3, per_second=2, clock=clock)


def test_a_bucket_gives_what_it_holds_and_counts_what_is_taken_beyond() -> None:
    full = bucket(Clock())
    assert [full.take() for _ in range(5)] == [2, 1, 0, -1, -2]


def test_a_bucket_fills_as_time_goes_by_and_never_beyond_its_size() -> None:
    clock = Clock()
    filling = bucket(clock)
    for _ in range(4):
        filling.take()
    clock.now += 0.5
    assert filling.take() == -1
    clock.now += 1
    assert filling.take() == 0
    clock.now += 3600
    assert filling.take() == 2


@sync_to_async
def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def run_socket(clock: Clock) -> Any:
    """Return the run socket as it is served, but for its clock."""
    return AuthMiddlewareStack(SocketLanguage(RunConsumer.as_asgi(clock=clock)))


async def codes(page: WebsocketCommunicator) -> Counter[str]:
    """Return what a page is told until its socket closes: types of events, codes of errors, the code of the close."""
    heard: Counter[str] = Counter()
    while (said := await page.receive_output(timeout=PATIENCE_SECONDS))["type"] == "websocket.send":
        message = json.loads(said["text"])
        heard[message["code"] if message["type"] == "error" else message["type"]] += 1
    heard[f"close {said['code']}"] += 1
    return heard


@pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])
class TestSockets:
    async def test_a_flood_of_any_frames_is_closed_and_costs_nobody_else_their_run(
        self, maya: User, mallory: User
    ) -> None:
        run = str((await sync_to_async(start)(request_of(mallory))).run)
        answer = {"v": 1, "type": "answer", "run": run, "question": str(uuid4()), "answer": "once"}
        floods = {
            "send": {"v": 1, "type": "send", "key": "k" * 12, "text": "Brief me"},
            "attach": {"v": 1, "type": "attach", "run": run},
            "stop": {"v": 1, "type": "stop", "run": str(uuid4())},
            "answer": answer,
            "unknown": answer | {"type": "delete"},
            "too large": {"v": 1, "type": "send", "key": "k" * 12, "text": "x" * 20_000},
        }
        client, runner, heard = await sign_in(mallory), current_runner(), {}
        async with AsyncExitStack() as stack:
            pages = {
                kind: await stack.enter_async_context(open_socket("/ws/runs/", client, app=run_socket(Clock())))
                for kind in floods
            }
            ticket = await runner.start(request_of(maya, text=STANDUP))
            for kind, page in pages.items():
                for _ in range(500):
                    await page.send_to(text_data=json.dumps(floods[kind]))
            frames = await follow(runner, ticket.run, maya)
            for kind, page in pages.items():
                heard[kind] = await codes(page)
        assert frames[-1]["type"] == "run.finished"
        assert {kind: said["too_fast"] for kind, said in heard.items()} == dict.fromkeys(floods, REFUSED)
        assert {kind: said["close 4429"] for kind, said in heard.items()} == dict.fromkeys(floods, 1)
        taken = {"send": "accepted", "stop": "not_found", "answer": "not_found", "unknown": "malformed"}
        taken["too large"] = "too_large"
        assert {kind: heard[kind][what] for kind, what in taken.items()} == dict.fromkeys(taken, AT_ONCE)

    async def test_bytes_are_counted_too(self, alice: User) -> None:
        async with open_socket("/ws/runs/", await sign_in(alice), app=run_socket(Clock())) as page:
            for _ in range(500):
                await page.send_to(bytes_data=b"\x00")
            assert await codes(page) == {"malformed": AT_ONCE, "too_fast": REFUSED, "close 4429": 1}

    async def test_a_page_that_pauses_is_heard_again(self, alice: User) -> None:
        clock = Clock()
        async with open_socket("/ws/runs/", await sign_in(alice), app=run_socket(clock)) as page:
            for _ in range(AT_ONCE + REFUSED):
                await page.send_to(text_data="{")
            said = [json.loads(await page.receive_from(timeout=PATIENCE_SECONDS)) for _ in range(AT_ONCE + REFUSED)]
            assert said[-1] == {
                "v": 1,
                "type": "error",
                "code": "too_fast",
                "message": "This page sends more than the server takes. It comes back in a moment.",
            }
            clock.now += 60
            await page.send_to(text_data="{")
            assert json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))["code"] == "malformed"
