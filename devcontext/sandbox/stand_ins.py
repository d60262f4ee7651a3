"""Which providers the sandbox stands in for, in the order of its pages."""

from devcontext.sandbox.github.stand_in import GITHUB
from devcontext.sandbox.google_calendar.stand_in import GOOGLE_CALENDAR
from devcontext.sandbox.slack.stand_in import SLACK
from devcontext.sandbox.stand_in import StandIn

# By provider id.
STAND_INS: dict[str, StandIn] = {
    stand_in.provider: stand_in
    for stand_in in (
        GITHUB,
        GOOGLE_CALENDAR,
        SLACK,
    )
}
