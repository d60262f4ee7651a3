"""More than fit a page: all that was told is reached, and what became of each due time, and nothing stays unread."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agent.delivery.types import DeliveryState, Kind
from agent.delivery_models import Delivery as DeliveryRow
from agent.paging import PAGE_SIZE
from agent.schedule_models import Occurrence as Row
from agent.schedules.types import OccurrenceState, Schedule

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"], transaction=True)

# What the pages show: a day that is told by its due time.
Shown = Callable[[Client, str], list[datetime]]


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def told(daily: Schedule) -> list[datetime]:
    """One more than fit a page, each day told at once, the newest first: when each was due. The oldest is unread."""
    now = timezone.now()
    due = [now - timedelta(days=day) for day in range(PAGE_SIZE + 1)]
    ended = {"state": OccurrenceState.DONE, "is_told": True}
    rows = [Row(schedule_id=daily.id, due_at=at, begins_at=at, started_at=at, ended_at=at, **ended) for at in due]
    Row.objects.bulk_create(rows)
    arrived = {"kind": Kind.INBOX, "state": DeliveryState.DELIVERED}
    DeliveryRow.objects.bulk_create(
        DeliveryRow(
            occurrence=row,
            next_try_at=row.due_at,
            ended_at=row.due_at,
            seen_at=None if row.due_at == due[-1] else now,
            **arrived,
        )
        for row in rows
    )
    return due


def in_inbox(browser: Client, query: str) -> list[datetime]:
    return [one["due_at"] for one in browser.get(f"/inbox/{query}").context["entries"]]


def in_history(browser: Client, query: str) -> list[datetime]:
    address = f"/schedules/{Row.objects.values_list('schedule', flat=True)[0]}/{query}"
    return [one.due_at for one, _ in browser.get(address).context["history"]]


def test_the_oldest_unread_is_reached_and_can_be_marked_as_read(browser: Client, told: list[datetime]) -> None:
    shown = browser.get("/inbox/")
    assert "Mark all as read" in shown.content.decode(), "though none of this page is unread"
    assert [one["due_at"] for one in shown.context["entries"]] == told[:PAGE_SIZE]
    older = browser.get("/inbox/", {"before": shown.context["next_before"]})
    (oldest,) = older.context["entries"]
    assert (oldest["due_at"], oldest["is_unread"]) == (told[-1], True)
    html = older.content.decode()
    assert 'href="/inbox/">Newest</a>' in html
    assert ">Older</a>" not in html
    browser.post("/inbox/")
    assert browser.get("/inbox/unread/").json() == {"unread": 0}
    assert "Mark all as read" not in browser.get("/inbox/").content.decode()


def test_the_whole_history_of_a_schedule_is_reached(browser: Client, told: list[datetime], daily: Schedule) -> None:
    address = f"/schedules/{daily.id}/"
    shown = browser.get(address)
    assert [one.due_at for one, _ in shown.context["history"]] == told[:PAGE_SIZE]
    assert f'href="?before={quote(shown.context["next_before"])}#history">Older</a>' in shown.content.decode()
    older = browser.get(address, {"before": shown.context["next_before"]})
    assert [one.due_at for one, _ in older.context["history"]] == told[PAGE_SIZE:]
    html = older.content.decode()
    assert f'href="{address}#history">Newest</a>' in html
    assert ">Older</a>" not in html


@pytest.mark.parametrize("shown", [in_inbox, in_history])
@pytest.mark.parametrize(
    "query",
    [
        "?before=soon",
        "?before=2026-01-01",
        "?before=2026-01-01T00:00",
        "?before=2026-13-45T00:00Z",
        "?before=0001-01-01T00:00:00%2B14:00",
        # An instant that no database holds in UTC.
        "?before=9999-12-31T23:59:59-14:00",
        "?before=%00",
        "?before=' OR 1=1 --",
    ],
)
def test_an_address_that_makes_no_sense_shows_the_first_page(
    browser: Client, told: list[datetime], shown: Shown, query: str
) -> None:
    assert shown(browser, query) == told[:PAGE_SIZE]


@pytest.mark.parametrize(("shown", "page"), [(in_inbox, "/inbox/"), (in_history, None)], ids=["inbox", "history"])
def test_before_everything_there_is_nothing_and_a_way_back(
    browser: Client, told: list[datetime], daily: Schedule, shown: Shown, page: str | None
) -> None:
    query = "?before=1970-01-01T00:00Z"
    assert shown(browser, query) == []
    html = browser.get(f"{page or f'/schedules/{daily.id}/'}{query}").content.decode()
    assert "Nothing older is kept." in html
    assert ">Newest</a>" in html


def test_of_others_nothing_is_paged_through(told: list[datetime], mallory: User) -> None:
    client = Client()
    client.force_login(mallory)
    assert in_inbox(client, f"?before={quote(told[0].isoformat())}") == []
