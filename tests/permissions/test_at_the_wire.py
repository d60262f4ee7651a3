"""What the switches of a service send to it: nothing. The providers note every request that reaches them."""

import pytest

from permissions import connections
from tests.agent.waiting import until
from tests.permissions.conftest import DATABASES, Connect, Person
from tests.vault.upstream import Upstream

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

PAGE = "/settings/permissions/"
SWITCHES: tuple[tuple[str, dict[str, str]], ...] = (
    ("revoke", {}),
    ("restore", {}),
    ("pause", {"for": "hour"}),
    ("restore", {}),
    ("away", {"is_allowed": "yes"}),
)


@pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"])
async def test_only_a_disconnect_is_told_to_the_provider(
    provider: str, alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice, provider)
    before = len(upstream.requests)
    assert before > 0
    for action, fields in SWITCHES:
        assert (await alice.browser.post(f"{PAGE}{provider}/{action}", fields)).status_code == 303
    await alice.browser.post(f"{PAGE}revoke-all")
    status = await connections.load_status(**alice.asker, provider=provider, is_fresh=True)
    assert (status.state.value, status.is_away_allowed) == ("revoked", True)
    assert upstream.requests[before:] == []
    await alice.browser.post(f"{PAGE}{provider}/disconnect")
    await until(lambda: len(upstream.requests) > before)
