"""The choice of where a briefing begins: by keyboard, in the zone of its user, and refused beside its field."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.run_socket_peer import Peer

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Twelve past nine on a Monday in Berlin.
NOW = "2026-11-23T08:12:00Z"


@pytest.mark.parametrize(
    ("wall_time", "instant"),
    [
        ("2026-11-20T00:00", "2026-11-19T23:00:00.000Z"),
        # An hour and a half before clocks are set back.
        ("2026-10-25T01:30", "2026-10-24T23:30:00.000Z"),
    ],
)
async def test_a_catch_up_begins_at_the_chosen_time_in_the_zone_of_its_user(
    page: Page, peer: Peer, wall_time: str, instant: str
) -> None:
    peer.on_frame = peer.accept
    await page.clock.set_fixed_time(NOW)
    await page.goto("/")
    await page.get_by_text("Since when?").press("Enter")
    await expect(page.get_by_text("Europe/Berlin")).to_be_visible()
    field = page.get_by_label("Catch me up since")
    await expect(field).to_have_value("2026-11-20T00:00")
    await field.fill(wall_time)
    await field.press("Enter")
    (sent,) = await peer.receive("send")
    assert (sent["recipe"], sent["since"], sent["text"]) == ("catch-up", instant, "Catch me up on what I missed.")


@pytest.mark.parametrize(
    ("wall_time", "sentence"),
    [
        ("", "Choose a day and a time."),
        # A minute after what a clock in Berlin shows.
        ("2026-11-23T09:13", "That is still to come. Choose a time that is over."),
        ("2026-08-22T09:12", "A briefing reaches back 92 days at most. Choose a later time."),
    ],
)
async def test_a_time_that_nothing_can_be_read_from_is_refused_beside_its_field(
    page: Page, peer: Peer, wall_time: str, sentence: str
) -> None:
    await page.clock.set_fixed_time(NOW)
    await page.goto("/")
    await page.get_by_text("Since when?").click()
    field = page.get_by_label("Catch me up since")
    await field.fill(wall_time)
    await page.get_by_role("button", name="Catch me up since then").click()
    await expect(page.locator("#since-error")).to_have_text(sentence)
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    assert peer.sent("send") == []
    await field.fill("2026-11-23T09:12")
    await expect(page.locator("#since-error")).to_be_empty()
