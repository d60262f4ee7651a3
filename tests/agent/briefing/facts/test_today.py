"""Facts of a day's meetings: what is still to come, what overlaps, what is free, and what the next one needs."""

from dataclasses import replace
from datetime import timedelta

from agent.briefing.facts import gather
from agent.briefing.facts.types import Facts, NextStep, Rule
from agent.briefing.types import Reading
from tests.agent.briefing.readings import NOW, WINDOW, event, mention, pull_request, reading, told


def facts_of(*readings: Reading) -> Facts:
    return gather(readings, window=WINDOW, previous=None)


def test_today_holds_what_is_not_over_with_its_conflicts_and_the_free_time() -> None:
    facts = facts_of(
        reading(
            "calendar_agenda",
            event("gc-over", "08:00", "09:00"),
            event("gc-2", "11:00", "12:00", my_response="needsAction"),
            event("gc-1", "10:00", "11:30"),
            event("gc-3", "12:00", "13:00", kind="focus_time"),
            event("gc-4", "10:00", "13:00", is_free=True, kind="event"),
            event("gc-away", "2026-11-24T10:00+01:00", "2026-11-24T10:30+01:00"),
        ),
        reading(
            "calendar_free_slots",
            {"id": "gc-f", "start": "2026-11-23T13:00+01:00", "minutes": 240},
            {"id": "gc-g", "start": "2026-11-24T13:00+01:00", "minutes": 60},
        ),
    )
    assert [fact.id for fact in facts.today.events] == ["gc-4", "gc-1", "gc-2", "gc-3"]
    assert facts.today.events[2].next_step is NextStep.ANSWER_INVITATION
    assert (facts.today.free_minutes, told(facts.today.free)) == (240, [("gc-f", "free_slot")])
    assert [(risk.id, risk.rule, risk.related) for risk in facts.risks] == [
        ("gc-1", Rule.DOUBLE_BOOKING, ("gc-2",)),
    ]
    assert told(facts.next_day) == [("gc-away", "meeting")]


def test_a_whole_day_is_of_its_days_only() -> None:
    whole = {"all_day": True, "kind": "out_of_office"}
    facts = facts_of(
        reading(
            "calendar_agenda",
            event("gc-1", "2026-11-23", "2026-11-24") | {"start": "2026-11-23", "end": "2026-11-24"} | whole,
            event("gc-2", "", "") | {"start": "2026-11-20", "end": "2026-11-23"} | whole,
        )
    )
    assert told(facts.today.events) == [("gc-1", "absence")]


def test_free_time_is_unknown_where_nobody_looked() -> None:
    failed = reading("calendar_free_slots", error="revoked", message="…")
    assert facts_of(failed).today.free_minutes is None
    assert facts_of(reading("calendar_free_slots")).today.free_minutes == 0


def test_on_a_day_off_there_is_no_time_to_be_free() -> None:
    sunday = replace(WINDOW, end=NOW - timedelta(days=1))
    assert gather([reading("calendar_free_slots")], window=sunday, previous=None).today.free_minutes is None


def test_a_slot_of_an_empty_day_has_nothing_to_cite() -> None:
    slot = {"title": "Free", "start": "2026-11-23T10:00+01:00", "minutes": 420}
    assert facts_of(reading("calendar_free_slots", slot)).today.free[0].id == ""


def test_the_next_meeting_is_prepared_with_what_shares_numbers_people_and_words() -> None:
    facts = facts_of(
        reading(
            "calendar_agenda",
            event("gc-late", "15:00", "15:30", title="Retro, Mon 15:00"),
            event("gc-next", "10:00", "10:30", title="Rollback of #41 with Priya, Mon 10:00"),
            event("gc-own", "09:30", "10:00", kind="event", title="Rollback notes, Mon 09:30"),
        ),
        reading(
            "github_my_pull_requests",
            pull_request("gh-41", 41),
            pull_request("gh-9", 9, title="#9 Roll forward"),
            pull_request("gh-8", 8, title="#8 Rollback plan"),
        ),
        reading("slack_mentions", mention("sl-1", "hello"), mention("sl-2", "hello", author="Jonas")),
    )
    assert facts.meeting_prep is not None
    assert facts.meeting_prep.meeting.id == "gc-next"
    assert facts.meeting_prep.related == ("gh-41", "sl-1", "gh-8")


def test_people_are_matched_without_accents_and_the_users_own_name_says_nothing() -> None:
    facts = facts_of(
        reading("calendar_agenda", event("gc-1", "10:00", "10:30", title="Maya / Tomás, Mon 10:00")),
        reading("github_my_pull_requests", pull_request("gh-88", 88, reviewers=["tomas-reyes"])),
        reading(
            "github_mentions",
            {
                "id": "gh-c",
                "repo": "tidewater/harbor-api",
                "number": 88,
                "author": "tomas-reyes",
                "excerpt": "@maya hi",
            },
            {"id": "gh-d", "repo": "tidewater/harbor-api", "number": 9, "author": "priya", "excerpt": "@maya hi"},
        ),
        reading("slack_mentions", mention("sl-1", "@Maya hello")),
    )
    assert facts.meeting_prep
    assert facts.meeting_prep.related == ("gh-88",)


def test_without_a_meeting_there_is_nothing_to_prepare() -> None:
    assert facts_of(reading("calendar_agenda", event("gc-1", "08:00", "09:00"))).meeting_prep is None


def test_what_began_yesterday_and_goes_on_is_of_today_until_it_ends() -> None:
    night = event("gc-night", "2026-11-22T22:00+01:00", "2026-11-23T11:00+01:00")
    to_midnight = event("gc-midnight", "23:00", "2026-11-24T00:00+01:00")
    through = event("gc-through", "23:30", "2026-11-24T00:30+01:00")
    facts = gather([reading("calendar_agenda", night, to_midnight, through)], window=WINDOW, previous=None)
    assert [fact.id for fact in facts.today.events] == ["gc-night", "gc-midnight", "gc-through"]
    assert [fact.id for fact in facts.next_day] == ["gc-through"]


def test_a_meeting_before_the_window_is_not_told_again() -> None:
    """Calendars are read by whole days; a window may begin at noon, with the last briefing."""
    window = replace(WINDOW, start=WINDOW.start.replace(hour=12))
    before = event("gc-10", "2026-11-20T10:00+01:00", "2026-11-20T10:30+01:00")
    after = event("gc-14", "2026-11-20T14:00+01:00", "2026-11-20T14:30+01:00")
    facts = gather([reading("calendar_agenda", before, after)], window=window, previous=None)
    assert told(facts.since_last) == [("gc-14", "met")]
