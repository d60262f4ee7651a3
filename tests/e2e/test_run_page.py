"""What the run page does with a run: shows it, survives refusals, and leaves the reader's place alone."""

import re
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect

from agent import events
from tests.e2e.run_socket_peer import CHAT, RUN, Ask, Peer, started, step

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINK = (
    '<p><a class="evidence" data-provider="github" target="_blank" rel="noopener noreferrer"'
    ' href="https://github.com/o/r/pull/412">#412 Retry uploads</a> waits for you.</p>'
)
WINDOW = "Since Fri 20 Nov 00:00, the start of that day; Sat 21 Nov to Sun 22 Nov skipped. Time zone: UTC."
UNTIL_SKIPPED = """(turn) => new Promise((done) => {
  const isShown = () => turn.firstElementChild.checkVisibility({ contentVisibilityAuto: true });
  const look = () => (isShown() ? requestAnimationFrame(look) : done());
  look();
})"""
TURNING = "(turn) => document.getAnimations().filter((one) => turn.contains(one.effect.target)).length"
COVERAGE = (
    events.Coverage(provider="github", state="read", items=14, exchanges=2),
    events.Coverage(provider="google-calendar", state="nothing_asked", items=0, exchanges=0),
    events.Coverage(provider="slack", state="revoked", items=0, exchanges=0),
)


async def test_a_whole_run_is_shown_from_question_to_receipt(page: Page, peer: Peer, ask: Ask) -> None:
    peer.on_frame = peer.accept
    await page.goto("/")
    await ask("Brief me")
    await expect(page).to_have_url(re.compile(f"/chat/{CHAT}/$"))
    peer.play(
        started(),
        events.RunWindow(start="2026-11-20T00:00+01:00", end="2026-11-23T09:05+01:00", time_zone="UTC", text=WINDOW),
        step(),
        events.StepPermission(id="t1", state="allowed"),
        events.StepExchanged(id="t1", ms=12, scopes="repo read:user", exchange="ex-1"),
        events.StepProgress(id="t1", done=12, total=30),
    )
    call = page.locator(".lane[data-provider=github] .call")
    await expect(call).to_contain_text("Fetching reading 12 of 30", use_inner_text=True)
    peer.play(
        events.StepFinished(id="t1", ms=812, items=14, bytes=48_211),
        events.BlockTail(block=0, html="<p>#412</p>"),
        events.BlockFinal(block=0, html=LINK, evidence=()),
        events.UsageReported(input_tokens=1000, output_tokens=234),
        events.RunFinished(elapsed_ms=6240, coverage=COVERAGE, grounding=events.GroundingCounts()),
    )
    await expect(call).to_have_attribute("data-state", "done")
    await call.locator("summary").click()
    await expect(call.locator("details dl")).to_contain_text("granted in 12 ms, ex-1")
    await expect(call.locator("details dl")).to_contain_text("14 items, 48.2 kB in 812 ms")
    await expect(page.locator("[data-receipt]")).to_have_text("Read 14 items with 2 exchanges in 6.2 s · 1,234 tokens.")
    await expect(page.locator("[data-coverage]")).to_contain_text("Slack revoked, not read")
    await expect(page.locator("[data-about] + [data-answer]")).to_be_visible()
    await expect(page.locator("[data-about] [data-window]")).to_have_text(WINDOW)
    await expect(page.get_by_text("Simulated model")).to_be_visible()
    link = page.get_by_role("link", name="#412 Retry uploads (GitHub, opens in a new tab)")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    audit = page.get_by_role("link", name="See it in the audit")
    await expect(audit).to_have_attribute("href", f"/audit/?run={RUN}")


async def test_the_question_carries_its_key_its_zone_and_its_conversation(page: Page, peer: Peer, ask: Ask) -> None:
    peer.on_frame = peer.accept
    await page.goto("/")
    await ask("Brief me")
    await expect(page.get_by_role("heading", name="Brief me", level=2)).to_be_visible()
    peer.play(started(), events.RunStopped(elapsed_ms=10))
    await ask("And yesterday?")
    await expect(page.get_by_label("Your question")).to_have_value("")
    first, second = peer.sent("send")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first["key"])
    assert first["key"] != second["key"]
    assert (first["v"], first["text"], first["conversation"]) == (1, "Brief me", None)
    assert second["conversation"] == CHAT
    assert first["time_zone"]


@pytest.mark.parametrize(
    ("code", "word", "address"),
    [
        ("revoked", "Allow again", "/settings/permissions/#slack"),
        ("not_connected", "Connect", "/auth/connect/slack"),
        ("reconnect_required", "Reconnect", "/auth/connect/slack"),
        ("missing_scope", "Reconnect", "/auth/connect/slack"),
        ("policy_denied", "Permissions", "/settings/permissions/#slack"),
        ("away", "Permissions", "/settings/permissions/#slack"),
    ],
)
async def test_a_blocked_call_says_why_and_offers_the_way_out(
    page: Page, peer: Peer, code: str, word: str, address: str
) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), step("slack"), events.StepFailed(id="t1", ms=3, code=code, message="Slack was not read."))
    lane = page.locator(".lane[data-provider=slack]")
    await expect(lane).to_contain_text("Slack was not read.")
    await expect(lane.get_by_role("link", name=word, exact=True)).to_have_attribute("href", address)


async def test_a_failure_without_a_way_out_offers_none(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    failed = events.StepFailed(id="t1", ms=3, code="upstream_unavailable", message="GitHub did not answer.")
    peer.play(started(), step(), failed)
    lane = page.locator(".lane[data-provider=github]")
    await expect(lane).to_contain_text("GitHub did not answer.")
    await expect(lane.locator("[data-remedy]")).to_be_hidden()


async def test_an_event_that_comes_twice_counts_once(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    end = events.RunFinished(elapsed_ms=10, coverage=COVERAGE, grounding=events.GroundingCounts())
    peer.play(started(), end)
    peer.seq -= 1
    peer.play(end, events.BlockFinal(block=0, html="<p>Late</p>", evidence=()))
    await expect(page.locator(".block")).to_have_text("Late")
    await expect(page.locator("[data-coverage] li")).to_have_count(3)


async def test_a_refused_question_stays_in_the_box_with_the_reason(page: Page, peer: Peer, ask: Ask) -> None:
    sentence = "This conversation is still answering."
    peer.on_frame = lambda frame: peer.say({"type": "error", "code": "busy", "message": sentence, "key": frame["key"]})
    await page.goto("/")
    await ask("Brief me")
    await expect(page.get_by_role("alert")).to_have_text(sentence)
    await expect(page.get_by_label("Your question")).to_have_value("Brief me")
    await expect(page.get_by_label("Your question")).to_be_editable()


async def test_a_refused_recipe_is_put_in_the_box(page: Page, peer: Peer) -> None:
    peer.on_frame = lambda _frame: peer.say({"type": "error", "code": "bad_frame", "message": "Not understood."})
    await page.goto("/")
    await page.get_by_role("button", name="Brief me for standup").click()
    await expect(page.get_by_role("alert")).to_have_text("Not understood.")
    await expect(page.get_by_label("Your question")).to_have_value("Brief me for standup.")


async def test_a_draft_outlives_a_reload(page: Page) -> None:
    await page.goto("/")
    await page.get_by_label("Your question").fill("half a thou")
    await page.reload()
    await expect(page.get_by_label("Your question")).to_have_value("half a thou")
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()


async def test_shift_and_enter_begin_a_new_line(page: Page, peer: Peer) -> None:
    await page.goto("/")
    await page.get_by_label("Your question").fill("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await expect(page.get_by_label("Your question")).to_have_value("one\ntwo")
    assert peer.sent("send") == []


async def test_what_ends_out_of_sight_does_not_go_on_turning(page: Page, peer: Peer) -> None:
    """A turn far from the window is not styled anew when it ends, so a spinner in it would be drawn for ever."""
    await page.emulate_media(reduced_motion="no-preference")
    await page.goto("/?long")
    await peer.receive("attach", times=20)
    other = UUID(peer.sent("attach")[1]["run"])  # the newest run asks first
    turn = page.locator(f'[data-run="{other}"]')
    peer.replay(other, started())
    await turn.scroll_into_view_if_needed()
    await expect(turn.get_by_text("Deciding what to read")).to_be_visible()
    assert await turn.evaluate(TURNING) == 1
    peer.play(started(), *(events.BlockFinal(block=n, html="<p>x</p>" * 300, evidence=()) for n in range(3)))
    peer.play(events.RunFinished(elapsed_ms=1, coverage=(), grounding=events.GroundingCounts()))
    last = page.locator(f'[data-run="{RUN}"]')
    await last.locator("[data-receipt]").scroll_into_view_if_needed()
    await turn.evaluate(UNTIL_SKIPPED)
    peer.replay(other, started(), events.RunFailed(elapsed_ms=1, code="x", message="It broke off."))
    await expect(turn).to_have_attribute("data-phase", "failed")
    assert await turn.evaluate(TURNING) == 0


async def test_stop_asks_the_server_and_the_end_leaves_nothing_spinning(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), step())
    await page.get_by_role("button", name="Stop the briefing").click()
    await peer.receive("stop")
    assert peer.sent("stop") == [{"v": 1, "type": "stop", "run": str(RUN)}]
    peer.play(events.RunStopped(elapsed_ms=3100))
    await expect(page.locator(".call")).to_have_attribute("data-state", "cut")
    await expect(page.locator(".turn .spinner:visible")).to_have_count(0)
    await expect(page.get_by_role("button", name="Stop the briefing")).to_be_hidden()


async def test_a_failed_run_can_be_asked_again(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), events.RunFailed(elapsed_ms=900, code="unreachable", message="Claude could not be reached."))
    await expect(page.locator("[data-ending]")).to_contain_text("Claude could not be reached.")
    await page.get_by_role("button", name="Ask again").click()
    await peer.receive("send")
    assert peer.sent("send")[0]["text"] == "Brief me"


async def test_streaming_never_moves_the_focus(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    await page.get_by_label("Your question").focus()
    peer.play(started(), step(), events.BlockFinal(block=0, html=LINK, evidence=()))
    peer.play(events.RunFinished(elapsed_ms=10, coverage=COVERAGE, grounding=events.GroundingCounts()))
    await expect(page.locator("[data-foot]")).to_be_visible()
    await expect(page.get_by_label("Your question")).to_be_focused()


async def test_the_answer_is_announced_once_and_politely(page: Page, peer: Peer, ask: Ask) -> None:
    peer.on_frame = peer.accept
    await page.goto("/")
    await ask("Brief me")
    await expect(page.get_by_role("heading", name="Brief me", level=2)).to_be_visible()
    peer.play(
        started(), step(), events.RunFinished(elapsed_ms=10, coverage=COVERAGE, grounding=events.GroundingCounts())
    )
    await expect(page.get_by_role("status")).to_have_text("Reading GitHub. The answer is ready. Read 14 items.")
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


async def finish_an_answer(page: Page, peer: Peer) -> None:
    """Show an answer that is complete, and open its menu of forms."""
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), events.BlockFinal(block=0, html=LINK, evidence=()))
    peer.play(events.RunFinished(elapsed_ms=10, coverage=COVERAGE, grounding=events.GroundingCounts()))
    await page.locator(".copy-menu summary").click()


async def test_an_answer_is_copied_as_the_server_renders_it_with_rich_text_for_slack(page: Page, peer: Peer) -> None:
    async def render(route: Route) -> None:
        assert route.request.headers["accept"] == "text/plain"
        await route.fulfill(body=f"text of {route.request.url.partition('/runs/')[2]}", content_type="text/plain")

    # The clipboard of a secure page; the tests' own is plain http, where browsers have none.
    await page.add_init_script(
        "globalThis.ClipboardItem = class { constructor(parts) { this.parts = parts; } };"
        "Object.defineProperty(navigator, 'clipboard', { value: { write: async ([item]) => {"
        " globalThis.copied = Object.fromEntries(await Promise.all("
        "Object.entries(item.parts).map(async ([type, part]) => [type, await part]))); } } });"
    )
    await page.route("**/runs/**", render)
    await finish_an_answer(page, peer)
    await page.get_by_role("link", name="Short for Slack").click()
    await expect(page.locator("[data-copy-word]")).to_have_text("Copied")
    assert await page.evaluate("globalThis.copied") == {
        "text/plain": f"text of {RUN}/as/slack/?length=short",
        "text/html": f"text of {RUN}/as/html/?length=short",
    }


async def test_without_a_clipboard_the_text_is_a_page(page: Page, peer: Peer) -> None:
    await finish_an_answer(page, peer)
    await page.get_by_role("link", name="Half a minute to say").click()
    await expect(page).to_have_url(re.compile(f"/runs/{RUN}/as/speech/\\?length=full$"))


async def test_a_statement_without_a_source_is_marked_in_words_and_what_was_ignored_is_told(
    page: Page, peer: Peer
) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    html = '<p><span class="ungrounded">All is well.</span><span class="no-source">no source</span></p>'
    peer.play(started(), events.BlockFinal(block=0, html=html, evidence=(), ungrounded=1))
    await expect(page.locator("[data-ignored]")).to_be_hidden()
    counts, ignored = events.GroundingCounts(unknown=1, ungrounded=1, earlier=2), events.Ignored(8, ("github", "slack"))
    peer.play(events.RunFinished(elapsed_ms=10, coverage=COVERAGE, grounding=counts, ignored=ignored))
    await expect(page.locator(".no-source")).to_be_visible()
    await expect(page.locator("[data-receipt]")).to_contain_text("1 statement without a source")
    await expect(page.locator("[data-receipt]")).to_contain_text("2 items cited as read for an earlier question")
    line = "Ignored: 8 calls of the model that are not allowed · words that somebody hid in GitHub and Slack"
    await expect(page.locator("[data-ignored]")).to_have_text(f"{line} · 1 invented citation")
    await expect(page.get_by_role("status").filter(has_text=line)).to_have_count(1)


async def test_an_answer_that_begins_anew_leaves_nothing_of_the_first(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(started(), events.BlockFinal(block=0, html="<p>Half</p>", evidence=()))
    peer.play(events.BlockTail(block=1, html="<p>an answer</p>"))
    await expect(page.locator(".block")).to_have_text(["Half", "an answer"])
    peer.play(events.AnswerRestarted(code="cut_short", message="Claude's answer broke off."))
    peer.play(events.BlockFinal(block=0, html="<p>Facts</p>", evidence=()))
    finished = events.RunFinished(
        elapsed_ms=10, coverage=COVERAGE, grounding=events.GroundingCounts(), written_by="template", code="cut_short"
    )
    peer.play(finished)
    await expect(page.locator(".block")).to_have_text(["Facts"])
    await expect(page.locator("[data-receipt]")).to_contain_text("written without a model")


@pytest.mark.parametrize("width", [320, 1280])
async def test_nothing_scrolls_sideways(page: Page, peer: Peer, width: int) -> None:
    """WCAG 2.2, 1.4.10: content reflows at 320 CSS pixels."""
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto("/?old")
    await peer.receive("attach")
    long = events.BlockFinal(block=0, html=f"<p>{'long' * 200}</p><pre>{'code ' * 200}</pre>", evidence=())
    peer.play(started(), step(), long)
    await expect(page.locator(".block")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_chosen_theme_outlives_a_reload(page: Page) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto("/")
    await page.get_by_role("button", name="Use the dark theme").click()
    await page.reload()
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    await expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()
