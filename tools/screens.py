"""Takes the pictures of docs/screens and of the landing page from a demo of its own: `./dev screens`.

Each page in a theme and at a width, after the demo user has connected three services, asked for a briefing, had a
schedule make another and revoked one; and a briefing that is still being written.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asgiref.sync import async_to_sync
from playwright.async_api import Page, async_playwright, expect

from tests.e2e.installation import running
from tests.e2e.journey import ARGS, SERVICES, ask, connect, schedule_standup, send, sign_in

_ROOT = Path(__file__).resolve().parent.parent
FOLDER = _ROOT / "docs" / "screens"
LANDING = _ROOT / "static" / "landing"
# As high as a laptop's window, and as a phone's; with it a picture stays below 150 kB.
WIDE, NARROW = 1280, 320
# As wide as the landing page shows it.
SHOWN = 1120
HEIGHTS = {WIDE: 800, NARROW: 640, SHOWN: 760}
# Between two pieces of an answer: so slow that it is still being written when its picture is taken.
SLOW_MS = 50


@dataclass(frozen=True, slots=True)
class Picture:
    """One file: a page, a theme, a width and how far it is scrolled, both in CSS pixels."""

    name: str
    path: str
    theme: Literal["light", "dark"] = "light"
    width: int = WIDE
    folder: Path = FOLDER
    scrolled: int = 0

    @property
    def file(self) -> Path:
        """Where it goes."""
        narrow = f"-{self.width}" if self.width == NARROW else ""
        return self.folder / f"{self.name}-{self.theme}{narrow}.png"


def list_pictures(*, chat: str, schedule: str) -> list[Picture]:
    """Return what there is to take once the briefing in this chat and those of this schedule are done."""
    return [
        Picture("briefing", chat),
        Picture("briefing", chat, "dark"),
        Picture("briefing", chat, "light", NARROW),
        Picture("permissions", "/settings/permissions/"),
        Picture("permissions", "/settings/permissions/", "dark", NARROW),
        Picture("audit", "/audit/"),
        Picture("audit", "/audit/", "dark", NARROW),
        Picture("chats", "/chats/", "dark"),
        Picture("schedule", f"/schedules/{schedule}/"),
        Picture("schedule", f"/schedules/{schedule}/#history", "dark", NARROW),
    ]


async def take(page: Page, picture: Picture, *, is_opened: bool = False) -> None:
    """Open the page, unless it is open, and write its picture."""
    await page.emulate_media(color_scheme=picture.theme)
    await page.set_viewport_size({"width": picture.width, "height": HEIGHTS[picture.width]})
    if not is_opened:
        await page.goto(picture.path)
        await page.wait_for_load_state("networkidle")
    if picture.scrolled:
        await page.evaluate("to => scrollTo(0, to)", picture.scrolled)
    await page.screenshot(path=picture.file, animations="disabled")


async def take_all(url: str) -> None:
    """Live a morning of the demo user, and take the pictures on the way."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        page = await (await browser.new_context(base_url=url, reduced_motion="reduce")).new_page()
        await sign_in(page)
        for slug in SERVICES:
            await connect(page, slug)
        await page.goto("/")
        await send(page, "Brief me for standup")
        await expect(page.locator(".block").first).to_be_visible(timeout=60_000)
        await take(page, Picture("busy", "", "dark"), is_opened=True)
        await page.goto("/")
        await ask(page, "Brief me for standup")
        chat = page.url.removeprefix(url)
        await take(page, Picture("briefing", chat, "light", SHOWN, LANDING, scrolled=330))
        await take(page, Picture("briefing", chat, "dark", SHOWN, LANDING, scrolled=330))
        await page.set_viewport_size({"width": WIDE, "height": HEIGHTS[WIDE]})
        schedule = await schedule_standup(page)
        await page.get_by_role("main").get_by_role("button", name="Run now").click()
        await expect(page.locator("#history").get_by_text("Unread", exact=True)).to_be_visible(timeout=60_000)
        await page.goto("/settings/permissions/")
        await page.get_by_role("region", name="Google Calendar").get_by_role("button", name="Revoke").click()
        for picture in list_pictures(chat=chat, schedule=schedule):
            await take(page, picture)
        await page.context.clear_cookies()
        await take(page, Picture("landing", "/"))
        await take(page, Picture("landing", "/", "dark", NARROW))
        await browser.close()


def main() -> None:
    """Take the pictures, from an installation that ends with it."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), claude_delay_ms=SLOW_MS) as installation:
        async_to_sync(take_all)(installation.app_url)
    for file in sorted([*FOLDER.glob("*.png"), *LANDING.glob("*.png")]):
        print(f"{file.name:<28}{file.stat().st_size // 1000:>5} kB")


if __name__ == "__main__":
    main()
