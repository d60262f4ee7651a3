"""What is told, and when: what its schedule's condition lets through, after the quiet hours, once for each briefing."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from agent.delivery import letters, store
from agent.delivery.errors import NeverError
from agent.delivery.sending import make_due
from agent.delivery.types import Claim, Kind
from agent.delivery_models import Delivery as DeliveryRow
from agent.models import Run
from agent.schedule_models import Occurrence as OccurrenceRow
from agent.schedules.types import OccurrenceState, Schedule
from tests.agent.delivery.conftest import end_one
from tests.agent.schedules.conftest import due_row, make_schedule

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"], transaction=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_told": False},
        {"is_told": None, "ended_at": None, "state": OccurrenceState.RUNNING},
        {"ended_at": timezone.now() - timedelta(days=2)},
    ],
    ids=["condition not met", "not ended", "old news"],
)
def test_what_is_not_to_be_told_is_not(alice: User, daily: Schedule, changes: dict[str, Any]) -> None:
    end_one(daily, user=alice, **changes)
    assert make_due(now=timezone.now()) == 0
    assert not DeliveryRow.objects.exists()


def test_however_often_it_is_looked_a_briefing_is_made_once(alice: User, daily: Schedule) -> None:
    end_one(daily, user=alice)
    assert [make_due(now=timezone.now()) for _ in range(3)] == [1, 0, 0]
    occurrence = OccurrenceRow.objects.get()
    store.make(occurrence.id, schedule=daily.id, at=timezone.now())
    assert DeliveryRow.objects.count() == 1


@pytest.mark.parametrize("state", [OccurrenceState.DONE, OccurrenceState.FAILED])
@pytest.mark.parametrize("is_asked", [False, True])
def test_the_quiet_hours_delay_what_was_not_asked_for(alice: User, state: OccurrenceState, is_asked: bool) -> None:
    now, morning = datetime(2027, 5, 3, 23, tzinfo=UTC), datetime(2027, 5, 4, 7, tzinfo=UTC)
    quiet = make_schedule(alice, now=now, quiet_from=time(22), quiet_until=time(7))
    due_row(quiet, state=state, is_asked=is_asked, is_told=True, ended_at=now)
    make_due(now=now)
    assert DeliveryRow.objects.get().next_try_at == (now if is_asked else morning)


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("skipped", "grant_expired", "has expired. Renew it"),
        ("skipped", "grant_ended", "was ended"),
        ("skipped", "vault_unavailable", "token vault did not answer"),
        ("failed", "audit_unavailable", "audit timeline could not be written"),
        ("failed", "interrupted", "was stopped while it was made"),
        ("failed", "run_failed", "making it failed"),
    ],
)
def test_where_there_is_no_briefing_its_reason_is_told(daily: Schedule, state: str, reason: str, words: str) -> None:
    due_row(daily, state=state, reason=reason, is_told=True, ended_at=timezone.now())
    letter = letters.write(_claim())
    assert words in letter.notice
    assert letter.document is None
    assert letter.page.endswith("/inbox/")


def test_a_letter_holds_the_briefing_as_long_as_its_schedule_wants_it(alice: User, daily: Schedule) -> None:
    end_one(daily, user=alice, due_at=datetime(2027, 5, 3, 9, tzinfo=UTC))
    letter = letters.write(_claim())
    assert letter.title == "Standup, 3 May 2027"
    assert letter.document is not None
    assert letter.document.sections
    assert letter.page.endswith(f"/runs/{OccurrenceRow.objects.get().run_id}/")


def test_a_briefing_that_was_deleted_is_not_told(alice: User, daily: Schedule) -> None:
    end_one(daily, user=alice)
    claimed = _claim()
    Run.objects.all().delete()
    with pytest.raises(NeverError, match="briefing_gone"):
        letters.write(claimed)
    OccurrenceRow.objects.all().delete()
    with pytest.raises(NeverError, match="briefing_gone"):
        letters.write(claimed)


def _claim() -> Claim:
    make_due(now=timezone.now())
    row = DeliveryRow.objects.get(kind=Kind.INBOX)
    claimed = store.claim(row.id, now=timezone.now() + timedelta(seconds=1))
    assert claimed is not None
    return claimed
