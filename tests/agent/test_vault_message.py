"""A page that lacks what the vault knows says why, and offers the one thing that helps."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from tests.permissions.conftest import DATABASES, Person, SignIn, alice, sign_in, stop_vault
from vault.client import sessions

__all__ = ["alice", "sign_in", "stop_vault"]

pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)

PAGES = (
    *("/settings/permissions/", "/welcome/", "/plan/standup/", "/schedules/"),
    *("{schedule}", "{schedule}plan/", "{schedule}grant/"),
)
SCHEDULE = {
    "name": "Mornings",
    "recipe": "standup",
    "weekdays": ["0"],
    "at": "09:30",
    "time_zone": "Europe/Berlin",
    "condition": "always",
    "length": "short",
}
ALERT = re.compile(r'role="alert">(.*?)</div>', re.DOTALL)


@pytest_asyncio.fixture(autouse=True)
async def _signed_out(sign_in: SignIn) -> AsyncIterator[None]:
    yield


@pytest_asyncio.fixture
async def addresses(alice: Person) -> list[str]:
    """The pages that ask the vault, of somebody who has a schedule."""
    made = await alice.browser.post("/schedules/new/", SCHEDULE)
    return [page.format(schedule=made["Location"].removesuffix("grant/")) for page in PAGES]


async def alert(person: Person, page: str) -> str:
    """Return the one warning in the page, which is said nowhere else on it."""
    html = (await person.browser.get(page)).content.decode()
    assert 'class="strip" data-tone="bad">' not in html
    (found,) = ALERT.findall(html)
    return str(found)


async def test_while_the_vault_is_away_each_page_can_be_tried_again(
    alice: Person, addresses: list[str], stop_vault: Callable[[], Awaitable[None]]
) -> None:
    await stop_vault()
    for page in addresses:
        told = await alert(alice, page)
        assert "The token vault does not answer" in told
        assert f'href="{page}">Try again<' in told
        assert "Sign out" not in told


async def test_once_the_vault_has_ended_the_session_each_page_leads_to_signing_out(
    alice: Person, addresses: list[str]
) -> None:
    await sessions.end_session(**alice.asker)
    for page in addresses:
        told = await alert(alice, page)
        assert "This session has ended" in told
        assert 'href="/accounts/logout/">Sign out<' in told
        assert "Try again" not in told


async def test_a_page_that_has_what_it_needs_warns_of_nothing(alice: Person, addresses: list[str]) -> None:
    for page in addresses:
        assert not ALERT.search((await alice.browser.get(page)).content.decode()), page
