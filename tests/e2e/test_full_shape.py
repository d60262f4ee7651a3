"""The shape of a deployment, as `./dev up --full` starts it: PostgreSQL, Redis, a vault apart, worker and beat.

A person travels through it in a browser; a briefing comes by itself, made by the worker; and nothing of all that lies
in the open. Each test goes on with what the one before it left.
"""

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, WebSocket, expect

from devcontext.sandbox.world import tidewater_world
from tests.e2e.canaries import MIN_CHARACTERS, canaries, holds
from tests.e2e.full_shape import FullShape, manage, running_full
from tests.e2e.journey import SERVICES, ask, audit_rows, connect, schedule_standup, send, sign_in, visiting
from tests.receivers import Receiver, serve_receiver

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
# A read of Slack takes so long that what is done meanwhile is done in the midst of a run.
SLOW = {"provider": "slack", "case": "slow", "times": 20, "seconds": 4}
NAME = "Standup of canary 3d70-8c2e"
WEBHOOK = "/briefings-of-canary-51fb-e09a"
QUESTION = "What of canary 9f1c-b27a did I work on yesterday?"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with serve_receiver() as made:
        yield made


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FullShape]:
    variables = {"SANDBOX_CLAUDE_DELAY_MS": "5", "LOG_LEVEL": "DEBUG", "WEBHOOKS_ALLOW_LOOPBACK": "true"}
    with running_full(tmp_path_factory.mktemp("full"), **variables) as found:
        yield found


class Frames:
    """What came to a page through its run sockets: of each socket the events, by their run."""

    def __init__(self, page: Page) -> None:
        self.sockets: list[dict[str, list[dict[str, Any]]]] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        if urlsplit(socket.url).path != "/ws/runs/":
            return
        events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.sockets.append(events)

        def take(payload: str | bytes) -> None:
            frame = json.loads(payload)
            if "seq" in frame:
                events[frame["run"]].append(frame)

        socket.on("framereceived", take)

    def whole(self, run: str, *, last: str) -> list[dict[str, Any]]:
        """Return the events of a run as the newest socket had them: all of them, each once, up to the last."""
        events = self.sockets[-1][run]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert [event["type"] for event in events if re.match(r"run\.(finished|stopped|failed)", event["type"])] == [
            last
        ]
        assert events[-1]["type"] == last
        return events


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, shape: FullShape) -> AsyncIterator[Page]:
    """One browser for all steps, of somebody who has connected all three services."""
    async with visiting(browser, shape.url) as page:
        await sign_in(page)
        for slug in SERVICES:
            await connect(page, slug)
        yield page


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def frames(visitor: Page) -> Frames:
    return Frames(visitor)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def schedule(visitor: Page, shape: FullShape, receiver: Receiver) -> str:
    """The address of the page of a schedule that was due three minutes ago and tells a webhook too."""
    address = f"/schedules/{await schedule_standup(visitor, name=NAME)}/"
    await visitor.goto(f"{address}delivery/")
    webhook = visitor.get_by_role("form", name="Webhook")
    await webhook.get_by_label("Address").fill(f"{receiver.url}{WEBHOOK}")
    await webhook.get_by_role("button", name="Turn Webhook on").click()
    await expect(visitor.locator(".delivery-secret")).to_be_visible()
    done = shape.manage("shell", "--no-imports", "-v0", "-c", DUE)
    assert done.returncode == 0, done.stderr
    return address


async def set_slow(shape: FullShape, *, is_slow: bool) -> None:
    """Let reads of Slack take their time, or no more."""
    order = SLOW if is_slow else SLOW | {"times": 0}
    async with httpx.AsyncClient(trust_env=False) as operator:
        (await operator.post(f"{shape.sandbox_url}/faults", json=order)).raise_for_status()


async def run_of(page: Page) -> str:
    """Return the id of the last run that the page shows."""
    return str(await page.locator("[data-run]").last.get_attribute("data-run"))


# The schedule comes first: until beat says that it is due, the others do what they do.
@pytest.mark.usefixtures("schedule")
async def test_a_free_question_streams_and_takes_three_exchanges(visitor: Page, frames: Frames) -> None:
    await visitor.goto("/")
    run = await ask(visitor, QUESTION)
    told = frames.whole(run, last="run.finished")
    assert sum(event["type"] == "block.tail" for event in told) > 1
    exchanges = [row for row in await audit_rows(visitor, f"run={run}") if "token exchanged" in row]
    assert len(exchanges) == 3
    for name in SERVICES.values():
        assert sum(f"{name} token exchanged" in row for row in exchanges) == 1


async def test_a_reload_in_mid_run_loses_nothing(visitor: Page, frames: Frames, shape: FullShape) -> None:
    await set_slow(shape, is_slow=True)
    await visitor.goto("/")
    await send(visitor, "Brief me for standup")
    await expect(visitor.locator(".lane[data-provider=slack] .call").first).to_be_visible()
    run, before = await run_of(visitor), frames.sockets[-1]
    await visitor.reload()
    await set_slow(shape, is_slow=False)
    await expect(visitor.get_by_role("link", name="See it in the audit")).to_be_visible(timeout=60_000)
    await expect(visitor.locator("[data-run]")).to_have_count(1)
    told = frames.whole(run, last="run.finished")
    assert before[run] == told[: len(before[run])]
    assert 0 < len(before[run]) < len(told)


async def test_a_stopped_run_says_so(visitor: Page, frames: Frames, shape: FullShape) -> None:
    await set_slow(shape, is_slow=True)
    await visitor.goto("/")
    await send(visitor, "Brief me for standup")
    await expect(visitor.locator(".lane[data-provider=slack] .call").first).to_be_visible()
    await visitor.get_by_role("button", name="Stop").click()
    await expect(visitor.get_by_text("You stopped this.")).to_be_visible()
    frames.whole(await run_of(visitor), last="run.stopped")
    await set_slow(shape, is_slow=False)


async def test_a_due_briefing_is_found_in_the_inbox(visitor: Page, schedule: str) -> None:
    told = visitor.locator(".deliveries a")
    began_at = monotonic()
    await visitor.goto("/inbox/")
    while not await told.count():
        assert monotonic() - began_at < PATIENCE_SECONDS, "nothing came"
        await visitor.wait_for_timeout(1000)
        await visitor.reload()
    await expect(visitor.locator("[data-unread-number]")).to_have_text("1")
    await told.click()
    await expect(visitor.get_by_role("heading", name="What was read")).to_be_visible()
    await visitor.goto(schedule)
    newest = visitor.locator("#history .occurrences > li").first
    await expect(newest.get_by_text("Done", exact=True)).to_be_visible()
    await expect(newest.locator(".occurrence-coverage > li")).to_have_count(3)
    await expect(newest.get_by_text("You asked for it.")).to_have_count(0)


async def test_a_run_of_the_worker_is_followed_live_to_its_end(
    visitor: Page, frames: Frames, shape: FullShape, schedule: str
) -> None:
    await set_slow(shape, is_slow=True)
    await visitor.goto(schedule)
    await visitor.get_by_role("main").get_by_role("button", name="Run now").click()
    await visitor.get_by_role("link", name="Watch it").click()
    await visitor.get_by_role("link", name="Watch it in its chat").click()
    reading = visitor.locator(".lane[data-provider=slack] .call").first
    await expect(reading).to_contain_text("reading", use_inner_text=True)
    run = await run_of(visitor)
    assert not [event for event in frames.sockets[-1][run] if event["type"] == "run.finished"]
    await set_slow(shape, is_slow=False)
    await expect(visitor.get_by_role("link", name="See it in the audit")).to_be_visible(timeout=60_000)
    frames.whole(run, last="run.finished")
    await visitor.goto(schedule)
    newest = visitor.locator("#history .occurrences > li").first
    await expect(newest.get_by_text("Done", exact=True)).to_be_visible(timeout=30_000)
    await expect(newest.get_by_text("You asked for it.")).to_be_visible()


async def test_a_revoked_service_is_refused_in_the_answer_and_in_the_timeline(visitor: Page) -> None:
    await visitor.goto("/settings/permissions/")
    card = visitor.get_by_role("region", name="Slack")
    await card.get_by_role("button", name="Revoke").click()
    await expect(card.get_by_text("Revoked", exact=True)).to_be_visible()
    await visitor.goto("/")
    run = await ask(visitor, "Brief me for standup")
    await expect(visitor.locator("[data-answer]").get_by_text("AI access to Slack is revoked.").first).to_be_visible()
    assert await audit_rows(visitor, f"run={run}&outcome=denied&service=slack")
    assert not [row for row in await audit_rows(visitor, f"run={run}&service=slack") if "token exchanged" in row]


async def test_a_stolen_database_redis_or_log_shows_profiles_and_preferences_alone(
    visitor: Page, shape: FullShape, receiver: Receiver, schedule: str
) -> None:
    """No question, title, message, meeting name or answer, no name of a schedule and no address of a webhook."""
    await visitor.goto("/")
    await ask(visitor, QUESTION)
    answer = await visitor.locator("[data-run] [data-answer]").last.inner_text()
    lines = {line.strip() for line in answer.splitlines() if len(line.strip()) >= MIN_CHARACTERS}
    read = canaries(tidewater_world().now())
    assert len(read) > 30
    assert any(text in answer for text in read), "the answer tells of what was read"
    await visitor.goto(schedule)
    await expect(visitor.get_by_role("heading", name=NAME, exact=True)).to_be_visible()
    by_webhook = visitor.locator(".deliveries-by-way > li", has_text="Webhook").first
    await expect(by_webhook).to_contain_text("Sent", timeout=30_000)
    assert WEBHOOK in {got.path for got in receiver.got}
    written = {
        "default": shape.database_bytes("DATABASE_URL"),
        "audit": shape.database_bytes("AUDIT_DATABASE_URL"),
        "redis": shape.redis_bytes(),
        "printed": shape.log.read_bytes(),
    }
    assert holds(written["default"], "maya@tidewater.example"), "an account is not sealed, and is found"
    assert b"vault:exchange:granted" in written["audit"]
    assert urlsplit(schedule).path.split("/")[2].encode() in written["default"]
    assert b"celery" in written["redis"]
    assert b" celery.worker" in written["printed"]
    assert b" markdown_it." in written["printed"]
    secrets = {QUESTION, NAME, WEBHOOK, *lines, *read}
    assert [(place, text) for place, found in written.items() for text in secrets if holds(found, text)] == []


async def test_commands_reach_its_databases(shape: FullShape) -> None:
    verified = shape.manage("audit_verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    count = "from django.contrib.auth.models import User; print(User.objects.count())"
    assert shape.manage("shell", "--no-imports", "-v0", "-c", count).stdout.strip() == "1"


async def test_without_it_commands_say_so_in_a_sentence(tmp_path: Path) -> None:
    refused = manage(tmp_path, "check")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("No ./dev up --full runs here.")
