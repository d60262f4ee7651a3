"""Which scopes the agent's tools need of each provider. The agent says so; this app does not import it.

A process that has no agent is told nothing: there no scope is needed.
"""

from collections.abc import Callable, Mapping

Needs = Callable[[], Mapping[str, frozenset[str]]]

_needs: list[Needs] = []


def name_needs(needs: Needs) -> None:
    """Take the scopes by provider id from `needs`, each time they are asked for."""
    _needs.append(needs)


def needed(provider: str) -> frozenset[str]:
    """Return every scope of `provider` that some call of some tool may ask for."""
    return frozenset().union(*(needs().get(provider, frozenset()) for needs in _needs))
