"""Every page that has an address, with nothing in it, with everything in it and in trouble: by axe, theme and width."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from devcontext.middleware import content_security_policy
from permissions.services import SERVICES
from tests.e2e import pages
from tests.e2e.examine import examine, strict_visitor
from tests.e2e.holder import EMAIL, PASSWORD, code_of, give_password, sign_out, sign_up, with_device
from tests.e2e.installation import Installation
from tests.e2e.journey import sign_in
from tests.templates.test_markup import PAGES as RENDERED
from tests.templates.test_markup import render

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What a journey does not come by: rendered here, and shown by the installation's own styles and scripts.
IN_TROUBLE = (
    *("400", "403", "403 for CSRF", "404", "429", "500"),
    "permissions",
    "connect failed",
    "welcome, vault away",
    "old chat, vault away",
    "working week, refused",
    "timeline",
    "set-up",
    "e-mail change",
    "verification sent",
    "run, replaced and gone",
    "chats, nothing found",
    "schedule, refused",
    "schedules, vault away",
)
OTHER_ACCOUNT = {"id": "c", "account": "maya2", "replaces_account": "maya"}
CHOICE = {"service": SERVICES["github"], "pending": OTHER_ACCOUNT, "nonce": "n"}
SET_UP_APP, SECOND_STEP = pages.ON_THE_WAY


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """One page for a stranger who becomes the demo user; nothing on it ever goes against the policy."""
    async with strict_visitor(browser, installation.app_url) as (page, violations):
        yield page
        assert violations == []


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def holder(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """The page of somebody with an account of their own."""
    async with strict_visitor(browser, installation.app_url) as (page, violations):
        yield page
        assert violations == []


async def examined(page: Page, *addresses: str) -> list[str]:
    """Return what is wrong with the pages, with the first of what unfolds unfolded; none may lead elsewhere."""
    wrong: list[str] = []
    for address in addresses:

        async def show(address: str = address) -> None:
            await page.goto(address)
            url = urlsplit(page.url)
            assert address.partition("?")[0] == url.path, f"{address} leads on to {page.url}"
            for fold in (await page.locator("main details").all())[:3]:
                await fold.evaluate("(fold) => (fold.open = true)")

        wrong += await examine(page, show, name=address)
    return wrong


def mailed(installation: Installation, pattern: bytes) -> str:
    """Return the newest address like this that was mailed, which a trial installation prints before it answers."""
    return urlsplit(re.findall(pattern, installation.written_bytes("app"))[-1].decode()).path


async def test_what_strangers_see(page: Page) -> None:
    assert await examined(page, *pages.STRANGERS) == []


async def test_pages_with_nothing_in_them(page: Page) -> None:
    await sign_in(page)
    assert await examined(page, *pages.NEWCOMER) == []


async def test_pages_with_everything_in_them(page: Page) -> None:
    assert await examined(page, *await pages.pages_with_everything(page)) == []


async def test_where_a_statement_comes_from(page: Page) -> None:
    await page.goto("/chats/")
    await page.get_by_role("main").get_by_role("link", name=re.compile("Brief me")).first.click()
    await expect(page.locator("[data-source]").first).to_be_visible()
    chat = page.url

    async def show() -> None:
        await page.goto(chat)
        await page.locator("[data-source]").first.click()
        await expect(page.get_by_role("dialog", name="Where this comes from")).to_be_visible()

    assert await examine(page, show, name="the drawer of sources") == []


async def test_events_that_were_verified(page: Page) -> None:
    async def show() -> None:
        await page.goto("/audit/?service=slack")
        await page.get_by_role("button", name="Verify these events").click()
        await expect(page.get_by_text("are in the signed log").first).to_be_visible()

    assert await examine(page, show, name="verified events") == []


async def test_an_address_that_is_to_be_confirmed(page: Page, installation: Installation) -> None:
    await page.goto("/accounts/email/")
    await page.get_by_label("Email").fill("maya@example.net")
    await page.get_by_role("button", name="Change address").click()
    await expect(page.get_by_role("main").get_by_text("maya@example.net").first).to_be_visible()
    link = mailed(installation, rb"http://\S+/accounts/confirm-email/[\w:-]+/")
    assert await examined(page, "/accounts/email/", link) == []


async def test_pages_in_trouble(page: Page) -> None:
    shown = {name: RENDERED[name] for name in IN_TROUBLE} | {"another account": ("permissions/choose.html", CHOICE)}

    async def answer(route: Route) -> None:
        name = urlsplit(route.request.url).query.partition("=")[2]
        headers = {"Content-Security-Policy": content_security_policy()}
        body = render(*{quote(name): rendered for name, rendered in shown.items()}[name])
        await route.fulfill(body=body, content_type="text/html", headers=headers)

    await page.route("**/?trouble=*", answer)
    wrong = await examined(page, *(f"/?trouble={quote(name)}" for name in shown))
    await page.unroute_all()
    assert wrong == []


async def test_an_account_on_its_way_to_a_second_factor(holder: Page) -> None:
    await with_device(holder)
    await sign_up(holder)
    await holder.goto(SET_UP_APP)
    await holder.get_by_label("Password").fill(PASSWORD)
    await holder.get_by_role("button", name="Confirm").click()
    wrong = await examined(holder, SET_UP_APP)
    secret = await holder.locator(".secret").inner_text()
    await holder.get_by_label("code").fill(code_of(secret))
    await holder.get_by_role("button", name="Turn on").click()
    await holder.goto("/accounts/2fa/webauthn/add/")
    await holder.get_by_label("What to call it").fill("This machine")
    await holder.get_by_role("button", name="Add the passkey").click()
    await expect(holder.get_by_role("heading", name="How you sign in")).to_be_visible()
    assert wrong == []


async def test_an_account_with_all_that_there_is(holder: Page) -> None:
    await holder.goto("/accounts/2fa/webauthn/")
    href = await holder.get_by_role("link", name="Rename This machine").get_attribute("href")
    key = str(href).split("/")[-3]
    assert await examined(holder, *(address.format(key=key) for address in pages.HOLDER)) == []


async def test_everybodys_events(holder: Page, installation: Installation) -> None:
    appointed = installation.manage("app", "auditor", "appoint", EMAIL)
    assert appointed.returncode == 0, appointed.stderr
    assert await examined(holder, *pages.AUDITOR) == []


async def test_the_way_back_in(holder: Page, installation: Installation) -> None:
    await sign_out(holder)
    await give_password(holder)
    await expect(holder.get_by_role("heading", name="Second step")).to_be_visible()
    wrong = await examined(holder, SECOND_STEP)
    await holder.context.clear_cookies()
    await holder.goto("/accounts/password/reset/")
    await holder.get_by_label("Email").fill(EMAIL)
    await holder.get_by_role("main").get_by_role("button").last.click()
    link = mailed(installation, rb"http://\S+/accounts/password/reset/key/[\w-]+/")
    await holder.goto(link)
    assert await holder.get_by_label("Password").count() > 0
    assert [*wrong, *await examined(holder, urlsplit(holder.url).path)] == []
