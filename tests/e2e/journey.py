"""What a person does in the browser, step by step, for the tests that travel through a whole installation."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, expect

# What each kind of upstream token of the sandbox, and of the real provider, begins with.
UPSTREAM_TOKENS = re.compile(rb"gh[ur]_[A-Za-z0-9]{10}|ya29\.[\w-]{10}|1//[\w-]{10}|xox[ep][.-][\w-]{5}")
# How a browser is started where it may have no sandbox, no screen and nothing to tell anybody.
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
]
SERVICES = {"github": "GitHub", "google-calendar": "Google Calendar", "slack": "Slack"}


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, *, expected: str = "^$", has_scripts: bool = True, like: Page | None = None
) -> AsyncIterator[Page]:
    """A stranger's browser, or one with the cookies of another; it has complained of nothing but `expected` in the end.

    Without `has_scripts` no script runs in it.
    """
    cookies = await like.context.storage_state() if like else None
    context = await browser.new_context(
        reduced_motion="reduce", base_url=url, java_script_enabled=has_scripts, storage_state=cookies
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert [complaint for complaint in complaints if not re.search(expected, complaint)] == []


async def sign_in(page: Page) -> None:
    """Press the demo user's button."""
    await page.goto("/")
    await page.get_by_role("button", name="Continue as demo user").click()
    await expect(page.get_by_role("textbox")).to_be_visible()


async def connect(page: Page, slug: str) -> None:
    """Connect a service through its consent page."""
    await page.goto(f"/auth/connect/{slug}")
    await page.get_by_role("button", name=re.compile("Continue to")).click()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("heading", name="Permission Control Center")).to_be_visible()


async def schedule_standup(page: Page, *, name: str = "Standup") -> str:
    """Schedule the standup's briefing, let it read what is connected, and return its id."""
    await page.goto("/schedules/new/?recipe=standup")
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Save, and say what it may read").click()
    await page.get_by_label("I let these services be read").check()
    await page.get_by_role("button", name="Allow this").click()
    await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    return urlsplit(page.url).path.split("/")[2]


async def send(page: Page, question: str) -> None:
    """Type the question and press Enter, once the page is ready for it."""
    await page.get_by_role("textbox").fill(question)
    await expect(page.get_by_role("button", name="Send")).to_be_enabled()
    await page.keyboard.press("Enter")


async def ask(page: Page, question: str) -> str:
    """Ask in the open conversation, wait for the end of the run, and return its id."""
    turns = await page.locator("[data-run]").count()
    await send(page, question)
    turn = page.locator("[data-run]").nth(turns)
    link = turn.get_by_role("link", name="See it in the audit")
    await expect(link).to_be_visible(timeout=60_000)
    return str(await link.get_attribute("href")).partition("run=")[2]


async def audit_rows(page: Page, query: str) -> list[str]:
    """Return the sentences of the timeline."""
    await page.goto(f"/audit/?{query}")
    return [text.strip() for text in await page.locator(".events > li").all_inner_texts()]
