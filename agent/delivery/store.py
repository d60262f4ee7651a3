"""Channels and deliveries in the tables: short sync functions, each its own transaction, and nobody else's rows.

A claim is a compare-and-swap with a name of its own: of two workers one sends, and who lost it changes nothing.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet

from agent.delivery.errors import ChannelNotFoundError, NotSentAgainError, TestedTooSoonError
from agent.delivery.types import Channel, Claim, Delivery, DeliveryState, Failure, Kind
from agent.delivery_models import Channel as ChannelRow
from agent.delivery_models import Delivery as Row
from agent.paging import LISTED
from agent.schedules.occurrences import occurrence_of
from agent.sealing import Place, seal, unseal

# Longer than the longest try: connecting, sending and waiting for an answer all have their ends well before.
LEASE = timedelta(seconds=120)
# A person who looks whether it works; not one who fills somebody's mailbox.
TEST_EVERY = timedelta(seconds=20)


def put_channel(schedule: UUID, *, user: int, kind: Kind, address: str, secret: str) -> Channel:
    """Store a channel of a schedule that the caller knows to be the user's, in the place of one of its kind."""
    channel = uuid4()
    with transaction.atomic(using="default"):
        # Two tabs at once: the one that comes second takes the place of the first's.
        get_user_model().objects.select_for_update(no_key=True).get(pk=user)
        ChannelRow.objects.filter(schedule_id=schedule, schedule__user_id=user, kind=kind).delete()
        row = ChannelRow.objects.create(
            id=channel,
            schedule_id=schedule,
            kind=kind,
            sealed_address=seal(address, place=Place("channel.address", channel)) if address else b"",
            sealed_secret=seal(secret, place=Place("channel.secret", channel)) if secret else b"",
        )
    return _channel_of(row)


def delete_channel(channel: UUID, *, user: int) -> Kind:
    """Delete a channel, and return what it was.

    Raises:
        ChannelNotFoundError: It is not this user's.
    """
    row = ChannelRow.objects.filter(id=channel, schedule__user_id=user).first()
    if row is None or not ChannelRow.objects.filter(id=channel).delete()[0]:
        raise ChannelNotFoundError
    return Kind(row.kind)


def find_owner(channel: UUID) -> int | None:
    """Return whose channel it is, None if it was deleted."""
    return ChannelRow.objects.filter(id=channel).values_list("schedule__user_id", flat=True).first()


def find_place(channel: UUID, *, user: int) -> tuple[UUID, Kind] | None:
    """Return of which schedule a channel of this user is, and what it is; None if it is not theirs."""
    row = ChannelRow.objects.filter(id=channel, schedule__user_id=user).first()
    return (row.schedule_id, Kind(row.kind)) if row else None


def list_kinds(schedule: UUID, *, user: int) -> dict[Kind, UUID]:
    """Return the ids of a schedule's channels by what they are; nothing is opened."""
    rows = ChannelRow.objects.filter(schedule_id=schedule, schedule__user_id=user)
    return {Kind(kind): channel for channel, kind in rows.values_list("id", "kind")}


def load_channel(channel: UUID, *, user: int) -> Channel:
    """Return a channel in the open, to send by it.

    Raises:
        ChannelNotFoundError: It is not this user's.
        ContentClosedError: It does not open.
    """
    row = ChannelRow.objects.select_related("schedule").filter(id=channel, schedule__user_id=user).first()
    if row is None:
        raise ChannelNotFoundError
    return _channel_of(row)


def find_channel(occurrence: UUID, *, kind: Kind) -> Channel | None:
    """Return the channel of this kind of the schedule that an occurrence is of; raises `ContentClosedError`.

    None where there is none any more, or where its owner was deactivated.
    """
    rows = ChannelRow.objects.select_related("schedule").filter(schedule__occurrences=occurrence, kind=kind)
    # SECURITY: what waited for the end of quiet hours or for another try leaves no more for who was deactivated since.
    row = rows.filter(schedule__user__is_active=True).first()
    return _channel_of(row) if row else None


def note_test(channel: UUID, *, now: datetime) -> None:
    """Note that a test goes out.

    Raises:
        TestedTooSoonError: One went out a moment ago.
    """
    may_test = Q(tested_at=None) | Q(tested_at__lte=now - TEST_EVERY)
    if not ChannelRow.objects.filter(may_test, id=channel).update(tested_at=now):
        raise TestedTooSoonError


def make(occurrence: UUID, *, schedule: UUID, at: datetime) -> None:
    """Make the deliveries of a briefing, one for the inbox and one for each channel; safe to do twice."""
    kinds = [Kind.INBOX.value, *ChannelRow.objects.filter(schedule_id=schedule).values_list("kind", flat=True)]
    rows = [Row(occurrence_id=occurrence, kind=kind, state=DeliveryState.DUE, next_try_at=at) for kind in kinds]
    # In one statement: whoever looks next finds all of them, or none and makes them.
    Row.objects.bulk_create(rows, ignore_conflicts=True)


def list_to_try(*, now: datetime, limit: int) -> tuple[UUID, ...]:
    """Return what may be tried now, what waits for longest first: due ones, and those whose lease ran out."""
    return tuple(Row.objects.filter(_is_free(now)).order_by("next_try_at").values_list("id", flat=True)[:limit])


def find_next_try(*, after: datetime) -> datetime | None:
    """Return when the next delivery can be tried that cannot yet."""
    rows = Row.objects.filter(state=DeliveryState.DUE, next_try_at__gt=after).order_by("next_try_at")
    return rows.values_list("next_try_at", flat=True).first()


def claim(delivery: UUID, *, now: datetime) -> Claim | None:
    """Return the right to try a delivery; of all that ask at once, one gets it."""
    row = Row.objects.select_related("occurrence__schedule").filter(_is_free(now), id=delivery).first()
    if row is None:
        return None
    owner = secrets.token_hex(16)
    # SECURITY: the number of claims is compared as well, so that what two saw free is taken by one.
    taken = Row.objects.filter(_is_free(now), id=delivery, attempts=row.attempts).update(
        state=DeliveryState.SENDING, claimed_by=owner, lease_until=now + LEASE, attempts=row.attempts + 1
    )
    if not taken:
        return None
    return Claim(
        id=row.id,
        occurrence=row.occurrence_id,
        user=row.occurrence.schedule.user_id,
        kind=Kind(row.kind),
        attempts=row.attempts + 1,
        was_interrupted=row.state == DeliveryState.SENDING,
        owner=owner,
    )


def end(claimed: Claim, *, failure: Failure | None, now: datetime) -> bool:
    """End a delivery, given up where it failed; False when the claim is lost."""
    state = DeliveryState.GIVEN_UP if failure else DeliveryState.DELIVERED
    return bool(_held(claimed).update(state=state, error=failure or "", lease_until=None, ended_at=now))


def put_back(claimed: Claim, *, failure: Failure, until: datetime) -> bool:
    """Let a delivery be tried again from an instant on; False when the claim is lost."""
    return bool(
        _held(claimed).update(
            state=DeliveryState.DUE, error=failure, claimed_by="", lease_until=None, next_try_at=until
        )
    )


def list_inbox(user: int, *, before: datetime | None = None) -> tuple[Delivery, ...]:
    """Return what came into the user's inbox before an instant, the newest first, for `agent.paging.page_of`."""
    rows = _inbox(user).filter(ended_at__lt=before) if before else _inbox(user)
    return tuple(map(_value_of, rows.select_related("occurrence").order_by("-ended_at")[:LISTED]))


def count_unread(user: int) -> int:
    """Return how much of the user's inbox is unread."""
    return _inbox(user).filter(seen_at=None).count()


def see(delivery: UUID, *, user: int, now: datetime) -> Delivery:
    """Mark one of the inbox as read and return it.

    Raises:
        ChannelNotFoundError: It is not in this user's inbox.
    """
    row = _inbox(user).select_related("occurrence").filter(id=delivery).first()
    if row is None:
        raise ChannelNotFoundError
    Row.objects.filter(id=delivery, seen_at=None).update(seen_at=now)
    return _value_of(row)


def see_all(user: int, *, now: datetime) -> None:
    """Mark all of the user's inbox as read."""
    Row.objects.filter(id__in=_inbox(user).filter(seen_at=None).values("id")).update(seen_at=now)


def list_deliveries(schedule: UUID, *, user: int, limit: int = 20) -> tuple[Delivery, ...]:
    """Return the newest deliveries of a schedule by its channels, the inbox left out."""
    rows = Row.objects.filter(occurrence__schedule_id=schedule, occurrence__schedule__user_id=user)
    shown = rows.exclude(kind=Kind.INBOX).select_related("occurrence").order_by("-created_at", "kind")
    return tuple(map(_value_of, shown[:limit]))


def list_by_occurrence(ids: Iterable[UUID], *, user: int) -> dict[UUID, tuple[Delivery, ...]]:
    """Return the deliveries of these occurrences of the user, the inbox's first, by the occurrence's id."""
    rows = Row.objects.filter(occurrence_id__in=list(ids), occurrence__schedule__user_id=user)
    found: dict[UUID, tuple[Delivery, ...]] = {}
    for one in map(_value_of, rows.select_related("occurrence")):
        found[one.occurrence] = tuple(sorted((*found.get(one.occurrence, ()), one), key=_order))
    return found


def find_delivery(delivery: UUID, *, user: int) -> Delivery | None:
    """Return a delivery of this user; None if it is not theirs."""
    row = Row.objects.select_related("occurrence").filter(id=delivery, occurrence__schedule__user_id=user).first()
    return _value_of(row) if row else None


def send_again(delivery: Delivery, *, now: datetime) -> None:
    """Let a delivery be tried at once, with all its tries before it, where it was given up or waits for another try.

    Raises:
        NotSentAgainError: It is neither, or its channel was removed.
        TestedTooSoonError: Its channel was tried by hand a moment ago.
    """
    channel = ChannelRow.objects.filter(schedule_id=delivery.schedule, kind=delivery.kind).first()
    is_stuck = Q(state=DeliveryState.GIVEN_UP) | Q(state=DeliveryState.DUE, attempts__gt=0)
    stuck = Row.objects.filter(is_stuck, id=delivery.id)
    if channel is None or not stuck.exists():
        raise NotSentAgainError
    note_test(channel.id, now=now)
    again = {"state": DeliveryState.DUE, "attempts": 0, "error": "", "claimed_by": "", "ended_at": None}
    if not stuck.update(**again, next_try_at=now):
        # Somebody has begun to try it meanwhile.
        raise NotSentAgainError


def _order(delivery: Delivery) -> tuple[bool, str]:
    return delivery.kind is not Kind.INBOX, delivery.kind


def _inbox(user: int) -> QuerySet[Row]:
    return Row.objects.filter(kind=Kind.INBOX, state=DeliveryState.DELIVERED, occurrence__schedule__user_id=user)


def _is_free(now: datetime) -> Q:
    is_due = Q(state=DeliveryState.DUE, next_try_at__lte=now)
    return is_due | Q(state=DeliveryState.SENDING, lease_until__lt=now)


def _held(claimed: Claim) -> QuerySet[Row]:
    return Row.objects.filter(id=claimed.id, state=DeliveryState.SENDING, claimed_by=claimed.owner)


def _channel_of(row: ChannelRow) -> Channel:
    return Channel(
        id=row.id,
        schedule=row.schedule_id,
        user=row.schedule.user_id,
        kind=Kind(row.kind),
        address=_open(row.sealed_address, place=Place("channel.address", row.id)),
        secret=_open(row.sealed_secret, place=Place("channel.secret", row.id)),
    )


def _open(sealed: bytes | memoryview, *, place: Place) -> str:
    return unseal(sealed, place=place) if sealed else ""


def _value_of(row: Row) -> Delivery:
    return Delivery(
        id=row.id,
        schedule=row.occurrence.schedule_id,
        occurrence=row.occurrence_id,
        kind=Kind(row.kind),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_try_at=row.next_try_at,
        error=row.error,
        ended_at=row.ended_at,
        seen_at=row.seen_at,
        due_at=row.occurrence.due_at,
        outcome=row.occurrence.state,
        reason=row.occurrence.reason,
        is_late=occurrence_of(row.occurrence).is_late,
        missed=row.occurrence.missed,
        changes=row.occurrence.changes,
        run=row.occurrence.run_id,
    )
