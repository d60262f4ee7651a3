"""What can be asked for and what was granted, in plain words.

A scope that no table here knows is shown as the provider calls it. Only groups that one of the agent's tools reads are
offered: a permission that nothing uses is one too many, although the vault could ask for more.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScopeGroup:
    """A group of scopes that the user may add or leave out; `name` is the vault's, `scopes` are the provider's.

    `words` tell what the AI may read with it; those of a default group are among the service's own sentences. A group
    that is no default is not ticked before the user ticks it.
    """

    name: str
    words: str
    scopes: frozenset[str]
    is_default: bool = False


# What is asked for each time, by the vault's name of it; a service without scopes has none.
BASE_GROUP = "base"
# What the user may leave out or add.
OPTIONAL_GROUPS: Mapping[str, tuple[ScopeGroup, ...]] = {
    "slack": (
        ScopeGroup("search", "Messages that mention you", frozenset({"search:read"}), is_default=True),
        ScopeGroup("private-channels", "Private channels you are in", frozenset({"groups:history", "groups:read"})),
        ScopeGroup(
            "direct-messages",
            "Your direct messages",
            frozenset({"im:history", "im:read", "mpim:history", "mpim:read"}),
        ),
    ),
}

# Sources: https://developers.google.com/workspace/calendar/api/auth, https://docs.slack.dev/reference/scopes and
# https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps.
_WORDS: Mapping[str, str] = {
    "repo": "Read and write all your repositories, private ones included; DevContext only reads",
    "read:org": "See your organizations and teams",
    "openid": "Know which account this is",
    "email": "See the account's e-mail address",
    "https://www.googleapis.com/auth/userinfo.email": "See the account's e-mail address",
    "https://www.googleapis.com/auth/calendar.events.owned.readonly": "See events on calendars you own",
    "channels:history": "Read messages in public channels",
    "channels:read": "See which public channels there are",
    "groups:history": "Read messages in your private channels",
    "groups:read": "See which private channels you are in",
    "im:history": "Read your direct messages",
    "im:read": "See with whom you have direct messages",
    "mpim:history": "Read your group direct messages",
    "mpim:read": "See which group direct messages you are in",
    "search:read": "Search the messages you can see",
    "users:read": "See people's names",
}


def words_of(scope: str) -> str:
    """Return what `scope` lets DevContext do."""
    return _WORDS.get(scope, scope)


def list_addable(provider: str, *, granted_scope: str) -> tuple[ScopeGroup, ...]:
    """Return the groups of `provider` that the user could still grant."""
    granted = set(granted_scope.split())
    return tuple(group for group in OPTIONAL_GROUPS.get(provider, ()) if not group.scopes <= granted)


def list_added(provider: str, *, granted_scope: str) -> tuple[ScopeGroup, ...]:
    """Return the groups of `provider` that the user granted besides the default ones."""
    addable = list_addable(provider, granted_scope=granted_scope)
    return tuple(group for group in OPTIONAL_GROUPS.get(provider, ()) if not (group.is_default or group in addable))
