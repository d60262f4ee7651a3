"""What a person does with an answer on the run page: look where it comes from, ask it anew, edit the question."""

import pytest
from playwright.async_api import Page, expect

from agent import events
from tests.e2e.run_socket_peer import CHAT, RUN, Peer

pytestmark = pytest.mark.asyncio(loop_scope="module")

PULL = events.Evidence("gh-00000001", "github", "#412 Retry uploads", "https://github.com/o/r/pull/412")
OLDER = events.Evidence("gh-00000002", "github", "#7 Older", "https://github.com/o/r/pull/7")
END = events.RunFinished(elapsed_ms=10, coverage=(), grounding=events.GroundingCounts(cited=2))


def statement(item: events.Evidence, words: str) -> str:
    """Return a paragraph as the server renders one that cites `item`."""
    return (
        f'<p><a class="evidence" data-provider="{item.provider}" target="_blank" rel="noopener noreferrer"'
        f' href="{item.url}">{item.title}</a> {words}</p>'
    )


async def finish(page: Page, peer: Peer, *, recipe: str = "", since: str = "") -> None:
    """Show a whole run that read one item and cites two."""
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(
        events.RunStarted(question="Brief me", model="m", is_simulated=True, recipe=recipe, since=since),
        events.StepStarted(id="t1", tool="a_tool", provider="github", label="Fetching…", args={"limit": 30}),
        events.StepPermission(id="t1", state="allowed"),
        events.StepExchanged(id="t1", ms=12, scopes="repo", exchange="ex-1"),
        events.StepFinished(
            id="t1", ms=812, items=3, bytes=900, read_ms=640, evidence=(PULL.id,), titles=(PULL.title,)
        ),
        events.BlockFinal(block=0, html=statement(PULL, "waits for you."), evidence=(PULL,)),
        events.BlockFinal(block=1, html=statement(OLDER, "is old."), evidence=(OLDER,)),
        END,
    )
    await expect(page.locator("[data-foot]")).to_be_visible()


async def test_a_chip_tells_what_came_back_and_leads_to_its_audit_events(page: Page, peer: Peer) -> None:
    await finish(page, peer)
    await page.locator(".call summary").click()
    facts = page.locator(".call details dl")
    await expect(facts).to_contain_text("limit: 30")
    await expect(facts).to_contain_text("640 ms")
    await expect(facts).to_contain_text("“#412 Retry uploads”, and 2 more")
    audit = facts.get_by_role("link", name="its audit events")
    await expect(audit).to_have_attribute("href", f"/audit/?run={RUN}&service=github")


async def test_a_statement_leads_to_its_item_its_call_its_exchange_and_the_decision(page: Page, peer: Peer) -> None:
    await finish(page, peer)
    await page.get_by_role("button", name="Where this comes from").first.focus()
    await page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Where this comes from")
    await expect(drawer.locator("blockquote")).to_have_text(["#412 Retry uploads waits for you."])
    await expect(drawer).to_contain_text("Item gh-00000001, returned by “Fetching”")
    await expect(drawer).to_contain_text("granted in 12 ms, ex-1")
    await expect(drawer).to_contain_text("allowed")
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(page.get_by_role("button", name="Where this comes from").first).to_be_focused()


async def test_an_item_that_an_earlier_answer_read_says_so(page: Page, peer: Peer) -> None:
    await finish(page, peer)
    await page.get_by_role("button", name="Sources").click()
    drawer = page.get_by_role("dialog", name="Where this comes from")
    await expect(drawer.locator("blockquote")).to_have_count(2)
    await expect(drawer.locator(".source").last).to_contain_text("An earlier answer of this conversation read it")


async def test_asking_again_takes_the_place_of_the_last_run_and_follows_its_recipe(page: Page, peer: Peer) -> None:
    since = "2026-11-20T08:00:00+00:00"
    await finish(page, peer, recipe="catch-up", since=since)
    await page.get_by_role("button", name="Ask again").click()
    (sent,) = await peer.receive("send")
    assert (sent["text"], sent["recipe"], sent["replaces"]) == ("Brief me", "catch-up", str(RUN))
    assert sent["since"] == since
    new = "7d9f3a3e-2222-4222-8333-123456789abc"
    peer.say({"type": "accepted", "key": sent["key"], "run": new, "conversation": CHAT})
    await expect(page.locator(f"[data-run='{RUN}']")).to_have_count(0)
    await expect(page.locator(f"[data-run='{new}']")).to_be_visible()


async def test_a_run_that_took_a_place_in_another_window_takes_it_here_and_links_the_earlier_one(
    page: Page, peer: Peer
) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    earlier = "7d9f3a3e-3333-4222-8333-123456789abc"
    peer.play(events.RunStarted(question="Brief me", model="m", is_simulated=True, replaces=earlier), END)
    await expect(page.get_by_role("link", name="Earlier version")).to_have_attribute("href", f"/runs/{earlier}/")


async def test_a_copy_leads_to_what_the_audit_knows_of_the_run_that_read(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    original = "7d9f3a3e-4444-4222-8333-123456789abc"
    peer.play(
        events.RunStarted(question="Brief me", model="m", is_simulated=True, copy_of=original),
        events.StepStarted(id="t1", tool="a_tool", provider="github", label="Fetching…", args={}),
        END,
    )
    await expect(page.get_by_role("link", name="See it in the audit")).to_have_attribute(
        "href", f"/audit/?run={original}"
    )
    await page.locator(".call summary").click()
    await expect(page.get_by_role("link", name="its audit events")).to_have_attribute(
        "href", f"/audit/?run={original}&service=github"
    )


async def test_an_answer_can_be_forked_and_an_unfinished_one_cannot(page: Page, peer: Peer) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    peer.play(events.RunStarted(question="Brief me", model="m", is_simulated=True))
    await expect(page.get_by_role("heading", name="Brief me").last).to_be_visible()
    await expect(page.get_by_role("button", name="Fork from here")).to_be_hidden()
    peer.play(events.BlockFinal(block=0, html="<p>Done.</p>", evidence=()), END)
    await expect(page.get_by_role("button", name="Fork from here")).to_be_visible()
    await expect(page.locator("[data-fork]")).to_have_attribute("action", f"/runs/{RUN}/fork/")


async def test_an_edited_question_takes_the_place_of_the_last_one_and_the_draft_comes_back(
    page: Page, peer: Peer
) -> None:
    await finish(page, peer, recipe="standup")
    box = page.get_by_label("Your question")
    await box.fill("half a thou")
    await page.get_by_role("button", name="Edit").click()
    await expect(box).to_have_value("Brief me")
    await expect(box).to_be_focused()
    await box.fill("Brief me about reviews")
    await page.keyboard.press("Enter")
    (sent,) = await peer.receive("send")
    assert (sent["text"], sent["recipe"], sent["replaces"]) == ("Brief me about reviews", "", str(RUN))
    peer.accept(sent)
    await expect(box).to_have_value("half a thou")


async def test_leaving_an_edit_sends_nothing_and_brings_the_draft_back(page: Page, peer: Peer) -> None:
    await finish(page, peer)
    box = page.get_by_label("Your question")
    await box.fill("half a thou")
    await page.get_by_role("button", name="Edit").click()
    await page.keyboard.press("Escape")
    await expect(box).to_have_value("half a thou")
    await expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    assert peer.sent("send") == []


async def test_a_recipe_card_sends_its_recipe(page: Page, peer: Peer) -> None:
    await page.goto("/")
    await page.get_by_role("button", name="Brief me for standup").click()
    (sent,) = await peer.receive("send")
    assert (sent["text"], sent["recipe"]) == ("Brief me for standup.", "standup")


async def test_a_long_conversation_opens_at_its_end_and_goes_back_in_steps(page: Page, peer: Peer) -> None:
    await page.goto("/?long")
    assert len(await peer.receive("attach", times=20)) == 20
    assert {frame["run"] for frame in peer.sent("attach")} >= {str(RUN)}
    await expect(page.locator(".turn")).to_have_count(20)
    await expect(page.locator(".turn").last).to_be_in_viewport()
    button = page.get_by_role("button", name="Show earlier questions")
    await button.click()
    await expect(page.locator(".turn")).to_have_count(40)
    await button.click()
    await expect(page.locator(".turn")).to_have_count(45)
    await expect(button).to_be_hidden()
    await expect(page.locator(".turn").last).to_have_attribute("data-run", str(RUN))
    await peer.receive("attach", times=45)
    assert len({frame["run"] for frame in peer.sent("attach")}) == 45


@pytest.mark.parametrize(("code", "is_offered"), [("budget_spent", True), ("overloaded", False)])
@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_spent_budget_leads_to_what_was_spent(
    page: Page, peer: Peer, *, code: str, is_offered: bool, is_answered: bool
) -> None:
    await page.goto("/?old")
    await peer.receive("attach")
    last = (
        events.RunFinished(
            elapsed_ms=1, coverage=(), grounding=events.GroundingCounts(), written_by="template", code=code
        )
        if is_answered
        else events.RunFailed(elapsed_ms=1, code=code, message="Your budget for Claude is used up for today.")
    )
    peer.play(events.RunStarted(question="Brief me", model="m", is_simulated=False), last)
    await expect(page.locator("[data-receipt]")).not_to_be_empty()
    link = page.get_by_role("link", name="See what you spent")
    await expect(link).to_have_count(int(is_offered))
    if is_offered:
        await expect(link).to_have_attribute("href", "/settings/spending/")
