"""Tells whoever listens in this process that a user's services changed here; the agent passes it on to the others.

It makes things quick and decides nothing: who hears nothing finds the change at the vault, a few seconds later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# Why a read of the service that is under way must not go on; "" where it may.
Ends = Literal["", "access_paused", "revoked", "not_connected"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something about a user's link to a provider is not as it was; `ends` says what that means for open reads."""

    user: str
    provider: str
    ends: Ends = ""


Listener = Callable[[Change], None]

_listeners: list[Listener] = []


def register_listener(listener: Listener) -> None:
    """Have `listener` called, on the event loop, after each change."""
    _listeners.append(listener)


def announce(change: Change) -> None:
    """Tell every listener."""
    for listener in _listeners:
        listener(change)
