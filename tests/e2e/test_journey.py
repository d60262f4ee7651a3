"""A stranger's journey in a real browser on a whole installation: sign in, connect, ask, revoke, ask again, look."""

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.installation import Installation, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What each kind of upstream token of the sandbox, and of the real provider, begins with.
UPSTREAM_TOKENS = re.compile(rb"gh[ur]_[A-Za-z0-9]{10}|ya29\.[\w-]{10}|1//[\w-]{10}|xox[ep][.-][\w-]{5}")
SERVICES = {"github": "GitHub", "google-calendar": "Google Calendar", "slack": "Slack"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("installation")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """The stranger's browser, one for all steps; at the end it has complained of nothing."""
    context = await browser.new_context(reduced_motion="reduce", base_url=installation.app_url)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert complaints == []


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


async def test_signing_in_takes_one_button(visitor: Page) -> None:
    await visitor.goto("/")
    await visitor.get_by_role("button", name="Continue as demo user").click()
    await expect(visitor.get_by_role("textbox")).to_be_visible()
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
    sentence = "You revoked AI access to Slack."
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
    order = {"provider": "google-calendar", "fault": fault, "times": 3, "seconds": 60}
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
    await card.get_by_text("Disconnect…").click()
    await card.get_by_role("button", name=re.compile("Disconnect")).click()
    await expect(card.get_by_text("Not connected", exact=True)).to_be_visible()


async def test_no_upstream_token_lies_anywhere_after_all_this(visitor: Page, installation: Installation) -> None:
    """Every byte that the processes wrote, and every page; the pattern itself is shown to find such tokens."""
    assert UPSTREAM_TOKENS.search(b"x ghu_0123456789abcdef y")
    assert len(installation.written_bytes("default", "audit", "vault")) > 100_000
    assert UPSTREAM_TOKENS.search(installation.written_bytes()) is None
    for path in ("/", "/settings/permissions/", "/audit/"):
        await visitor.goto(path)
        assert UPSTREAM_TOKENS.search((await visitor.content()).encode()) is None
