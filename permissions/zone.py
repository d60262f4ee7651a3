"""In which time zone a user's days begin. The agent knows their working week and says so; this app imports it not."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

# The IANA name that the user, a subject, chose; "" for none.
Zones = Callable[[str], str]

_zones: list[Zones] = []


def register_zones(zones: Zones) -> None:
    """Take users' zones from `zones`, each time one is asked for."""
    _zones.append(zones)


def load_zone(user: str) -> ZoneInfo:
    """Return the user's zone; UTC where they chose none. Sync, since it may read a table."""
    names = (zones(user) for zones in _zones)
    return ZoneInfo(next((name for name in names if name), "UTC"))
