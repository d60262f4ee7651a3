"""What the apps above know and say: what services are called, what each tool reads, where users' days begin.

This app imports none of them. A process that shows no timeline, such as a vault of its own, is told nothing: there a
service is an unknown one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Words:
    """Words of things by the things' ids; "" of what is not told. Looked up each time, since a table may grow."""

    things: Mapping[str, Any]
    told: Callable[[Any], str]

    def find(self, key: str) -> str:
        return self.told(self.things[key]) if key in self.things else ""


_services: list[_Words] = []
_reads: list[_Words] = []
_zones: list[Callable[[str], str]] = []


def register_services(services: Mapping[str, T], *, told: Callable[[T], str]) -> None:
    """Take the user's names of `services`, by provider id, from `told`, each time one is told."""
    _services.append(_Words(services, told))


def register_reads(tools: Mapping[str, T], *, told: Callable[[T], str]) -> None:
    """Take what `tools` read, by name, as in `your activity on GitHub`, from `told`, each time; "" for nothing."""
    _reads.append(_Words(tools, told))


def register_zones(zones: Callable[[str], str]) -> None:
    """Take the IANA name of the zone that a user, a subject, chose from `zones`, each time one is told; "" for none."""
    _zones.append(zones)


def zone_of(user: str) -> ZoneInfo:
    """Return the time zone in which a user's days begin; UTC where nobody says. Sync, since it may read a table."""
    names = (zones(user) for zones in _zones)
    return ZoneInfo(next((name for name in names if name), "UTC"))


def services() -> Mapping[str, str]:
    """Return the names of the services by provider id, in the order of every page."""
    return _merge(_services)


def reads() -> Mapping[str, str]:
    """Return what each tool reads, by its name."""
    return _merge(_reads)


def service(provider: str) -> str:
    """Return the name of one service, "" of an unknown one: a page tells one in each of its rows."""
    return _find(_services, provider)


def read_by(tool: str) -> str:
    """Return what one tool reads, "" of an unknown one."""
    return _find(_reads, tool)


def _find(sources: list[_Words], key: str) -> str:
    return next((words for source in sources if (words := source.find(key))), "")


def _merge(sources: list[_Words]) -> Mapping[str, str]:
    return {key: words for source in sources for key in source.things if (words := source.find(key))}
