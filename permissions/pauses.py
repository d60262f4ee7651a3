"""When a pause ends that a person asks for in words: in an hour, tomorrow, or on a day."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

# Whoever wants more than a year wants to revoke.
_LONGEST = timedelta(days=366)


class PauseError(ValueError):
    """The words name no end that can be taken; the text says why, to the user."""


def end_of(words: str, *, day: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when the pause ends, in UTC: `hour`, `tomorrow`, or with `date` when `day` (ISO 8601) begins in `zone`.

    Raises:
        PauseError: There is no such end, or it is past or more than a year away.
    """
    today = now.astimezone(zone).date()
    match words:
        case "hour":
            return now + timedelta(hours=1)
        case "tomorrow":
            return _begin_of(today + timedelta(days=1), zone=zone)
        case "date":
            return _chosen(day, now=now, zone=zone)
    raise PauseError(gettext("Choose how long the pause is to last."))


def _chosen(day: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    try:
        end = _begin_of(date.fromisoformat(day), zone=zone)
    except (ValueError, OverflowError):
        raise PauseError(gettext("Choose the day on which the pause ends.")) from None
    if not now < end <= now + _LONGEST:
        raise PauseError(gettext("Choose a day after today, within a year."))
    return end


def _begin_of(day: date, *, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
