"""What a tool does, which a run keeps in English, is said on the chat page in its reader's language."""

import json

import pytest
from playwright.async_api import Page, Route, expect

from agent import events
from devcontext.middleware import content_security_policy
from tests.e2e.conftest import chat_page
from tests.e2e.run_socket_peer import RUN, Peer

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = {"Searching Slack mentions…": "Erwähnungen werden gesucht…", "your mentions in Slack": "Ihre Erwähnungen"}


async def test_a_call_and_its_question_are_in_the_language_of_the_page(page: Page, peer: Peer) -> None:
    async def answer(route: Route) -> None:
        body = chat_page(run_ids=[str(RUN)], words=json.dumps(WORDS))
        headers = {"Content-Security-Policy": content_security_policy()}
        await route.fulfill(body=body, content_type="text/html", headers=headers)

    await page.route("**/?old", answer)
    await page.goto("/?old")
    await peer.receive("attach")
    begun = events.StepStarted(
        id="t1", tool="slack_mentions", provider="slack", label="Searching Slack mentions…", args={}
    )
    question = events.StepAsked(
        id="t1", question=str(RUN), reads="your mentions in Slack", scopes="", ends_ms=4_000_000_000_000
    )
    peer.play(events.RunStarted(question="Brief me", model="a-model", is_simulated=True), begun, question)
    await expect(page.locator("[data-label]")).to_have_text("Erwähnungen werden gesucht")
    await expect(page.locator("[data-asking] [data-reads]")).to_have_text("Ihre Erwähnungen")
