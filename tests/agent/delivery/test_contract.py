"""What every channel does alike: one delivery each, sent once, tried again as long as it helps, and no secret told."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent.delivery import store
from agent.delivery.channels import WAYS
from agent.delivery.sending import MAX_ATTEMPTS, deliver, deliver_due, wait_before
from agent.delivery.types import DeliveryState, Kind
from agent.delivery_models import Channel as ChannelRow
from agent.delivery_models import Delivery as DeliveryRow
from agent.schedules.types import Schedule
from audit.models import AuditEvent
from tests.agent.delivery.conftest import HOOK, add, become_due, end_one, found
from tests.broken import table_away_async
from tests.receivers import Mailbox, Receiver

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"], transaction=True)

OUTWARD = [kind for kind, way in WAYS.items() if way.is_outward]
Count = Callable[[], int]


@pytest.fixture(params=list(WAYS), ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


@pytest.fixture(params=OUTWARD, ids=str)
def outward(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


@pytest.fixture
def told(alice: User, daily: Schedule, receiver: Receiver, mailbox: Mailbox) -> Count:
    """All channels of alice's schedule, one briefing to be told; returns how much left."""
    for each in OUTWARD:
        add(daily, kind=each, receiver=receiver)
    end_one(daily, user=alice)
    return lambda: len(receiver.got) + len(mailbox.got)


@sync_to_async
def recorded(kind: Kind) -> list[tuple[str, str]]:
    rows = AuditEvent.objects.filter(event__startswith="agent:delivery", method=kind).order_by("id")
    return list(rows.values_list("event", "reason"))


async def test_a_briefing_is_delivered_once_by_each_channel(told: Count, kind: Kind) -> None:
    await deliver_due()
    await deliver_due()
    row = await found(kind)
    assert (row.state, row.attempts, row.error) == (DeliveryState.DELIVERED, 1, "")
    assert told() == len(OUTWARD)


async def test_what_leaves_is_on_record_without_content_or_address(told: Count, outward: Kind) -> None:
    await deliver_due()
    assert await recorded(outward) == [("agent:delivery:started", ""), ("agent:delivery:succeeded", "")]


async def test_of_two_workers_one_sends(told: Count) -> None:
    await asyncio.gather(*(deliver_due() for _ in range(4)))
    assert told() == len(OUTWARD)
    assert await DeliveryRow.objects.filter(state=DeliveryState.DELIVERED).acount() == len(WAYS)


async def test_a_claim_is_taken_by_one_and_says_nothing_once_it_is_lost(told: Count, kind: Kind) -> None:
    await deliver_due()
    await DeliveryRow.objects.aupdate(state=DeliveryState.DUE)
    row, now = await found(kind), timezone.now()
    first = await sync_to_async(store.claim)(row.id, now=now)
    assert first is not None
    assert await sync_to_async(store.claim)(row.id, now=now) is None
    later = now + store.LEASE + timedelta(seconds=1)
    second = await sync_to_async(store.claim)(row.id, now=later)
    assert second is not None
    assert second.was_interrupted
    assert not await sync_to_async(store.end)(first, failure=None, now=later)
    assert await sync_to_async(store.end)(second, failure=None, now=later)


async def test_after_a_process_died_only_what_a_receiver_can_drop_is_sent_again(told: Count, outward: Kind) -> None:
    await deliver_due()
    before, past = told(), timezone.now() - timedelta(seconds=1)
    row = await found(outward)
    await DeliveryRow.objects.filter(id=row.id).aupdate(state=DeliveryState.SENDING, lease_until=past)
    assert await deliver(row.id)
    after = await found(outward)
    if WAYS[outward].is_repeatable:
        assert (told() - before, after.state) == (1, DeliveryState.DELIVERED)
    else:
        assert (told() - before, after.state, after.error) == (0, DeliveryState.GIVEN_UP, "interrupted")


async def test_what_was_switched_off_meanwhile_is_not_sent(told: Count, outward: Kind) -> None:
    await sync_to_async(_make)()
    await ChannelRow.objects.filter(kind=outward).adelete()
    await deliver_due()
    assert (await found(outward)).error == "channel_gone"
    assert told() == len(OUTWARD) - 1


async def test_nothing_leaves_for_an_account_that_was_deactivated_meanwhile(
    told: Count, outward: Kind, alice: User
) -> None:
    """A briefing that waits for the end of the quiet hours, or for its next try, outlives what stops runs."""
    await sync_to_async(_make)()
    await User.objects.filter(pk=alice.pk).aupdate(is_active=False)
    await deliver_due()
    row = await found(outward)
    assert (row.state, row.error) == (DeliveryState.GIVEN_UP, "channel_gone")
    assert told() == 0


def _make() -> None:
    from agent.delivery.sending import make_due  # noqa: PLC0415  (for this one test)

    make_due(now=timezone.now())


async def test_nothing_leaves_that_cannot_be_put_on_record(told: Count, outward: Kind) -> None:
    async with table_away_async("audit", table="audit_event"):
        await deliver_due()
    row = await found(outward)
    assert (told(), row.state, row.error) == (0, DeliveryState.DUE, "audit_unavailable")
    assert (await found(Kind.INBOX)).state == DeliveryState.DELIVERED


@pytest.mark.parametrize("fault", [500, "later", 503])
async def test_a_receiver_that_cannot_is_asked_again_and_then_takes_it(
    alice: User, daily: Schedule, receiver: Receiver, fault: int | str
) -> None:
    for each in (Kind.WEBHOOK, Kind.SLACK):
        await sync_to_async(add)(daily, kind=each, receiver=receiver)
    await sync_to_async(end_one)(daily, user=alice)
    receiver.answers = [fault, fault]
    await deliver_due()
    for each in (Kind.WEBHOOK, Kind.SLACK):
        row = await found(each)
        wait = (row.next_try_at - timezone.now()).total_seconds()
        assert row.state == DeliveryState.DUE
        assert (1700 < wait <= 1800) if fault == "later" else (15 < wait <= 36)
    await become_due()
    await deliver_due()
    assert [(await found(each)).state for each in (Kind.WEBHOOK, Kind.SLACK)] == ["delivered"] * 2
    ids = {got.headers["webhook-id"] for got in receiver.got if "webhook-id" in got.headers}
    assert len(ids) == 1


@pytest.mark.parametrize(("fault", "error"), [(403, "refused"), (410, "gone"), ("redirect", "redirected")])
async def test_a_receiver_that_refuses_is_asked_once(
    alice: User, daily: Schedule, receiver: Receiver, fault: int | str, error: str
) -> None:
    await sync_to_async(add)(daily, kind=Kind.WEBHOOK, receiver=receiver)
    await sync_to_async(end_one)(daily, user=alice)
    receiver.answers = [fault]
    await deliver_due()
    row = await found(Kind.WEBHOOK)
    assert (row.state, row.error) == (DeliveryState.GIVEN_UP, error)
    assert [got.path for got in receiver.got] == ["/hook"]
    assert await recorded(Kind.WEBHOOK) == [("agent:delivery:started", ""), ("agent:delivery:failed", error)]


async def test_it_is_given_up_in_the_end(alice: User, daily: Schedule, receiver: Receiver) -> None:
    await sync_to_async(add)(daily, kind=Kind.WEBHOOK, receiver=receiver)
    await sync_to_async(end_one)(daily, user=alice)
    receiver.answers = [500] * (MAX_ATTEMPTS + 3)
    for _ in range(MAX_ATTEMPTS + 2):
        await deliver_due()
        await become_due()
    row = await found(Kind.WEBHOOK)
    assert (row.state, row.error, len(receiver.got)) == (DeliveryState.GIVEN_UP, "unreachable", MAX_ATTEMPTS)


def test_waits_grow_and_differ() -> None:
    waits = [wait_before(attempt).total_seconds() for attempt in range(2, MAX_ATTEMPTS + 1)]
    assert waits == sorted(waits)
    assert 24 <= waits[0] <= 36
    assert len({wait_before(3) for _ in range(5)}) > 1
    assert wait_before(2, asked_seconds=600) == timedelta(seconds=600)


async def test_no_secret_and_no_address_is_logged_or_recorded(
    alice: User, daily: Schedule, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The canaries: a webhook's secret, its address's path, and the part of Slack's address that is one."""
    caplog.set_level(logging.DEBUG)
    hook = await sync_to_async(add)(daily, kind=Kind.WEBHOOK, receiver=receiver)
    await sync_to_async(add)(daily, kind=Kind.SLACK, receiver=receiver)
    for faults in ([500, 403], [403, "redirect"]):
        await sync_to_async(end_one)(daily, user=alice)
        receiver.answers = list(faults)
        await deliver_due()
        await become_due()
        await deliver_due()
    assert len(receiver.got) > 3
    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("asyncio", "uvicorn"))
    )
    columns = [str(row) async for row in AuditEvent.objects.values_list()]
    stored = [repr(row) async for row in ChannelRow.objects.values_list()]
    for canary in (hook.secret, hook.secret.removeprefix("whsec_"), HOOK, HOOK.rpartition("/")[2], "/hook"):
        for place in (ours, *columns, *stored, repr(hook), repr(hook.channel)):
            assert canary not in place
