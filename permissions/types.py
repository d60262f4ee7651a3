"""What a service is to the user, what a page shows of one, and the answers of the gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from permissions.exclusions import ExclusionKind, Exclusions
from vault.client import ConnectionState


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


@dataclass(frozen=True, slots=True)
class Service:
    """One provider as the user knows it.

    `slug` is the provider id, `can_read` and `cannot` are plain sentences for the connect page and the card, and
    `revocation` says what the service really ends when it is disconnected, and `reducing` what becomes of what was
    granted when it is reconnected with less, or where its owner makes it less. `optional_groups` are what the user may
    leave out or add: only groups that one of the agent's tools reads, since a permission that nothing uses is one too
    many, although the vault could ask for more. `scope_words` say in plain words what each scope lets DevContext do.
    `base_scopes` are needed whichever tool reads, so that no tool names them; `writing_scopes` let their holder write
    too, where the service has none that only reads.
    `exclusion_kinds` say what of it can be left out.
    Its mark is `static/services/<slug>.svg`, and the mark's colours are `static/services/<slug>.css`.
    """

    slug: str
    name: str
    can_read: tuple[str, ...]
    cannot: tuple[str, ...]
    revocation: str
    reducing: str
    optional_groups: tuple[ScopeGroup, ...] = ()
    scope_words: Mapping[str, str] = field(default_factory=dict)
    base_scopes: frozenset[str] = frozenset()
    writing_scopes: frozenset[str] = frozenset()
    exclusion_kinds: frozenset[ExclusionKind] = frozenset({ExclusionKind.WORD})


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What the pages show of one service for one user: exactly three states, and a badge when it needs reconnecting.

    It is the default account's, which the agent reads; `others` are the user's other accounts there. `connection` is
    "" when there is none. `missing_scope` is what was asked for and not granted, space-separated.
    `paused_until` is None unless the agent may use it again by itself then: a pause is a revoke with an end.
    `is_away_allowed` tells whether it may be read while the user is away, if a grant names it as well. `is_default`
    marks the account that the agent reads.
    """

    service: Service
    state: ConnectionState
    connection: str = ""
    account: str = ""
    granted_scope: str = ""
    missing_scope: str = ""
    connected_at: datetime | None = None
    reconnect_reason: str = ""
    paused_until: datetime | None = None
    is_away_allowed: bool = False
    is_default: bool = False
    others: tuple["ServiceStatus", ...] = ()

    @property
    def accounts(self) -> tuple["ServiceStatus", ...]:
        """Every connected account, the default one first."""
        return (self, *self.others) if self.connection else ()


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's yes: this user lets this tool read this provider, as far as this process knows.

    The vault decides again at the exchange that follows. `exclusions` are to be taken out of whatever is read.
    """

    user: str
    provider: str
    tool: str
    exclusions: Exclusions = field(default_factory=Exclusions)
