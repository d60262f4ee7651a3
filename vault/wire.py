"""The vault's values as they travel over HTTP: forms one way, JSON the other. Both transports' ends share it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from vault import errors
from vault.errors import InvalidScopeError, VaultError, VaultUnavailableError
from vault.types import (
    Connection,
    ExchangedToken,
    ExchangeRequest,
    Grant,
    PendingConnection,
    Revocation,
    RevocationState,
)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
# The dialect of Auth0's Token Vault.
FEDERATED_GRANT_TYPE = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
GRANT_TYPES = (GRANT_TYPE, FEDERATED_GRANT_TYPE)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# The endpoints of one vault, by the method of `VaultClient` they serve.
PATHS = {
    "exchange": "/oauth/token",
    "start_connect": "/vault/connections/start",
    "confirm_connection": "/vault/connections/confirm",
    "load_pending": "/vault/connections/pending",
    "discard_connection": "/vault/connections/discard",
    "list_connections": "/vault/connections/list",
    "set_access": "/vault/connections/access",
    "set_default": "/vault/connections/default",
    "list_revocations": "/vault/connections/revocations",
    "disconnect": "/vault/connections/disconnect",
    "fingerprint_token": "/vault/tokens/fingerprint",
    "pause_access": "/vault/connections/pause",
    "set_away": "/vault/connections/away",
    "create_grant": "/vault/grants/create",
    "change_grant": "/vault/grants/change",
    "list_grants": "/vault/grants/list",
    "end_grant": "/vault/grants/end",
    "end_session": "/vault/sessions/end",
    "end_subject": "/vault/sessions/end-all",
    "forget_subject": "/vault/subjects/forget",
}

# One word per error class, so that the other end raises the very same one; a cause serves where it is one.
_REASONS: dict[type[VaultError], str] = {
    errors.InvalidRequestError: "",
    errors.SessionEndedError: "session_ended",
    errors.UnsupportedGrantError: "",
    errors.UnsupportedTokenTypeError: "",
    errors.InvalidClientError: "",
    errors.UnauthorizedClientError: "",
    errors.NotConnectedError: "not_connected",
    errors.AccessRevokedError: "revoked",
    errors.ReconnectRequiredError: "reconnect_required",
    errors.InvalidTargetError: "policy_denied",
    errors.InvalidScopeError: "missing_scope",
    errors.ScopeDeniedError: "policy_denied",
    errors.RateLimitedError: "rate_limited",
    errors.ProviderDownError: "provider_down",
    errors.VaultUnavailableError: "vault_unavailable",
    errors.ConnectStateError: "invalid_state",
    errors.OtherAccountError: "other_account",
    errors.ConsentDeniedError: "access_denied",
    errors.ConnectRefusedError: "provider",
}
_CLASSES = {(kind.error, reason): kind for kind, reason in _REASONS.items()}


def exchange_to_form(request: ExchangeRequest) -> dict[str, str]:
    """Return the form of RFC 8693 section 2.1, without the parameters that are empty."""
    return {"grant_type": GRANT_TYPE} | {name: value for name, value in asdict(request).items() if value}


def exchange_from_form(form: Mapping[str, str], *, audience: str) -> ExchangeRequest:
    """Return the request in a form that names its target elsewhere.

    Raises:
        InvalidRequestError: The subject token is missing.
    """
    if not form.get("subject_token") or not form.get("subject_token_type"):
        raise errors.InvalidRequestError
    names = ExchangeRequest.__dataclass_fields__
    return ExchangeRequest(audience=audience, **{name: form[name] for name in names if name in form})


def token_to_json(token: ExchangedToken) -> dict[str, Any]:
    """Return the answer of RFC 8693 section 2.2.1, and `exchange` and `receipt` beside it."""
    return asdict(token)


def token_from_json(body: Mapping[str, Any]) -> ExchangedToken:
    """Return the token in an answer.

    Raises:
        VaultUnavailableError: The answer is not one of ours.
    """
    try:
        return ExchangedToken(
            **{name: body[name] for name in ("access_token", "issued_token_type", "token_type", "scope", "exchange")},
            expires_in=int(body["expires_in"]),
            receipt=str(body.get("receipt", "")),
        )
    except (KeyError, TypeError, ValueError):
        raise VaultUnavailableError from None


def connection_to_json(connection: Connection) -> dict[str, Any]:
    """Return a connection as a JSON object; instants in ISO 8601."""
    until = connection.paused_until
    return asdict(connection) | {
        "connected_at": connection.connected_at.isoformat(),
        "paused_until": until.isoformat() if until else None,
    }


def connection_from_json(body: Any) -> Connection:
    """Return the connection in an answer.

    Raises:
        VaultUnavailableError: The answer is not one of ours.
    """
    try:
        until = body["paused_until"]
        instants = {
            "connected_at": datetime.fromisoformat(body["connected_at"]),
            "paused_until": None if until is None else datetime.fromisoformat(until),
        }
        return Connection(**body | instants)
    except (KeyError, TypeError, ValueError):
        raise VaultUnavailableError from None


def grant_to_form(*, providers: Sequence[str], tools: Sequence[str], expires_at: datetime) -> dict[str, str]:
    """Return what a grant is to hold as it is asked for."""
    return {"providers": " ".join(providers), "tools": " ".join(tools), "expires_at": expires_at.isoformat()}


def grant_to_json(grant: Grant) -> dict[str, Any]:
    """Return a grant as a JSON object; instants in ISO 8601."""
    return asdict(grant) | {"granted_at": grant.granted_at.isoformat(), "expires_at": grant.expires_at.isoformat()}


def grant_from_json(body: Any) -> Grant:
    """Return the grant in an answer.

    Raises:
        VaultUnavailableError: The answer is not one of ours.
    """
    try:
        return Grant(
            id=body["id"],
            agent=body["agent"],
            providers=tuple(body["providers"]),
            tools=tuple(body["tools"]),
            granted_at=datetime.fromisoformat(body["granted_at"]),
            expires_at=datetime.fromisoformat(body["expires_at"]),
        )
    except (KeyError, TypeError, ValueError):
        raise VaultUnavailableError from None


def pending_to_json(pending: PendingConnection) -> dict[str, Any]:
    """Return a connection that waits for its user as a JSON object."""
    return asdict(pending)


def pending_from_json(body: Any) -> PendingConnection:
    """Return the waiting connection in an answer.

    Raises:
        VaultUnavailableError: The answer is not one of ours.
    """
    try:
        return PendingConnection(**body)
    except TypeError:
        raise VaultUnavailableError from None


def revocation_to_json(revocation: Revocation) -> dict[str, Any]:
    """Return a revocation as a JSON object; instants in ISO 8601, those that are not known null."""
    instants = {"ended_at": revocation.ended_at, "token_ends_at": revocation.token_ends_at}
    return asdict(revocation) | {name: at.isoformat() if at else None for name, at in instants.items()}


def revocation_from_json(body: Any) -> Revocation:
    """Return the revocation in an answer.

    Raises:
        VaultUnavailableError: The answer is not one of ours.
    """
    try:
        instants = {
            name: datetime.fromisoformat(body[name]) if body[name] else None for name in ("ended_at", "token_ends_at")
        }
        return Revocation(**body | instants | {"state": RevocationState(body["state"])})
    except (KeyError, TypeError, ValueError):
        raise VaultUnavailableError from None


def instant_from_form(text: str) -> datetime:
    """Return an instant in a form, ISO 8601 with its offset.

    Raises:
        InvalidRequestError: It is none.
    """
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise errors.InvalidRequestError
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidRequestError from None


def error_to_json(error: VaultError) -> dict[str, str]:
    """Return the answer of RFC 6749 section 5.2, with a sentence that is the class's own.

    Nothing of the request is in it, but for the well-formed scope that was asked for, among what to ask the user for.
    """
    reason = next((_REASONS[kind] for kind in type(error).__mro__ if kind in _REASONS), "")
    body = {"error": error.error, "error_description": error.description}
    if isinstance(error, InvalidScopeError) and error.scope:
        body["scope"] = error.scope
    return body | ({"vault_reason": reason} if reason else {})


def error_from_json(body: Mapping[str, Any]) -> VaultError:
    """Return the error in an answer; one that is not known means that the vault cannot be used."""
    kind = _CLASSES.get((str(body.get("error")), str(body.get("vault_reason", ""))), VaultUnavailableError)
    return kind(str(body.get("scope", ""))) if issubclass(kind, InvalidScopeError) else kind()
