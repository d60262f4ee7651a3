"""What the apps above call things: the services, and what each tool reads. They say so; this app imports none of them.

A process that shows no timeline, such as a vault of its own, is told nothing: there a service is an unknown one.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo

Words = Callable[[], Mapping[str, str]]

_services: list[Words] = []
_reads: list[Words] = []
_zones: list[Callable[[str], tzinfo]] = []


def name_services(words: Words) -> None:
    """Take the user's names of services by provider id from `words`, each time one is told."""
    _services.append(words)


def name_reads(words: Words) -> None:
    """Take what tools read by the tool's name, as in `your activity on GitHub`, from `words`, each time one is told."""
    _reads.append(words)


def name_zones(load_zone: Callable[[str], tzinfo]) -> None:
    """Take the time zone of a user, a subject, from `load_zone`, each time one is told."""
    _zones.append(load_zone)


def zone_of(user: str) -> tzinfo:
    """Return the time zone in which a user's days begin; UTC where nobody says. Sync, since it may read a table."""
    return next((load_zone(user) for load_zone in _zones), UTC)


def services() -> Mapping[str, str]:
    """Return the names of the services by provider id, in the order of every page."""
    return _merge(_services)


def reads() -> Mapping[str, str]:
    """Return what each tool reads, by its name."""
    return _merge(_reads)


def _merge(sources: list[Words]) -> Mapping[str, str]:
    return {key: words for source in sources for key, words in source().items()}
