"""Working-day arithmetic, so that an invented or moved history always has a last working day with something in it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SATURDAY = 5


def is_working_day(day: date) -> bool:
    """Return whether `day` is a Monday to Friday."""
    return day.weekday() < _SATURDAY


def last_working_day(day: date) -> date:
    """Return the newest working day before `day`: for a Saturday, Sunday or Monday the Friday before."""
    day -= timedelta(days=1)
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


@dataclass(frozen=True, slots=True)
class Days:
    """The days around one moment, in the team's time zone."""

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The date the team's clocks show."""
        return self.now.astimezone(self.zone).date()

    def working_day(self, back: int) -> date:
        """Return the working day `back` steps before today: 1 is the last one; 0 is today, whatever day that is."""
        day = self.today
        for _ in range(back):
            day = last_working_day(day)
        return day

    def at(self, clock: str, *, back: int = 0) -> datetime:
        """Return the instant the team's clocks show `clock` ("HH:MM") on the working day `back` steps before today."""
        return self.on(self.working_day(back), clock)

    def days_ago(self, days: int, clock: str) -> datetime:
        """Return `clock` on the newest working day that is at least `days` calendar days ago."""
        day = self.today - timedelta(days=days)
        return self.on(day if is_working_day(day) else last_working_day(day), clock)

    def on(self, day: date, clock: str) -> datetime:
        """Return the instant the team's clocks show `clock` ("HH:MM") on `day`."""
        return datetime.combine(day, time.fromisoformat(clock), tzinfo=self.zone)
