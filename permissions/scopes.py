"""What can be asked for and what was granted, in plain words.

A scope that the service's own table does not know is shown as the provider calls it.
"""

from collections.abc import Collection

from permissions import needs
from permissions.services import SERVICES
from permissions.types import ScopeGroup

# What is asked for each time, by the vault's name of it; a service without scopes has none.
BASE_GROUP = "base"


def words_of(scope: str, *, provider: str) -> str:
    """Return what `scope` lets DevContext do at `provider`."""
    return SERVICES[provider].scope_words.get(scope, scope)


def list_addable(provider: str, *, granted_scope: str) -> tuple[ScopeGroup, ...]:
    """Return the groups of `provider` that the user could still grant."""
    granted = set(granted_scope.split())
    return tuple(group for group in SERVICES[provider].optional_groups if not group.scopes <= granted)


def list_droppable(provider: str, *, granted_scope: str) -> tuple[ScopeGroup, ...]:
    """Return the groups of `provider` that the user granted and can do without, the default ones among them."""
    granted = set(granted_scope.split())
    return tuple(group for group in SERVICES[provider].optional_groups if group.scopes <= granted)


def list_added(provider: str, *, granted_scope: str) -> tuple[ScopeGroup, ...]:
    """Return the groups of `provider` that the user granted besides the default ones."""
    addable = list_addable(provider, granted_scope=granted_scope)
    return tuple(group for group in SERVICES[provider].optional_groups if not (group.is_default or group in addable))


def list_unused(provider: str, *, granted_scope: str, used: Collection[str]) -> tuple[ScopeGroup, ...]:
    """Return the groups of `provider` that were granted and of which no scope is among `used`."""
    groups = list_droppable(provider, granted_scope=granted_scope)
    return tuple(group for group in groups if not group.scopes & set(used))


def list_surplus(provider: str, *, granted_scope: str) -> tuple[str, ...]:
    """Return the scopes that were granted and that none of the agent's tools may ask for."""
    needed = needs.needed(provider) | SERVICES[provider].base_scopes
    return tuple(scope for scope in granted_scope.split() if scope not in needed)


def list_writing(provider: str, *, granted_scope: str) -> tuple[str, ...]:
    """Return the granted scopes that let their holder write too, because the service has none that only reads."""
    return tuple(scope for scope in granted_scope.split() if scope in SERVICES[provider].writing_scopes)
