"""The main path by keyboard alone, and what a screen reader was told on it, in order."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.examine import FOCUS_IS_SEEN, NAME, strict_visitor
from tests.e2e.installation import Installation, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

# More than any page of the path has: who has not arrived by then goes in circles.
MAX_STOPS = 150
# Between two pieces of an answer: time enough to walk to a button before the last one.
SLOW_MS = 100
# A whole briefing on a busy machine.
PATIENCE_MS = 60_000
# Every text that the page's one polite voice takes, as it takes it.
LISTEN = """addEventListener("DOMContentLoaded", () => {
  const voice = document.querySelector("[data-announcer]");
  if (voice) new MutationObserver(() => reportSpoken(voice.textContent)).observe(voice, { childList: true });
});"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("installation"), claude_delay_ms=SLOW_MS) as found:
        yield found


@pytest.fixture(scope="module")
def spoken() -> list[str]:
    """What the page's voice has said so far."""
    return []


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(browser: Browser, installation: Installation, spoken: list[str]) -> AsyncIterator[Page]:
    """One stranger's page for all steps; nothing on it ever goes against the policy."""
    async with strict_visitor(browser, installation.app_url) as (page, violations):

        def report(text: str) -> None:
            spoken.append(text)

        await page.context.expose_function("reportSpoken", report)
        await page.context.add_init_script(LISTEN)
        yield page
        assert violations == []


async def tab_to(page: Page, name: str, *, key: str = "Tab") -> None:
    """Press the key until what has the focus is called like this, and see that it shows."""
    for _ in range(MAX_STOPS):
        await page.keyboard.press(key)
        if re.search(name, " ".join(str(await page.evaluate(NAME)).split())):
            assert await page.evaluate(FOCUS_IS_SEEN), f"nothing shows that {name!r} has the focus"
            return
    raise AssertionError(f"the Tab key does not reach {name!r}")


async def press(page: Page, name: str, *, shows: Locator, key: str = "Tab") -> None:
    """Go to what is called like this, press Enter, and wait for what that shows."""
    await tab_to(page, name, key=key)
    await page.keyboard.press("Enter")
    await expect(shows.first).to_be_visible(timeout=PATIENCE_MS)
    # What single keys do is loaded with the page.
    await page.wait_for_load_state()


async def ask(page: Page, question: str) -> None:
    """Type the question into the field that a single key leads to, and send it once that can be done."""
    await page.keyboard.press("/")
    await expect(page.get_by_label("Your question")).to_be_focused()
    await page.keyboard.type(question)
    await expect(page.get_by_role("button", name="Send")).to_be_enabled(timeout=PATIENCE_MS)
    await page.keyboard.press("Enter")


async def is_told(page: Page, sentence: str) -> None:
    """Wait until the page's voice has said this."""
    await expect(page.get_by_role("status").first).to_have_text(re.compile(sentence), timeout=PATIENCE_MS)


async def test_in_through_the_demo_users_button(page: Page) -> None:
    await page.goto("/")
    await press(page, "^Continue as demo user$", shows=page.get_by_label("Your question"))


async def test_a_service_is_connected(page: Page) -> None:
    await press(page, "^Permissions$", shows=page.get_by_role("heading", name="Permission Control Center"))
    await press(page, "^Connect GitHub$", shows=page.get_by_role("button", name="Continue to"))
    await press(page, "^Continue to", shows=page.get_by_text("This is not GitHub"))
    await press(page, "^Allow", shows=page.get_by_text("GitHub is connected"))
    await is_told(page, "GitHub is connected")


async def test_a_question_is_asked_and_stopped(page: Page) -> None:
    await press(page, "^New briefing$", shows=page.get_by_label("Your question"))
    await ask(page, "Brief me for standup")
    await expect(page.get_by_role("button", name="Stop the briefing")).to_be_visible(timeout=PATIENCE_MS)
    await press(page, "^Stop the briefing$", shows=page.locator("[data-ending]"))
    await is_told(page, "Stopped")


async def test_it_is_asked_anew_and_the_source_of_a_statement_looked_up(page: Page) -> None:
    await ask(page, "Brief me for standup")
    await expect(page.locator("[data-source]").first).to_be_visible(timeout=PATIENCE_MS)
    await is_told(page, "The answer is ready")
    await expect(page.get_by_label("Your question")).to_be_focused()
    drawer = page.get_by_role("dialog", name="Where this comes from")
    await press(page, "^Where this comes from$", shows=drawer, key="Shift+Tab")
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    assert await page.evaluate(NAME) == "Where this comes from"


async def test_a_service_is_revoked(page: Page) -> None:
    await press(page, "^Permissions$", shows=page.get_by_role("heading", name="Permission Control Center"))
    card = page.get_by_role("region", name="GitHub")
    await press(page, "^Revoke the AI's access to GitHub$", shows=card.get_by_text("Revoked", exact=True))
    await is_told(page, "GitHub is revoked")


async def test_what_happened_is_verified(page: Page) -> None:
    await press(page, "^Audit$", shows=page.get_by_role("heading", name="Audit timeline"))
    await press(page, "^Verify these events$", shows=page.get_by_text("are in the signed log"))
    await is_told(page, "are in the signed log")


async def test_the_history_leads_back(page: Page) -> None:
    await press(page, "^All chats$", shows=page.get_by_role("heading", name="Chats", level=1))
    await press(page, "^Skip to content$", shows=page.locator("main"))
    await press(page, "^Brief me for standup", shows=page.get_by_role("log"))


async def test_all_of_it_was_told_in_order(page: Page, spoken: list[str]) -> None:
    """Asks for the page, since pytest puts tests without the browser behind those of all files."""
    said = " | ".join(spoken)
    order = [
        *("GitHub is connected", "Stopped", "Reading GitHub", "The answer is ready"),
        *("GitHub is revoked", "are in the signed log"),
    ]
    # The reading of the run that was stopped may have been told with its end, so what counts is the last of each.
    places = [said.rfind(sentence) for sentence in order]
    assert -1 not in places, said
    assert places == sorted(places), said
