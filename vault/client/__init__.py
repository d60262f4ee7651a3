"""The only door to the vault for other apps: its values, its errors and the functions that ask it.

`vault.client.connections` manages a user's connections; `vault.client.tokens` exchanges tokens and is for
`agent.credentials` alone.
"""

from vault.errors import (
    AccessRevokedError,
    Cause,
    ConnectError,
    ConnectStateError,
    ConsentDeniedError,
    InvalidRequestError,
    InvalidScopeError,
    NotConnectedError,
    OtherAccountError,
    ProviderDownError,
    ReconnectRequiredError,
    SessionEndedError,
    VaultError,
    VaultUnavailableError,
)
from vault.types import (
    AccountChoice,
    Asker,
    Connection,
    ConnectionState,
    ExchangedToken,
    Grant,
    PendingConnection,
    Revocation,
    RevocationState,
    is_grant,
    sid_of_grant,
)

__all__ = [
    "AccessRevokedError",
    "AccountChoice",
    "Asker",
    "Cause",
    "ConnectError",
    "ConnectStateError",
    "Connection",
    "ConnectionState",
    "ConsentDeniedError",
    "ExchangedToken",
    "Grant",
    "InvalidRequestError",
    "InvalidScopeError",
    "NotConnectedError",
    "OtherAccountError",
    "PendingConnection",
    "ProviderDownError",
    "ReconnectRequiredError",
    "Revocation",
    "RevocationState",
    "SessionEndedError",
    "VaultError",
    "VaultUnavailableError",
    "is_grant",
    "sid_of_grant",
]
