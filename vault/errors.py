"""Errors of the vault. `error` is the OAuth code on the wire, `cause` the reason that stays distinct up to the user.

VaultError
├── InvalidRequestError        malformed request, or a subject or actor token that is not valid (RFC 8693 §2.2.2)
│   ├── SessionEndedError      the session or grant of its subject token ended
│   ├── UnsupportedGrantError  a grant type that is not exchanged here
│   ├── UnsupportedTokenTypeError  a token that cannot be revoked (RFC 7009 §2.2.1)
│   ├── WrongMethodError       not the HTTP method of this endpoint
│   ├── WrongMediaTypeError    the body is no form
│   └── RequestTooLargeError   the body is larger than any honest request
├── InvalidClientError         the calling process or program is not who it says
├── UnauthorizedClientError    it is, and may not do this (RFC 6749 §5.2)
├── InvalidTargetError         no token for this target (RFC 8693 §2.2.2)
│   ├── NotConnectedError      no such connection of this user
│   ├── AccessRevokedError     the user does not let the agent use it
│   └── ReconnectRequiredError the provider does not honour the grant any more
├── InvalidScopeError          the user granted less than was asked for
│   └── ScopeDeniedError       no scope at all, or more than the client may have
├── RateLimitedError           the client, or the client for this user, asks too often
├── ProviderDownError          the provider's token endpoint does not answer
├── VaultUnavailableError      the vault, its database or its audit cannot be used: nothing leaves
│   └── SealBrokenError        a sealed record does not open: moved, altered, rolled back, or its key is gone
└── ConnectError               a connect flow did not end in a connection
    ├── ConnectStateError      its state is unknown, used, expired or another session's
    ├── OtherAccountError      another account signed in than the one to connect again; the user decides
    ├── ConsentDeniedError     the user said no at the provider
    └── ConnectRefusedError    the provider refused the code or sent something unusable

UpstreamError                  a provider did not do what it was asked; stays inside the vault
"""

from typing import ClassVar, Literal

Cause = Literal[
    "not_connected",
    "revoked",
    "missing_scope",
    "reconnect_required",
    "provider_down",
    "rate_limited",
    "policy_denied",
    "session_ended",
    "vault_unavailable",
    "",
]


class VaultError(Exception):
    """Base of the vault errors; never raised itself. Its sentence is fixed per class and echoes no input."""

    error: ClassVar[str] = "server_error"
    cause: ClassVar[Cause] = ""
    status: ClassVar[int] = 400
    description: ClassVar[str] = ""

    def __init__(self, description: str = "") -> None:
        super().__init__(description or self.description)


class InvalidRequestError(VaultError):
    """The request is malformed, or its subject or actor token is not valid."""

    error = "invalid_request"
    description = "The request is malformed or its token is not valid."


class SessionEndedError(InvalidRequestError):
    """The subject token is genuine, but the session or grant that it names ended, or never was (RFC 8693 §2.2.2)."""

    cause = "session_ended"
    description = "The session of the subject token has ended."


class UnsupportedGrantError(InvalidRequestError):
    """The grant type is not one of this endpoint."""

    error = "unsupported_grant_type"


class UnsupportedTokenTypeError(InvalidRequestError):
    """The token is one of ours, of a kind that cannot be revoked."""

    error = "unsupported_token_type"


class WrongMethodError(InvalidRequestError):
    """The endpoint has another HTTP method."""

    status = 405


class WrongMediaTypeError(InvalidRequestError):
    """The body is not `application/x-www-form-urlencoded`."""

    status = 415


class RequestTooLargeError(InvalidRequestError):
    """The body is larger than any honest request."""

    status = 413


class InvalidClientError(VaultError):
    """Client authentication is missing or wrong; one answer for every cause."""

    error = "invalid_client"
    status = 401
    description = "Client authentication failed."


class UnauthorizedClientError(VaultError):
    """The client is who it says and may not do this: another grant type, or what is for our own processes alone."""

    error = "unauthorized_client"
    description = "The client is not allowed to do this."


class InvalidTargetError(VaultError):
    """There is no token for this target."""

    error = "invalid_target"
    cause: ClassVar[Cause] = "policy_denied"
    description = "The target is not available."


class NotConnectedError(InvalidTargetError):
    """The user has no such connection; another user's connection gives this same answer."""

    cause = "not_connected"
    description = "The service is not connected."


class AccessRevokedError(InvalidTargetError):
    """The user does not let the agent use this connection."""

    cause = "revoked"
    description = "The user revoked the agent's access to the service."


class ReconnectRequiredError(InvalidTargetError):
    """The provider does not honour the stored grant any more."""

    cause = "reconnect_required"
    description = "The service must be connected again."


class InvalidScopeError(VaultError):
    """The stored grant does not carry the scope asked for.

    Attributes:
        scope: What to ask the user for, space-separated: the scopes granted and those asked for; "" when asking is of
            no use.
    """

    error = "invalid_scope"
    cause: ClassVar[Cause] = "missing_scope"
    description = "The service was connected without the permission this needs."

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.scope = scope


class ScopeDeniedError(InvalidScopeError):
    """The scope is none in the sense of RFC 6749 section 3.3, or it or the stored grant exceeds the client's limits."""

    cause = "policy_denied"
    description = "The scope is malformed, or more than the client may have."


class RateLimitedError(VaultError):
    """The client asks too often, at all or for this user, or failed too often to authenticate.

    Attributes:
        retry_after_seconds: When the next request will be answered; over HTTP in `Retry-After` and nowhere else.
    """

    error = "temporarily_unavailable"
    cause = "rate_limited"
    status = 429
    description = "Too many requests. Try again later."

    def __init__(self, retry_after_seconds: int = 1) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class ProviderDownError(VaultError):
    """The provider's token endpoint does not answer; the connection is left as it is."""

    error = "temporarily_unavailable"
    cause = "provider_down"
    status = 503
    description = "The provider does not answer."


class VaultUnavailableError(VaultError):
    """The vault, its database or its audit cannot be used; no token leaves."""

    error = "server_error"
    cause = "vault_unavailable"
    status = 503
    description = "The vault is not available."


class SealBrokenError(VaultUnavailableError):
    """A sealed record does not open; one answer for every cause, so that nobody can ask which."""


class ConnectError(VaultError):
    """A connect flow did not end in a connection."""

    error = "access_denied"


class ConnectStateError(ConnectError):
    """The flow's state is unknown, used, expired, or belongs to another session."""

    error = "invalid_request"
    description = "This connection attempt is no longer valid. Start again."


class OtherAccountError(ConnectError):
    """Another account signed in than the one that was to be connected again; it waits for the user's choice."""

    error = "interaction_required"
    description = "You signed in with another account. Choose what to do with it."


class ConsentDeniedError(ConnectError):
    """The user said no at the provider."""

    description = "You did not allow the connection, so nothing was connected."


class ConnectRefusedError(ConnectError):
    """The provider refused the code or answered with something unusable."""

    error = "server_error"
    status = 502
    description = "The provider did not complete the connection. Try again."


class UpstreamError(Exception):
    """A provider refused, failed or did not answer; never leaves the vault.

    Attributes:
        code: The provider's error code, or one of ours: `unreachable`, `no_answer`, `bad_answer`, `http_<status>`.
        is_permanent: The grant is dead: asking again cannot help, connecting again can.
        is_in_doubt: The provider may have acted although it did not say so.
    """

    def __init__(self, code: str, *, is_permanent: bool = False, is_in_doubt: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_permanent = is_permanent
        self.is_in_doubt = is_in_doubt
