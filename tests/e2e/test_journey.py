"""A stranger's journey in a real browser on a whole installation: sign in, connect, ask, revoke, ask again, look.

It is the same journey with the vault inside the web process and with the vault apart.
"""

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from devcontext.sandbox.world import tidewater_world
from tests.e2e.canaries import MIN_CHARACTERS, canaries, holds
from tests.e2e.installation import Installation, running
from tests.e2e.journey import SERVICES, UPSTREAM_TOKENS, ask, audit_rows, schedule_standup, send, sign_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module", params=["embedded", "apart"])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("installation"), is_vault_apart=request.param == "apart") as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """The stranger's browser, one for all steps."""
    async with visiting(browser, installation.app_url) as page:
        yield page


async def test_signing_in_takes_one_button(visitor: Page) -> None:
    await sign_in(visitor)
    await expect(visitor.get_by_text("local stand-ins").first).to_be_visible()


async def test_asking_before_connecting_says_what_to_connect(visitor: Page) -> None:
    await ask(visitor, "Brief me for standup")
    answer = visitor.locator("[data-run]").last
    sentence = "Slack is not connected. Connect it in Settings to include Slack data in briefings."
    await expect(answer.get_by_text(sentence).first).to_be_visible()


@pytest.mark.parametrize("slug", SERVICES)
async def test_a_service_is_connected_through_its_own_consent_page(visitor: Page, slug: str) -> None:
    await visitor.goto(f"/auth/connect/{slug}")
    await visitor.get_by_role("button", name=re.compile("Continue to")).click()
    await expect(visitor.get_by_text(f"This is not {SERVICES[slug]}")).to_be_visible()
    await visitor.get_by_role("button", name="Allow").click()
    await expect(visitor.get_by_role("heading", name="Permission Control Center")).to_be_visible()
    await expect(visitor.get_by_text(f"{SERVICES[slug]} is connected").first).to_be_visible()


async def test_saying_no_at_the_provider_is_a_message_and_connects_nothing(visitor: Page) -> None:
    await visitor.goto("/auth/connect/slack")
    await visitor.get_by_role("button", name=re.compile("Continue to")).click()
    await visitor.get_by_role("button", name="Cancel").click()
    await expect(visitor.get_by_text("You did not allow").first).to_be_visible()


async def test_a_free_question_reads_all_three_with_three_exchanges(visitor: Page) -> None:
    await visitor.goto("/")
    run = await ask(visitor, "what did I work on yesterday?")
    exchanges = [row for row in await audit_rows(visitor, f"run={run}") if "token exchanged" in row]
    assert len(exchanges) == 3
    for name in SERVICES.values():
        assert sum(f"{name} token exchanged" in row for row in exchanges) == 1


async def test_the_links_of_a_briefing_lead_to_what_was_read(visitor: Page, installation: Installation) -> None:
    await visitor.goto("/")
    await ask(visitor, "Brief me for standup")
    links = visitor.locator("[data-run] a.evidence")
    hrefs = [str(await link.get_attribute("href")) for link in await links.all()]
    assert {urlsplit(href).path.split("/")[1] for href in hrefs} == {"github", "google", "slack"}
    async with httpx.AsyncClient(trust_env=False) as client:
        for link, href in zip(await links.all(), hrefs, strict=True):
            assert href.startswith(installation.sandbox_url)
            page = await client.get(href)
            assert page.status_code == 200
            assert "andbox" in page.text, await link.inner_text()


async def test_a_reload_in_mid_run_shows_the_run_to_its_end(visitor: Page) -> None:
    await visitor.goto("/")
    await send(visitor, "Brief me for standup")
    await visitor.wait_for_url("**/chat/**")
    await visitor.reload()
    await expect(visitor.get_by_role("link", name="See it in the audit")).to_be_visible(timeout=60_000)
    await expect(visitor.locator("[data-run]")).to_have_count(1)
    await expect(visitor.get_by_role("heading", name="Today")).to_have_count(1)


async def test_a_stopped_run_says_so_and_the_conversation_goes_on(visitor: Page) -> None:
    await visitor.goto("/")
    await send(visitor, "Brief me for standup")
    await visitor.get_by_role("button", name="Stop").click()
    await expect(visitor.get_by_text(re.compile("[Ss]topped")).first).to_be_visible()
    await ask(visitor, "What needs my review?")


async def test_a_revoked_service_is_refused_in_the_answer_and_in_the_timeline(visitor: Page) -> None:
    await visitor.goto("/settings/permissions/")
    card = visitor.get_by_role("region", name="Slack")
    await card.get_by_role("button", name="Revoke").click()
    await expect(card.get_by_text("Revoked", exact=True)).to_be_visible()

    await visitor.goto("/")
    run = await ask(visitor, "Brief me for standup")
    sentence = "AI access to Slack is revoked."
    await expect(visitor.locator("[data-run]").last.get_by_text(sentence).first).to_be_visible()

    denied = await audit_rows(visitor, f"run={run}&outcome=denied&service=slack")
    assert denied
    assert not [row for row in await audit_rows(visitor, f"run={run}&service=slack") if "token exchanged" in row]


async def test_a_restored_service_is_read_again_without_reconnecting(visitor: Page) -> None:
    await visitor.goto("/settings/permissions/")
    card = visitor.get_by_role("region", name="Slack")
    await card.get_by_role("button", name="Restore").click()
    await expect(card.get_by_text("Connected", exact=True)).to_be_visible()
    await visitor.goto("/")
    run = await ask(visitor, "what did I work on yesterday?")
    assert [row for row in await audit_rows(visitor, f"run={run}&service=slack") if "token exchanged" in row]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("unauthorized", "no longer accepts the connection"),
        ("unavailable", "Google Calendar"),
        ("rate_limited", "Google Calendar"),
    ],
)
async def test_a_provider_in_trouble_is_one_sentence_and_the_others_are_read(
    visitor: Page, installation: Installation, fault: str, sentence: str
) -> None:
    order = {"provider": "google-calendar", "case": fault, "times": 3, "seconds": 60}
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.post(f"{installation.sandbox_url}/faults", json=order)).raise_for_status()
        await visitor.goto("/")
        await ask(visitor, "what did I work on yesterday?")
        turn = visitor.locator("[data-run]").last
        await expect(turn.get_by_text(sentence).first).to_be_visible()
        await expect(turn.locator("a.evidence[data-provider=github]").first).to_be_visible()
        await client.post(f"{installation.sandbox_url}/faults", json=order | {"times": 0})


async def test_disconnecting_takes_two_steps_and_ends_the_connection(visitor: Page) -> None:
    await visitor.goto("/settings/permissions/")
    card = visitor.get_by_role("region", name="Google Calendar")
    await card.get_by_role("link", name=re.compile("Disconnect")).click()
    await expect(visitor.get_by_text("Google Cloud project")).to_be_visible()
    await visitor.get_by_role("button", name=re.compile("Disconnect")).click()
    await expect(card.get_by_text("Not connected", exact=True)).to_be_visible()


async def test_nothing_that_was_asked_read_or_answered_lies_in_the_open(
    visitor: Page, installation: Installation
) -> None:
    """Every byte of every database, journal and log of ours: no question, title, message, meeting name or answer."""
    name = "Standup of canary 3d70-8c2e"
    await visitor.goto(f"/schedules/{await schedule_standup(visitor, name=name)}/")
    await visitor.get_by_role("main").get_by_role("button", name="Run now").click()
    newest = visitor.locator("#history .occurrences > li").first
    await expect(newest.get_by_text("Done", exact=True)).to_be_visible(timeout=60_000)
    question = "What of canary 9f1c-b27a did I work on yesterday?"
    await visitor.goto("/")
    await ask(visitor, question)
    answer = await visitor.locator("[data-run] [data-answer]").last.inner_text()
    lines = {line.strip() for line in answer.splitlines() if len(line.strip()) >= MIN_CHARACTERS}
    read = canaries(tidewater_world().now())
    assert len(read) > 30
    assert any(text in answer for text in read), "the answer tells of what was read"
    written = installation.written_bytes("default", "audit", "vault", "app")
    assert holds(written, "maya@tidewater.example"), "an account is not sealed, and is found"
    assert [text for text in {question, name, *lines, *read} if holds(written, text)] == []


async def test_no_upstream_token_lies_anywhere_after_all_this(visitor: Page, installation: Installation) -> None:
    """Every byte that the processes wrote, and every page; the pattern itself is shown to find such tokens."""
    assert UPSTREAM_TOKENS.search(b"x ghu_0123456789abcdef y")
    assert len(installation.written_bytes("default", "audit", "vault")) > 100_000
    assert UPSTREAM_TOKENS.search(installation.written_bytes()) is None
    for path in ("/", "/settings/permissions/", "/audit/"):
        await visitor.goto(path)
        assert UPSTREAM_TOKENS.search((await visitor.content()).encode()) is None
