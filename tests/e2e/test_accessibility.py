"""A briefing on its way, what opens above a page, and the whole shell by keyboard alone."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from agent import events
from tests.e2e.examine import examine, faults, strict_visitor, tab_stops
from tests.e2e.installation import Installation
from tests.e2e.journey import connect, sign_in
from tests.e2e.run_socket_peer import Peer

pytestmark = pytest.mark.asyncio(loop_scope="module")

STARTED = events.RunStarted(question="Brief me for standup", model="claude-sonnet-5-5", is_simulated=True)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """The page of somebody with GitHub, and with Slack revoked; nothing on any page goes against the policy."""
    async with strict_visitor(browser, installation.app_url) as (page, violations):
        await sign_in(page)
        await connect(page, "github")
        await connect(page, "slack")
        await page.get_by_role("region", name="Slack").get_by_role("button", name="Revoke").click()
        await expect(page.get_by_role("button", name="Slack:")).to_have_text(re.compile("Revoked"))
        yield page
        assert violations == []


def step(provider: str, *, call: str) -> events.StepStarted:
    return events.StepStarted(id=call, tool="a_tool", provider=provider, label="Reading…", args={"limit": 30})


async def test_who_looks_sees_faults(browser: Browser, installation: Installation) -> None:
    """A page with an unnamed picture and an inline style: both are found, so that finding none means something."""
    async with strict_visitor(browser, installation.app_url) as (page, violations):
        await page.goto("/accounts/login/")
        await page.evaluate(
            "document.querySelector('main').append(Object.assign(document.createElement('img'), { src: 'data:,' }))"
        )
        await page.evaluate("document.querySelector('main').setAttribute('style', 'color: red')")
        assert [fault.partition(":")[0] for fault in await faults(page)] == ["image-alt"]
        assert violations == ["style-src-attr"]


async def test_a_briefing_on_its_way_and_one_that_failed(page: Page) -> None:
    """A test plays the socket's server, so that the run stands still while it is looked at."""
    page = await page.context.new_page()
    peer = Peer()
    peer.on_frame = peer.accept
    await page.route_web_socket("**/ws/runs/", peer.connect)

    async def show_busy() -> None:
        await page.goto("/")
        await page.get_by_label("Your question").fill("Brief me for standup")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Brief me for standup", level=2)).to_be_visible()
        peer.seq = 0
        peer.play(
            STARTED,
            step("github", call="t1"),
            events.StepPermission(id="t1", state="allowed"),
            step("slack", call="t2"),
            events.StepFailed(id="t2", ms=3, code="revoked", message="You revoked AI access to Slack."),
            events.BlockTail(block=0, html="<p>Two pull requests</p>"),
        )
        await expect(page.locator(".block")).to_have_count(1)

    async def show_failed() -> None:
        await show_busy()
        peer.play(events.RunFailed(elapsed_ms=900, code="unreachable", message="Claude could not be reached."))
        await expect(page.locator("[data-ending]")).to_be_visible()
        await peer.sockets[-1].close(code=4401)
        await expect(page.get_by_role("link", name="Sign in again")).to_be_visible()

    wrong = [*await examine(page, show_busy, name="busy"), *await examine(page, show_failed, name="failed")]
    await page.close()
    assert wrong == []


@pytest.mark.parametrize(
    ("address", "name", "widths"),
    [
        ("/", "Go to or do", (1280, 320)),
        ("/", "Keyboard shortcuts", (1280,)),
        ("/", "GitHub:", (1280, 320)),
        ("/", "Google Calendar:", (1280, 320)),
        ("/", "Slack:", (1280, 320)),
        ("/", "Open the menu", (320,)),
        ("/debug/components/", "Open a dialog", (1280, 320)),
        ("/debug/components/", "Open a drawer", (1280, 320)),
    ],
)
async def test_what_opens_above_a_page(page: Page, address: str, name: str, widths: tuple[int, ...]) -> None:
    async def show() -> None:
        await page.goto(address)
        await page.get_by_role("button", name=name).click()

    assert await examine(page, show, name=name, widths=widths) == []


async def test_the_tab_key_reaches_everything_in_order_and_shows_where_it_is(page: Page) -> None:
    await page.goto("/audit/")
    stops = await tab_stops(page)
    assert stops[:4] == ["Skip to content", "DevContext", "New briefing", "Schedules"]
    dots = [index for index, name in enumerate(stops) if re.match("(GitHub|Google Calendar|Slack):", name)]
    assert len(dots) == 3
    assert stops.index("Permissions") < min(dots) < max(dots) < stops.index("Go to or do") < stops.index("Search")
    assert "" not in stops


async def test_the_skip_link_leads_past_the_frame(page: Page) -> None:
    await page.goto("/audit/")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_the_palette_goes_to_a_page_with_the_keyboard_alone(page: Page) -> None:
    await page.goto("/")
    await page.get_by_label("Your question").focus()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Go to or do")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Your question")).to_be_focused()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("audit")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Audit timeline")).to_be_visible()


async def test_the_arrows_choose_and_come_round(page: Page) -> None:
    await page.goto("/audit/")
    await page.keyboard.press("Control+k")
    options = page.get_by_role("option")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowUp")
    await expect(options.last).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    named = await page.get_by_role("combobox", name="Go to or do").get_attribute("aria-activedescendant")
    assert named == await options.nth(1).get_attribute("id")


async def test_a_recipe_of_the_palette_is_asked_from_any_page(page: Page) -> None:
    await page.goto("/audit/")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("needs my review")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="What needs my review?", level=2)).to_be_visible()
    await expect(page.get_by_role("link", name="See it in the audit")).to_be_visible(timeout=60_000)


async def test_a_switch_is_flipped_by_keyboard_and_the_page_stays(page: Page) -> None:
    await page.goto("/audit/?service=slack")
    dot = page.get_by_role("button", name="Slack:")
    await dot.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Restore access")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dot).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(dot).to_have_text(re.compile("Connected"))
    await expect(page).to_have_url(re.compile(r"/audit/\?service=slack$"))
    await expect(page.get_by_role("status")).to_have_text(re.compile("Slack is restored"))
    await page.keyboard.press("Control+k")
    await page.keyboard.type("revoke slack")
    await page.keyboard.press("Enter")
    await expect(dot).to_have_text(re.compile("Revoked"))


async def test_single_keys_work_until_they_are_switched_off(page: Page) -> None:
    """WCAG 2.2, 2.1.4."""
    await page.goto("/")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Your question")).to_be_focused()
    await page.keyboard.type("?")
    await expect(page.get_by_label("Your question")).to_have_value("?")
    await page.get_by_label("Your question").fill("")
    await page.goto("/audit/")
    await page.keyboard.press("?")
    await expect(sheet).to_be_visible()
    await sheet.get_by_role("switch").press("Space")
    await page.keyboard.press("Escape")
    await page.reload()
    await page.keyboard.press("?")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Go to or do")).to_be_focused()
    await expect(sheet).to_be_hidden()


async def test_a_dialog_gives_the_focus_back(page: Page) -> None:
    await page.goto("/debug/components/")
    for name in ("Open a dialog", "Open a drawer"):
        opener = page.get_by_role("button", name=name)
        await opener.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(opener).to_be_focused()


async def test_being_offline_is_said_and_taken_back(page: Page) -> None:
    await page.goto("/audit/")
    await page.context.set_offline(offline=True)
    await expect(page.get_by_text("You are offline.").first).to_be_visible()
    await page.context.set_offline(offline=False)
    await expect(page.locator("[data-offline]")).to_be_hidden()
    await expect(page.get_by_role("status")).to_have_text(re.compile("online again"))
