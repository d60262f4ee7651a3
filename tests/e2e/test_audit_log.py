"""The signed log in a whole installation: a browser checks the events it is shown, and so does a command."""

import re
import sqlite3
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.installation import Installation, running
from tests.e2e.journey import ask, sign_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The vault apart: the web process has the log's public key only."""
    with running(tmp_path_factory.mktemp("installation"), is_vault_apart=True) as found:
        yield found


def rewrite_an_event(installation: Installation) -> None:
    """As who owns the file would."""
    database = sqlite3.connect(installation.plan.folder / "audit.sqlite3", timeout=20)
    triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        database.execute(f"DROP TRIGGER {name}")
    database.execute("UPDATE audit_event SET reason = 'rewritten' WHERE id = (SELECT min(id) + 1 FROM audit_event)")
    for _, statement in triggers:
        database.execute(statement)
    database.commit()
    database.close()


async def verdict(page: Page, *, begins: str) -> str:
    """Press the button and return what the page says."""
    await page.goto("/audit/")
    said = page.locator("[data-verdict][data-tone]")
    button = page.get_by_role("button", name="Verify these events")
    await button.click()
    await expect(said).to_have_text(re.compile(begins), timeout=20_000)
    return await said.inner_text()


async def test_a_browser_and_a_command_find_an_event_that_was_rewritten(
    browser: Browser, installation: Installation
) -> None:
    async with visiting(browser, installation.app_url, expected="404") as page:
        await sign_in(page)
        await ask(page, "Brief me for standup")
        whole = await verdict(page, begins="events are in the signed log of")
        assert "could not be checked" not in whole
        assert installation.manage("vault", "audit_verify").returncode == 0
        rewrite_an_event(installation)
        assert await verdict(page, begins="Not what was sealed: number 2.")
        verified = installation.manage("vault", "audit_verify")
        assert (verified.returncode, "Event 2 was changed." in verified.stderr) == (1, True)
