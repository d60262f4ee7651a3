"""What the apps above call things: the services, and what each tool reads. They say so; this app imports none of them.

A process that shows no timeline, such as a vault of its own, is told nothing: there a service is an unknown one.
"""

from collections.abc import Callable, Mapping

Words = Callable[[], Mapping[str, str]]

_services: list[Words] = []
_reads: list[Words] = []


def name_services(words: Words) -> None:
    """Take the user's names of services by provider id from `words`, each time one is told."""
    _services.append(words)


def name_reads(words: Words) -> None:
    """Take what tools read by the tool's name, as in `your activity on GitHub`, from `words`, each time one is told."""
    _reads.append(words)


def services() -> Mapping[str, str]:
    """Return the names of the services by provider id, in the order of every page."""
    return _merge(_services)


def reads() -> Mapping[str, str]:
    """Return what each tool reads, by its name."""
    return _merge(_reads)


def _merge(sources: list[Words]) -> Mapping[str, str]:
    return {key: words for source in sources for key, words in source().items()}
