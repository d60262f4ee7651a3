"""Pages in the two languages that nobody speaks: all words are translated and have room, in either direction."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.examine import strict_visitor
from tests.e2e.installation import Installation, running
from tests.e2e.journey import sign_in
from tests.e2e.pages import NEWCOMER, pages_with_everything
from tools import messages, pseudo_locale

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOR_STRANGERS = ("/", "/setup/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")
FOR_EVERYBODY = (*NEWCOMER, "/account/delete/", "/accounts/2fa/webauthn/add/")
# What is the same in every language: codes, what is typed, names in lists, and what a run wrote.
DATA = "code, pre, kbd, option, textarea, .answer, .question, [data-window], [data-label], .planned .hint"
NAMES = re.compile(
    r"DevContext|GitHub|Google Calendar|Slack|Claude|UTC|Maya Okafor|RFC \d+|[\w.+-]+@[\w.-]+|(?:www|https?)\S+"
    # What somebody called a chat and a schedule, and ids, scopes and codes as they are on record.
    r"|Brief me for standup|Standup|maya-okafor|devcontext-web|openid|POST|GET|\b[\da-fA-F-]{16,}\b|127\.0\.0\.1\S+"
    r"|\b[a-z_]+: \S+|\b[a-z]+[:_][\w:,-]+|\b(?:ex|con|toolu)_\S+|Tidewater|Brief me for|standup"
    # What was read and asked, what a run keeps in English, and what a switch was before and after.
    r"|“[^”]*”|^(?:You paused AI access|AI access to).*|.*(?: → |until \d{4}-).*|^\s*revoked\s*$"
)
# Visible texts with words in them and no letter of the pseudo language.
PLAIN = r"""(data) => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data: text, parentElement: element } = walker.currentNode;
    if (!/\p{L}{2}/u.test(text) || /[\[\]\u00c0-\u017e\u1e8b]/u.test(text)) continue;
    if (element.closest(data) || !element.checkVisibility()) continue;
    found.push(text.trim());
  }
  return found;
}"""
# The left end of the words within an element.
BEGINS_AT = """(element) => {
  const words = new Range();
  words.selectNodeContents(element);
  return words.getBoundingClientRect().left;
}"""
FITS = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    pseudo_locale.make(folder / "locale", messages.find_all())
    with running(folder) as found:
        yield found


async def choose(page: Page, language: str) -> None:
    """Set the cookie of the choice; the form has a test of its own."""
    await page.context.add_cookies([{"name": "language", "value": language, "domain": "localhost", "path": "/"}])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    async with strict_visitor(browser, installation.app_url) as (page, violations):
        yield page
        assert violations == []


async def wrong_with(page: Page, address: str) -> list[str]:
    """Return the plain texts of a page, and whether it scrolls sideways where it is narrow."""
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(address)
    for fold in await page.locator("details").all():
        await fold.evaluate("(fold) => (fold.open = true)")
    texts = [str(text) for text in await page.evaluate(PLAIN, DATA)]
    plain = [text for text in texts if re.search(r"[^\W\d_]{2}", NAMES.sub("", text))]
    await page.set_viewport_size({"width": 320, "height": 800})
    fits = await page.evaluate(FITS)
    return [f"{address}: {text}" for text in plain] + ([] if fits else [f"{address}: scrolls sideways"])


async def test_who_looks_sees_what_is_not_translated(page: Page) -> None:
    """In English nothing is: that nothing is found in the pseudo language then means something."""
    await page.goto("/accounts/login/")
    assert "/accounts/login/: Sign in" in await wrong_with(page, "/accounts/login/")


async def test_the_language_is_chosen_on_the_page(page: Page) -> None:
    await page.goto("/accounts/login/")
    await page.get_by_label("Language").select_option("ar-xb")
    await page.get_by_role("button", name="Use it").click()
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")
    box, heading = await page.locator("main").bounding_box(), page.locator("main h1")
    assert box is not None
    begins_at = await heading.evaluate(BEGINS_AT)
    assert begins_at > box["x"] + box["width"] / 2
    await choose(page, "en")


async def test_all_words_that_strangers_see_are_translated_and_fit(page: Page) -> None:
    await choose(page, "en-xa")
    assert [fault for address in FOR_STRANGERS for fault in await wrong_with(page, address)] == []


async def test_all_words_of_the_pages_are_translated_and_fit(page: Page) -> None:
    await choose(page, "en")
    await sign_in(page)
    await choose(page, "en-xa")
    faults = [fault for address in FOR_EVERYBODY for fault in await wrong_with(page, address)]
    assert not faults, "\n".join(faults)


async def assert_right_to_left(page: Page, addresses: Iterable[str]) -> None:
    """See that the pages run from right to left, and that none scrolls sideways."""
    for address in addresses:
        await page.goto(address)
        assert await page.evaluate("document.documentElement.dir") == "rtl"
        for width in (1280, 320):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate(FITS), (address, width)


async def test_all_pages_fit_from_right_to_left(page: Page) -> None:
    await choose(page, "ar-xb")
    await assert_right_to_left(page, FOR_EVERYBODY)


async def test_pages_with_everything_in_them_are_translated_and_fit_in_either_direction(page: Page) -> None:
    await choose(page, "en")
    await page.set_viewport_size({"width": 1280, "height": 800})
    addresses = await pages_with_everything(page)
    await choose(page, "ar-xb")
    await assert_right_to_left(page, addresses)
    await choose(page, "en-xa")
    faults = [fault for address in addresses for fault in await wrong_with(page, address)]
    assert not faults, "\n".join(faults)
