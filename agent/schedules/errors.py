"""Errors of schedules.

ScheduleError
├── ScheduleNotFoundError   no such schedule or occurrence of this user
├── TooManySchedulesError   the user has as many schedules as one person may
├── BadScheduleError        what the owner says makes no schedule; `field` names where
└── NoGrantError            the schedule has no living grant, so that there is nothing to narrow
"""


class ScheduleError(Exception):
    """Base of the errors of schedules; never raised itself."""


class ScheduleNotFoundError(ScheduleError):
    """There is no such schedule of this user; somebody else's gives this same answer."""


class TooManySchedulesError(ScheduleError):
    """The user has as many schedules as one person may."""


class BadScheduleError(ScheduleError):
    """What the owner says makes no schedule.

    Attributes:
        field: The name of the `Draft`'s field that does not fit.
    """

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class NoGrantError(ScheduleError):
    """The schedule has no grant that could be changed: a new one has to be given."""
