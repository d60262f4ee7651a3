"""The services there are, one module each, in the order in which every page shows them."""

from permissions.services.github import GITHUB
from permissions.services.google_calendar import GOOGLE_CALENDAR
from permissions.services.slack import SLACK
from permissions.types import Service

# By provider id.
SERVICES: dict[str, Service] = {
    service.slug: service
    for service in (
        GITHUB,
        GOOGLE_CALENDAR,
        SLACK,
    )
}
