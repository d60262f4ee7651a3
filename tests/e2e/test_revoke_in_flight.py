"""A revoke in the middle of a slow read, seen from two tabs: live in both, and the briefing says what it lacks."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.installation import Installation
from tests.e2e.journey import ask, audit_rows, send, sign_in, visiting

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("visitor")]

# Slower than a person who looks for the switch, and still within what a read may take.
SLOW = {"provider": "slack", "case": "slow", "times": 20, "seconds": 14}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, connected_installation: Installation) -> AsyncIterator[Page]:
    """Maya's first tab."""
    async with visiting(browser, connected_installation.app_url) as page:
        await sign_in(page)
        yield page


async def test_a_revoke_in_mid_read_is_seen_in_every_tab_and_the_answer_says_what_it_lacks(
    visitor: Page, installation: Installation
) -> None:
    async with httpx.AsyncClient(trust_env=False) as operator:
        (await operator.post(f"{installation.sandbox_url}/faults", json=SLOW)).raise_for_status()
        await send(visitor, "what did I work on yesterday?")
        reading = visitor.locator(".lane[data-provider=slack] .call")
        await expect(reading).to_contain_text("reading", use_inner_text=True, timeout=30_000)
        other = await visitor.context.new_page()
        await other.goto(visitor.url)
        elsewhere = other.locator(".lane[data-provider=slack] .call")
        await expect(elsewhere).to_contain_text("reading", use_inner_text=True, timeout=30_000)

        await other.locator("[popovertarget=dot-slack]").click()
        await expect(other.locator("#dot-slack")).to_be_visible()

        switch = await visitor.context.new_page()
        await switch.goto("/settings/permissions/")
        await switch.get_by_role("region", name="Slack").get_by_role("button", name="Revoke").click()
        await expect(switch.get_by_text("Slack is revoked").first).to_be_visible()

        for lane in (reading, elsewhere):
            await expect(lane).to_have_attribute("data-state", "blocked")
            await expect(lane.get_by_role("link", name="Allow again")).to_be_visible()
            await expect(lane).to_contain_text("AI access to Slack is revoked.")
        for tab in (visitor, other):
            await expect(tab.locator("[popovertarget=dot-slack]")).to_contain_text("Revoked")
            await expect(tab.locator("#palette-switch-slack")).to_contain_text("Restore access to Slack")
        await expect(other.locator("#dot-slack")).to_be_hidden()
        await expect(other.locator("#dot-slack")).to_contain_text("Restore access")
        await (await operator.post(f"{installation.sandbox_url}/faults", json=SLOW | {"times": 0})).aread()
    for page in (visitor, other):
        turn = page.locator("[data-run]").last
        await expect(turn.locator("[data-coverage]")).to_contain_text("Slack revoked, not read", timeout=30_000)
        await expect(turn.locator("[data-answer]")).to_contain_text("AI access to Slack is revoked.")
        await expect(turn.locator("a.evidence[data-provider=slack]")).to_have_count(0)
        await expect(turn.locator("a.evidence[data-provider=github]").first).to_be_visible()
    await other.close()
    await switch.close()


async def test_the_read_that_was_cut_and_the_exchange_after_it_are_on_record(visitor: Page) -> None:
    href = (
        await visitor.locator("[data-run]").last.get_by_role("link", name="See it in the audit").get_attribute("href")
    )
    rows = await audit_rows(visitor, f"{str(href).partition('?')[2]}&service=slack")
    assert sum("token exchanged" in row for row in rows) == 1
    await visitor.goto("/")
    run = await ask(visitor, "what did I work on yesterday?")
    after = await audit_rows(visitor, f"run={run}&service=slack")
    assert after
    assert not [row for row in after if "token exchanged" in row]
    assert await audit_rows(visitor, f"run={run}&service=slack&outcome=denied")
