"""Where each provider is, one module each; the settings choose between the real one and its stand-in.

It imports no settings and no app: the settings, the launcher and the log filter are made from it.
"""

from devcontext.providers.github import GITHUB
from devcontext.providers.google_calendar import GOOGLE_CALENDAR
from devcontext.providers.slack import SLACK
from devcontext.providers.types import Place

# By provider id.
PLACES: dict[str, Place] = {
    place.id: place
    for place in (
        GITHUB,
        GOOGLE_CALENDAR,
        SLACK,
    )
}
