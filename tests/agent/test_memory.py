"""What is remembered between briefings, per person, and sealed where it tells of their work."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from agent import memory
from agent.briefing.facts.types import FactSet, Rule, Seen
from agent.briefing.working_week import WorkingWeek
from agent.models import FactSet as FactSetRow
from agent.types import Past, WeekSettings
from tests.agent.conftest import request_of, start

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
MONDAY = FRIDAY + timedelta(days=3)
MIDNIGHT = MONDAY.replace(hour=0)
SEEN = Seen("gh-3f9a1c2e", Rule.CONFLICTS, FRIDAY)


def chat_of(user: User) -> UUID:
    """Return a new conversation of `user`."""
    return start(request_of(user)).conversation


def keep(user: User, made_at: datetime, *, recipe: str = "standup") -> None:
    memory.keep_facts(user.pk, recipe=recipe, fact_set=FactSet(made_at, (SEEN,)), conversation=chat_of(user))


def past(user: User) -> Past:
    return memory.load_past(user.pk, recipe="standup", today_began_at=MIDNIGHT)


def test_a_week_that_nobody_chose_is_monday_to_friday_where_the_browser_is(alice: User) -> None:
    assert memory.load_week(alice.pk, browser_zone=BERLIN) == WorkingWeek(time_zone=BERLIN)


def test_a_chosen_week_counts_with_its_own_zone(alice: User, mallory: User) -> None:
    chosen = WeekSettings(weekdays=(0, 6), country="DE", subdivision="BE", time_zone="Asia/Tokyo")
    memory.save_week_settings(alice.pk, chosen=WeekSettings(weekdays=(1,)))
    memory.save_week_settings(alice.pk, chosen=chosen)
    tokyo = ZoneInfo("Asia/Tokyo")
    assert memory.load_week(alice.pk, browser_zone=BERLIN) == WorkingWeek(tokyo, (0, 6), "DE", "BE")
    assert memory.load_week_settings(mallory.pk) == WeekSettings()


def test_without_a_briefing_there_is_no_past(alice: User) -> None:
    assert past(alice) == Past()


def test_the_last_briefing_is_compared_with_and_the_last_one_before_today_is_the_begin(alice: User) -> None:
    keep(alice, FRIDAY)
    keep(alice, MONDAY)
    assert past(alice) == Past(fact_set=FactSet(MONDAY, (SEEN,)), last_at=FRIDAY)


def test_other_people_and_other_recipes_are_no_past(alice: User, mallory: User) -> None:
    keep(mallory, FRIDAY)
    keep(alice, FRIDAY, recipe="catch-up")
    assert past(alice) == Past()


def test_what_is_too_old_is_forgotten(alice: User) -> None:
    keep(alice, FRIDAY - timedelta(days=40))
    keep(alice, FRIDAY)
    assert memory.forget_facts(before=FRIDAY) == 1
    assert list(FactSetRow.objects.values_list("made_at", flat=True)) == [FRIDAY]


def test_facts_lie_sealed_and_open_in_their_own_row_only(alice: User) -> None:
    """A row that is swapped for another one does not open, and is then no past."""
    keep(alice, FRIDAY)
    keep(alice, MONDAY)
    older, newer = FactSetRow.objects.order_by("made_at")
    assert b"gh-3f9a1c2e" not in bytes(newer.sealed_facts)
    FactSetRow.objects.filter(id=newer.id).update(sealed_facts=older.sealed_facts)
    assert past(alice) == Past(fact_set=None, last_at=FRIDAY)


@pytest.mark.parametrize("keys", ["", "9:" + "A" * 43])
def test_without_their_key_facts_are_no_past(alice: User, settings: Settings, keys: str) -> None:
    keep(alice, FRIDAY)
    settings.CONTENT_KEYS = keys
    assert past(alice).fact_set is None


def test_a_set_that_was_never_made_is_not_kept(alice: User) -> None:
    memory.keep_facts(alice.pk, recipe="standup", fact_set=FactSet(), conversation=chat_of(alice))
    assert not FactSetRow.objects.exists()
