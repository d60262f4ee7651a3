"""Which tools the agent has for each provider, and which scopes they need. The agent says so, unasked.

A process that has no agent is told nothing: there no scope is needed.
"""

from collections.abc import Callable, Mapping

Needs = Callable[[], Mapping[str, frozenset[str]]]
Tools = Callable[[], Mapping[str, Mapping[str, str]]]

_needs: list[Needs] = []
_tools: list[Tools] = []


def register_needs(needs: Needs) -> None:
    """Take the scopes by provider id from `needs`, each time they are asked for."""
    _needs.append(needs)


def register_tools(tools: Tools) -> None:
    """Take what each tool reads, by provider id and tool, from `tools`, each time they are asked for."""
    _tools.append(tools)


def tools_of(provider: str) -> dict[str, str]:
    """Return what each tool of `provider` reads, as in `your activity on GitHub`, by its name."""
    return {name: words for tools in _tools for name, words in tools().get(provider, {}).items()}


def needed(provider: str) -> frozenset[str]:
    """Return every scope of `provider` that some call of some tool may ask for."""
    return frozenset().union(*(needs().get(provider, frozenset()) for needs in _needs))
