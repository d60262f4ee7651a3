"""The shape of a deployment, as `./dev up --full` starts it: a briefing comes by itself, made by the worker."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from playwright.async_api import Browser, expect

from tests.devcontext.test_launch import ROOT, free_ports, launched, read_until
from tests.e2e.journey import SERVICES, connect, schedule_standup, sign_in, visiting

# Those that ask for no browser would be put behind all other files, and start the whole shape once more.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("browser")]

# The schedule was due three minutes ago, which is past its jitter: beat says every minute to look what is due.
DUE = """
from datetime import timedelta
from django.utils import timezone
from agent.schedule_models import Schedule
due_at = timezone.now().replace(microsecond=0) - timedelta(minutes=3)
Schedule.objects.update(at=due_at.time(), time_zone="UTC", weekdays="0123456", keeps_week=False, skips_holidays=False,
    next_due_at=due_at)
"""
# A minute until beat says it, and the briefing.
PATIENCE_SECONDS = 180


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """The address of the app."""
    ports = free_ports() | {"REDIS_PORT": free_ports()["PORT"]}
    with launched(folder, "up", "--full", **ports, SANDBOX_CLAUDE_DELAY_MS="0") as process:
        assert "Stop with" in read_until(process, "Stop with")
        yield f"http://localhost:{ports['PORT']}"


def manage(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Django command as `./dev manage --full` does."""
    return subprocess.run(
        [sys.executable, "-m", "devcontext.launch", "manage", "--full", *command],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_a_due_briefing_is_found_in_the_inbox(browser: Browser, url: str, folder: Path) -> None:
    async with visiting(browser, url) as page:
        await sign_in(page)
        for slug in SERVICES:
            await connect(page, slug)
        schedule = await schedule_standup(page)
        done = manage(folder, "shell", "--no-imports", "-v0", "-c", DUE)
        assert done.returncode == 0, done.stderr
        told = page.locator(".deliveries a")
        began_at = monotonic()
        await page.goto("/inbox/")
        while not await told.count():
            assert monotonic() - began_at < PATIENCE_SECONDS, "nothing came"
            await page.wait_for_timeout(1000)
            await page.reload()
        await expect(page.locator("[data-unread-number]")).to_have_text("1")
        await told.click()
        await expect(page.get_by_role("heading", name="What was read")).to_be_visible()
        await page.goto(f"/schedules/{schedule}/")
        newest = page.locator("#history .occurrences > li").first
        await expect(newest.get_by_text("Done", exact=True)).to_be_visible()
        await expect(newest.locator(".occurrence-coverage > li")).to_have_count(3)
        await expect(newest.get_by_text("You asked for it.")).to_have_count(0)


async def test_commands_reach_its_databases(url: str, folder: Path) -> None:
    verified = manage(folder, "audit_verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    count = "from django.contrib.auth.models import User; print(User.objects.count())"
    assert manage(folder, "shell", "--no-imports", "-v0", "-c", count).stdout.strip() == "1"


async def test_without_it_commands_say_so_in_a_sentence(tmp_path: Path) -> None:
    refused = manage(tmp_path, "check")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("No ./dev up --full runs here.")
