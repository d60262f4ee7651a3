"""A due time becomes one briefing with its owner's real authority, or says why not; whoever runs it, and how often."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent import store as runs
from agent.briefing.recipes import RECIPES
from agent.delivery import store as deliveries
from agent.delivery.sending import deliver_due
from agent.delivery.wording import inbox_entry
from agent.models import Run
from agent.runner import current_runner
from agent.schedules import occurrences, owning
from agent.schedules.running import run_occurrence
from agent.schedules.types import Condition, Occurrence, OccurrenceState, Schedule
from agent.schedules.wording import tell_occurrence
from agent.types import RunRequest, RunStatus
from audit.models import AuditEvent
from permissions import switch
from tests.agent.schedules.conftest import (
    SERVICES,
    asker_of,
    change_occurrence,
    change_schedule,
    granted_schedule,
    load,
    make_due_row,
)
from tests.agent.waiting import until
from vault import models as vault_models
from vault.client import sessions, transport

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)


async def run(occurrence: Occurrence) -> Occurrence:
    """Run an occurrence and return what became of it."""
    await run_occurrence(occurrence.id)
    return await load(occurrence)


@sync_to_async
def recorded(kind: str) -> list[tuple[str, str, str]]:
    """Return (event, provider, reason) of the audit events whose name begins with `kind`, without doubles."""
    rows = AuditEvent.objects.filter(event__startswith=kind).order_by("id")
    return list(dict.fromkeys(rows.values_list("event", "provider", "reason")))


def states(occurrence: Occurrence) -> dict[str, str]:
    return {one["provider"]: one["state"] for one in occurrence.coverage}


async def test_a_due_briefing_is_made_by_its_grant_and_the_timeline_says_for_whom(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    done = await run(occurrence)
    assert (done.state, done.reason, done.is_told, done.is_late) == (OccurrenceState.DONE, "", True, False)
    assert states(done) == {"github": "read", "google-calendar": "read", "slack": "read"}
    assert done.changes["needs_me"] > 0
    assert done.run is not None
    answer = await sync_to_async(runs.load_answer)(done.run, user=schedule.user)
    assert answer.question == RECIPES["standup"].question
    assert "[" in answer.text
    assert set(await recorded("vault:exchange")) == {
        ("vault:exchange:granted", provider, "schedule") for provider in SERVICES
    }
    assert await recorded("agent:run:started") == [("agent:run:started", "", "schedule")]


async def test_a_service_revoked_a_minute_before_is_not_read_and_that_is_told(maya: User) -> None:
    schedule = await granted_schedule(maya, condition=Condition.IF_NEEDS_ME, recipe="review-queue")
    await switch.revoke(**asker_of(maya), provider="github")
    done = await run(await make_due_row(schedule))
    assert states(done)["github"] == "revoked"
    assert done.is_told, "nobody can say that nothing needs them"
    assert ("permission:check:denied", "github", "revoked") in await recorded("permission:check")
    assert await recorded("vault:exchange") == []


async def test_what_the_grant_does_not_hold_is_not_read(maya: User) -> None:
    schedule = await granted_schedule(maya)
    await owning.narrow_grant(asker_of(maya), schedule.id, providers=["github"])
    done = await run(await make_due_row(schedule))
    assert states(done) == {"github": "read", "google-calendar": "not_granted", "slack": "not_granted"}
    assert {provider for _, provider, _ in await recorded("vault:exchange:granted")} == {"github"}
    assert ("permission:check:denied", "slack", "not_granted") in await recorded("permission:check")


async def test_a_service_that_may_not_be_read_while_away_is_not(maya: User, schedule: Schedule) -> None:
    await switch.set_away(**asker_of(maya), provider="slack", is_allowed=False)
    done = await run(await make_due_row(schedule))
    assert states(done) == {"github": "read", "google-calendar": "read", "slack": "away"}


async def expire(schedule: Schedule) -> None:
    past = timezone.now() - timedelta(seconds=1)
    await vault_models.Grant.objects.using("vault").aupdate(expires_at=past)
    await change_schedule(schedule, grant_expires_at=past)


async def end(schedule: Schedule) -> None:
    await transport.current().end_grant(subject_token=_token(schedule), grant=schedule.grant)


async def sign_out_everywhere(schedule: Schedule) -> None:
    await sessions.end_subject(user=f"user:{schedule.user}", signed_in_through=timezone.now().timestamp())


async def forget(schedule: Schedule) -> None:
    await vault_models.Grant.objects.using("vault").all().adelete()


async def deactivate(schedule: Schedule) -> None:
    await User.objects.filter(pk=schedule.user).aupdate(is_active=False)


async def pause(schedule: Schedule) -> None:
    await change_schedule(schedule, is_paused=True)


async def spend(schedule: Schedule) -> None:
    await change_schedule(schedule, daily_budget_micro_usd=100)
    earlier = await make_due_row(schedule, due_at=timezone.now() - timedelta(hours=1), state=OccurrenceState.DONE)
    await change_occurrence(earlier, cost_micro_usd=100, started_at=timezone.now())


async def withhold(schedule: Schedule) -> None:
    await change_schedule(schedule, grant="")


def _token(schedule: Schedule) -> str:
    from vault import tokens  # noqa: PLC0415  (for this one way to end a grant)

    return tokens.mint_subject(user=f"user:{schedule.user}", sid="a-session", auth_time=1.0, purpose="connections")


@pytest.mark.parametrize(
    ("spoil", "reason", "is_told"),
    [
        (expire, "grant_expired", True),
        (end, "grant_ended", True),
        (sign_out_everywhere, "grant_ended", True),
        (forget, "grant_ended", True),
        (withhold, "not_granted", False),
        (deactivate, "owner_gone", False),
        (pause, "paused", False),
        (spend, "budget_spent", False),
    ],
)
async def test_what_must_not_run_reads_nothing_and_says_why(
    schedule: Schedule, spoil: Callable[[Schedule], Awaitable[None]], reason: str, is_told: bool
) -> None:
    await spoil(schedule)
    skipped = await run(await make_due_row(schedule))
    assert (skipped.state, skipped.reason, skipped.is_told) == (OccurrenceState.SKIPPED, reason, is_told)
    assert (skipped.run, await Run.objects.acount()) == (None, 0)
    assert await recorded("vault:exchange") == []
    assert await recorded("permission:check") == []
    assert await recorded("agent:schedule") == [("agent:schedule:skipped", "", reason)]


async def test_a_renewed_grant_reads_again(maya: User, schedule: Schedule) -> None:
    await expire(schedule)
    assert (await run(await make_due_row(schedule))).reason == "grant_expired"
    until = timezone.now() + timedelta(days=1)
    await owning.give_grant(asker_of(maya), schedule.id, providers=["github"], expires_at=until)
    done = await run(await make_due_row(schedule))
    assert (done.state, states(done)["github"]) == (OccurrenceState.DONE, "read")


async def test_a_paused_schedule_and_one_out_of_office_still_run_when_asked(maya: User, schedule: Schedule) -> None:
    await change_schedule(schedule, is_paused=True, skips_out_of_office=True)
    asked = await owning.run_now(asker_of(maya), schedule.id)
    assert await owning.run_now(asker_of(maya), schedule.id) == asked, "a second click is the same briefing"
    assert (await run(asked)).state is OccurrenceState.DONE


async def test_five_at_once_make_one_briefing(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    claimed = await asyncio.gather(*(run_occurrence(occurrence.id) for _ in range(5)))
    assert sorted(claimed) == [False, False, False, False, True]
    assert not await run_occurrence(occurrence.id), "and a message that comes again later makes none"
    assert await Run.objects.acount() == 1


def left_behind(schedule: Schedule, occurrence: Occurrence, *, number: int) -> RunRequest:
    """Return the request of a run that a process began for the occurrence before it died."""
    return RunRequest(
        user=schedule.user,
        subject=f"user:{schedule.user}",
        sid="",
        auth_time=1.0,
        user_name="Maya",
        key=f"schedule.{occurrence.id.hex}.{number}",
        text="Brief me for standup.",
        conversation=None,
        time_zone="UTC",
        recipe="standup",
    )


async def killed(schedule: Schedule, occurrence: Occurrence, *, number: int = 1) -> None:
    """Leave what a process leaves that was killed in the middle of a run."""
    assert await sync_to_async(occurrences.claim)(occurrence.id, now=timezone.now()) or number > 1
    ticket = await sync_to_async(runs.create_run)(
        left_behind(schedule, occurrence, number=number), model="m", is_simulated=True, owner="gone"
    )
    long_ago = timezone.now() - timedelta(minutes=2)
    await Run.objects.filter(id=ticket.run).aupdate(heartbeat_at=long_ago)
    await change_occurrence(occurrence, lease_until=long_ago, run_id=ticket.run)


async def test_a_briefing_whose_process_was_killed_is_made_by_the_next_one(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    await killed(schedule, occurrence)
    done = await run(occurrence)
    assert (done.state, done.attempts) == (OccurrenceState.DONE, 2)
    assert [one.status async for one in Run.objects.order_by("started_at")] == [RunStatus.FAILED, RunStatus.FINISHED]


async def test_a_briefing_that_three_processes_died_of_is_given_up_and_says_so(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    for number in (1, 2, 3):
        await killed(schedule, occurrence, number=number)
    failed = await run(occurrence)
    assert (failed.state, failed.reason, failed.is_told) == (OccurrenceState.FAILED, "interrupted", True)
    assert await recorded("vault:exchange") == []


async def test_a_due_time_that_three_processes_died_of_before_a_run_is_given_up_and_says_so(schedule: Schedule) -> None:
    """Such as one whose first step takes more memory than there is."""
    occurrence = await make_due_row(schedule)
    for number in (1, 2, 3):
        claimed = await sync_to_async(occurrences.claim)(occurrence.id, now=timezone.now())
        assert claimed is not None
        assert claimed.occurrence.attempts == number
        await change_occurrence(occurrence, lease_until=timezone.now() - timedelta(seconds=1))
    failed = await run(occurrence)
    assert (failed.state, failed.reason, failed.is_told) == (OccurrenceState.SKIPPED, "never_began", True)
    assert (failed.run, await Run.objects.acount()) == (None, 0)
    assert await recorded("vault:exchange") == []
    assert await recorded("agent:schedule") == [("agent:schedule:skipped", "", "never_began")]
    assert not await run_occurrence(occurrence.id), "it is over"
    assert await deliver_due() == 1
    (delivery,) = await sync_to_async(deliveries.list_inbox)(schedule.user)
    told = [*tell_occurrence(failed).notes, inbox_entry(delivery, name="Standup")["notice"]]
    assert all("stopped three times before it could begin" in sentence for sentence in told)
    assert len(told) == 2


async def test_two_processes_that_died_before_a_run_leave_a_third_that_makes_the_briefing(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    for _ in range(2):
        assert await sync_to_async(occurrences.claim)(occurrence.id, now=timezone.now())
        await change_occurrence(occurrence, lease_until=timezone.now() - timedelta(seconds=1))
    assert (await run(occurrence)).state is OccurrenceState.DONE


async def test_what_waited_and_was_given_back_often_is_not_taken_for_what_processes_died_of(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    for _ in range(5):
        claimed = await sync_to_async(occurrences.claim)(occurrence.id, now=timezone.now())
        assert claimed is not None
        await sync_to_async(occurrences.put_back)(claimed, until=timezone.now())
    assert (await run(occurrence)).state is OccurrenceState.DONE


async def test_a_process_killed_after_its_run_leaves_a_briefing_that_is_not_made_twice(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    first = await run(occurrence)
    past = timezone.now() - timedelta(minutes=1)
    await change_occurrence(occurrence, state=OccurrenceState.RUNNING, lease_until=past, ended_at=None, coverage=[])
    again = await run(occurrence)
    assert (again.run, again.coverage, again.changes) == (first.run, first.coverage, first.changes)
    assert await Run.objects.acount() == 1


async def test_the_next_briefing_says_what_changed_and_what_is_carried(schedule: Schedule) -> None:
    first = await run(await make_due_row(schedule))
    assert set(first.changes) == {"needs_me", "carried", "oldest_days"}
    assert (first.changes["carried"], first.changes["oldest_days"]) == (0, 0)
    second = await run(await make_due_row(schedule))
    same = {"new": 0, "changed": 0, "gone": 0}
    assert second.changes == same | {
        "needs_me": first.changes["needs_me"],
        "carried": first.changes["needs_me"],
        "oldest_days": 1,
    }


async def test_a_briefing_without_news_is_kept_back_where_its_owner_wants_that(maya: User) -> None:
    schedule = await granted_schedule(maya, condition=Condition.IF_CHANGED)
    assert (await run(await make_due_row(schedule))).is_told is True
    assert (await run(await make_due_row(schedule))).is_told is False


async def test_without_room_for_another_run_it_waits_a_minute_and_is_still_the_same_due_time(
    schedule: Schedule,
) -> None:
    """The owner has as many runs going on as one person may."""
    for number in range(5):
        request = left_behind(schedule, await make_due_row(schedule), number=number)
        await sync_to_async(runs.create_run)(request, model="m", is_simulated=True, owner="elsewhere")
    occurrence = await make_due_row(schedule)
    waiting = await run(occurrence)
    assert (waiting.state, waiting.attempts) == (OccurrenceState.DUE, 0)
    assert waiting.begins_at > timezone.now() + timedelta(seconds=30)
    assert not await run_occurrence(occurrence.id)


async def test_a_vault_that_is_away_is_waited_for_and_then_named(schedule: Schedule, settings: Any) -> None:
    occurrence = await make_due_row(schedule)
    await transport.close()
    settings.VAULT_URL = "http://127.0.0.1:9"
    assert (await run(occurrence)).state is OccurrenceState.DUE
    now = timezone.now()
    await change_occurrence(occurrence, begins_at=now, tried_since=now - timedelta(hours=1))
    gone = await run(occurrence)
    assert (gone.state, gone.reason, gone.is_told) == (OccurrenceState.SKIPPED, "vault_unavailable", True)


async def test_a_vault_that_comes_up_with_the_server_after_hours_is_waited_for_anew(
    schedule: Schedule, settings: Any
) -> None:
    occurrence = await make_due_row(schedule)
    assert await sync_to_async(occurrences.claim)(occurrence.id, now=timezone.now())
    hours_ago = timezone.now() - timedelta(hours=3)
    died = {"begins_at": hours_ago, "lease_until": hours_ago, "started_at": hours_ago, "tried_since": hours_ago}
    await change_occurrence(occurrence, **died)
    await transport.close()
    settings.VAULT_URL = "http://127.0.0.1:9"
    waiting = await run(occurrence)
    assert (waiting.state, waiting.reason) == (OccurrenceState.DUE, "vault_unavailable")


async def test_a_process_that_ends_gives_its_claim_back_at_once(schedule: Schedule) -> None:
    occurrence = await make_due_row(schedule)
    task = asyncio.create_task(run_occurrence(occurrence.id))
    await until(lambda: current_runner()._owning)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await load(occurrence)).state is OccurrenceState.DUE
    assert (await run(occurrence)).state is OccurrenceState.DONE
    assert await Run.objects.acount() == 1, "the run that was begun is followed to its end"
