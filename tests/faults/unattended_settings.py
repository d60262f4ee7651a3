"""The worker and beat of the fault tests: as everywhere, but what beat says every minute it says every two seconds."""

from devcontext.settings.web import *  # noqa: F403
from devcontext.settings.web import CELERY_BEAT_SCHEDULE as _MINUTELY

CELERY_BEAT_SCHEDULE = {
    name: {**entry, "schedule": entry["schedule"] / 30, "options": {"expires": 30.0}}
    for name, entry in _MINUTELY.items()
}
