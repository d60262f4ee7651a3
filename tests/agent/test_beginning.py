"""The chat page offers where a briefing may begin: at the last working day, by the week and the zone of its user."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agent import memory
from agent.beginning import Beginning, offer
from agent.briefing import recipes
from agent.briefing.working_week import WorkingWeek
from agent.types import WeekSettings

AUCKLAND = ZoneInfo("Pacific/Auckland")


def test_it_offers_the_start_of_the_last_working_day_where_its_user_is() -> None:
    monday_in_auckland = datetime(2026, 11, 22, 20, tzinfo=UTC)
    offered = offer(WorkingWeek(time_zone=AUCKLAND), now=monday_in_auckland, has_zone=True)
    assert offered == Beginning("catch-up", "2026-11-20T00:00", "Pacific/Auckland", 92)
    assert offered.recipe in recipes.RECIPES


def test_without_a_chosen_zone_it_names_none() -> None:
    offered = offer(WorkingWeek(time_zone=ZoneInfo("UTC")), now=datetime(2026, 11, 24, 9, tzinfo=UTC), has_zone=False)
    assert (offered.offered, offered.time_zone) == ("2026-11-23T00:00", "")


@pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])
@pytest.mark.parametrize("zone", ["Pacific/Auckland", ""])
def test_the_card_of_one_recipe_has_the_choice(alice: User, client: Client, zone: str) -> None:
    assert alice.pk is not None
    memory.save_week_settings(alice.pk, chosen=WeekSettings(time_zone=zone))
    client.force_login(alice)
    html = client.get("/").content.decode()
    assert html.count('type="datetime-local"') == 1
    assert f'data-time-zone="{zone}"' in html
    assert html.index('data-recipe="catch-up"') < html.index("data-beginning") < html.index('data-recipe="end-of-day"')
