"""What the run page does when its socket breaks: it comes back, slowly to a server in trouble, and loses nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from agent import events
from tests.e2e.run_socket_peer import RUN, Ask, Peer, started, step

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)


async def test_after_a_break_the_page_attaches_behind_the_last_event_and_repeats_nothing(
    page: Page, peer: Peer
) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    assert peer.sent("attach")[0] == {"v": 1, "type": "attach", "run": str(RUN), "after": 0}
    peer.play(started(), step(), events.BlockFinal(block=0, html="<p>One</p>", evidence=()))
    await expect(page.locator(".block")).to_have_count(1)
    await peer.sockets[-1].close()
    await peer.receive("attach", times=2)
    assert peer.sent("attach")[1]["after"] == 3
    peer.seq = 1
    peer.play(
        step(),
        events.BlockFinal(block=0, html="<p>Again</p>", evidence=()),
        events.BlockFinal(block=1, html="<p>Two</p>", evidence=()),
    )
    await expect(page.locator(".block")).to_have_text(["One", "Two"])
    await expect(page.locator(".call")).to_have_count(1)
    await expect(page.locator(".toast")).to_have_text("Caught up 1 event.")
    # What happened within the same second is said together with it.
    await expect(page.get_by_role("status")).to_contain_text("Caught up 1 event.")


async def test_a_break_in_which_nothing_happened_is_not_worth_a_word(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), step())
    await expect(page.locator(".call")).to_have_count(1)
    await peer.sockets[-1].close()
    await peer.receive("attach", times=2)
    await page.wait_for_timeout(1000)
    peer.play(events.BlockFinal(block=0, html="<p>One</p>", evidence=()))
    await expect(page.locator(".block")).to_have_count(1)
    await expect(page.locator(".toast")).to_have_count(0)


async def test_a_server_that_takes_the_page_and_drops_it_is_tried_ever_less_often(page: Page, peer: Peer) -> None:
    await page.clock.install(time=MORNING)
    await page.goto("/?old")
    await peer.receive("attach")
    await page.clock.pause_at(MORNING + timedelta(hours=1))
    for attempts, shortest in enumerate((200, 400, 800, 1600), start=1):
        await peer.sockets[-1].close(code=1011)
        await page.clock.run_for(shortest - 1)
        assert len(peer.sockets) == attempts
        await page.clock.run_for(shortest + 1)
        await peer.receive("attach", times=attempts + 1)
    await expect(page.locator("[data-link]")).to_be_visible()
    await expect(page.get_by_role("status")).to_have_text("Connection lost. Coming back; nothing is lost.")
    await page.clock.run_for(1000)
    await expect(page.locator("[data-link]")).to_be_hidden()
    await page.clock.run_for(1000)
    await expect(page.get_by_role("status")).to_have_text("Connected again.")
    await peer.sockets[-1].close(code=1011)
    await page.clock.run_for(400)
    await peer.receive("attach", times=6)


async def test_a_page_that_sent_too_much_comes_back_and_says_again_what_was_not_heard(
    page: Page, peer: Peer, ask: Ask
) -> None:
    refusal = {"type": "error", "code": "too_fast", "message": "This page sends more than the server takes."}
    peer.on_frame = lambda frame: peer.say(refusal) if frame["type"] == "send" else None
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), step())
    await ask("Brief me")
    await peer.receive("send")
    peer.on_frame = peer.accept
    await expect(page.get_by_label("Your question")).to_have_value("")
    first, second = peer.sent("send")
    assert first == second
    assert [frame["after"] for frame in peer.sent("attach")] == [0, 2]
    await expect(page.get_by_role("alert")).to_have_text("")


async def test_the_end_of_a_run_counts_though_its_number_is_smaller_than_what_was_seen(page: Page, peer: Peer) -> None:
    """A database that was restored has lost what the page has seen, and the run ended there."""
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), step(), events.StepPermission(id="t1", state="allowed"))
    await expect(page.get_by_role("button", name="Stop the briefing")).to_be_visible()
    peer.seq = 1
    peer.play(events.RunFailed(elapsed_ms=900, code="interrupted", message="The server stopped."))
    await expect(page.locator("[data-ending]")).to_contain_text("The server stopped.")
    await expect(page.get_by_role("button", name="Stop the briefing")).to_be_hidden()


async def test_a_question_that_met_a_break_is_sent_again_with_the_same_key(page: Page, peer: Peer, ask: Ask) -> None:
    await page.goto("/")
    await ask("Brief me")
    await peer.receive("send")
    peer.on_frame = peer.accept
    await peer.sockets[-1].close()
    await expect(page.get_by_role("heading", name="Brief me", level=2)).to_be_visible()
    first, second = peer.sent("send")
    assert first == second


async def test_an_ended_session_is_said_and_not_retried(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    await peer.sockets[-1].close(code=4401)
    await expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
    await page.wait_for_timeout(1000)
    assert len(peer.sockets) == 1
