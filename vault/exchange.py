"""The exchange: a subject token goes in, a short-lived upstream token comes out, and one audit event tells of it.

Everything that could say no is asked again inside the transaction that commits the event; nothing leaves before it.
"""

import logging
import secrets
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils import timezone

from audit import receipt
from audit.errors import ActorTokenReplayedError
from audit.events import Entry, Event
from audit.record import Recorded
from vault import clients, issued, ledger, limits, refresh, sessions, tokens
from vault.clients import Client
from vault.database import run
from vault.errors import (
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    ProviderDownError,
    RateLimitedError,
    VaultError,
    VaultUnavailableError,
)
from vault.freshness import Plan, plan
from vault.store import connections, fingerprints
from vault.store.connections import Decidable
from vault.tokens import ActingAgent, Subject
from vault.types import ExchangedToken, ExchangeRequest

# Some clients keep a token until `expires_in` ends; none may keep one longer than this past a revoke.
MAX_TOLD_SECONDS = 60

# Two: the refresh, and the proof of tokens that came late.
_MAX_FLIGHTS = 2
_SUBJECT_TYPES = frozenset({tokens.TOKEN_TYPE_ACCESS, tokens.TOKEN_TYPE_JWT})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """An exchange whose tokens are verified."""

    id: str
    client: Client
    subject: Subject
    actor: ActingAgent | None
    audience: str
    login_hint: str
    scope: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Stale:
    """The token must be refreshed first."""

    connection: str
    generation: int


async def exchange(request: ExchangeRequest, *, client: Client) -> ExchangedToken:
    """Answer `request` of the authenticated `client`. Source: RFC 8693 section 2.

    Raises:
        InvalidRequestError: The request or one of its tokens is not valid, or its actor token was used before.
        InvalidTargetError: There is no audience, or no token for it; the subclass says why.
        InvalidScopeError: The grant does not carry the scope asked for, or one that the client may not have.
        RateLimitedError: The client asks too often.
        ProviderDownError: The token ended and the provider does not answer.
        VaultUnavailableError: The vault or its audit failed.
    """
    await limits.require_client(client.id)
    exchange_id = f"ex_{secrets.token_urlsafe(16)}"
    asked: Asked | None = None
    try:
        asked = _verify(request, client=client, exchange_id=exchange_id)
        await limits.require_user(client.id, user=asked.subject.user)
        return await _answer(asked)
    except RateLimitedError:
        # `limits` has recorded it, once for the whole minute.
        raise
    except VaultError as error:
        if asked is None:
            # SECURITY: who shows no valid subject has no user's limit, and must not fill the audit with refusals.
            await limits.require_user(client.id, user="")
        await run(_record_refusal, error, request=request, client=client, exchange_id=exchange_id, asked=asked)
        raise


def _verify(request: ExchangeRequest, *, client: Client, exchange_id: str) -> Asked:
    if request.subject_token_type not in _SUBJECT_TYPES:
        raise InvalidRequestError
    if request.requested_token_type not in ("", tokens.TOKEN_TYPE_ACCESS):
        raise InvalidRequestError
    subject = tokens.verify_subject(request.subject_token, purpose="exchange", client=client.id)
    return Asked(
        id=exchange_id,
        client=client,
        subject=subject,
        actor=_verify_actor(request, subject=subject),
        audience=request.audience,
        login_hint=request.login_hint,
        scope=frozenset(request.scope.replace(",", " ").split()),
    )


def _verify_actor(request: ExchangeRequest, *, subject: Subject) -> ActingAgent | None:
    """RFC 8693 section 2.1: token and type come together or not at all."""
    if not request.actor_token and not request.actor_token_type:
        # SECURITY: a subject that names who may act for it is not to be used by somebody who does not say who acts.
        if subject.may_act:
            raise InvalidRequestError
        return None
    if request.actor_token_type != tokens.TOKEN_TYPE_JWT:
        raise InvalidRequestError
    return tokens.verify_actor(request.actor_token, subject=subject)


async def _answer(asked: Asked) -> ExchangedToken:
    clients.require_target(asked.client, asked.audience)
    outcome = await run(_decide, asked)
    # One flight brings new tokens; tokens that came late are proven by a second one.
    for _ in range(_MAX_FLIGHTS):
        if not isinstance(outcome, _Stale):
            break
        await refresh.join(outcome.connection, generation=outcome.generation)
        outcome = await run(_decide, asked)
    if isinstance(outcome, _Stale):
        # Another process holds the refresh longer than any provider may take.
        raise ProviderDownError
    token, stale = outcome
    if stale is not None:
        refresh.begin(stale.connection, generation=stale.generation)
    return token


def _decide(asked: Asked) -> _Stale | tuple[ExchangedToken, _Stale | None]:
    """Decide under the connection's lock; the grant's event is committed before the lock is let go."""
    issued.require_unrevoked(asked.subject.jti, *([asked.actor.jti] if asked.actor else []))
    user, audience, login_hint = asked.subject.user, asked.audience, asked.login_hint
    with (
        sessions.hold(asked.subject) as standing,
        connections.lock_for_decision(user=user, audience=audience, login_hint=login_hint) as connection,
    ):
        row = connection.row
        clients.require_provider(asked.client, row.provider)
        standing.require(connection, actor=asked.actor)
        clients.require_scope(asked.client, provider=row.provider, asked=asked.scope, granted=row.granted_scope)
        planned = plan(connection)
        stale = _Stale(connection=row.id, generation=row.generation)
        if planned is Plan.REFRESH:
            return stale
        token = _token(connection, exchange_id=asked.id)
        recorded = _record_grant(asked, connection=connection, token=token, reason="schedule" if standing.grant else "")
    ledger.drain()
    token = replace(token, receipt=receipt.issue(recorded))
    return token, stale if planned is Plan.SERVE_AND_REFRESH else None


def _token(connection: Decidable, *, exchange_id: str) -> ExchangedToken:
    expires_at = connection.row.access_expires_at
    left = MAX_TOLD_SECONDS if expires_at is None else int((expires_at - timezone.now()).total_seconds())
    return ExchangedToken(
        access_token=connection.open_access_token(),
        issued_token_type=tokens.TOKEN_TYPE_ACCESS,
        token_type="Bearer",  # noqa: S106  (a name of RFC 6750)
        expires_in=max(1, min(left, MAX_TOLD_SECONDS)),
        scope=connection.row.granted_scope,
        exchange=exchange_id,
    )


def _record_grant(asked: Asked, *, connection: Decidable, token: ExchangedToken, reason: str) -> Recorded:
    row = connection.row
    try:
        return ledger.require(
            replace(
                _entry(asked, event=Event.VAULT_EXCHANGE_GRANTED, provider=row.provider),
                reason=reason,
                connection=row.id,
                account=row.account,
                scope_granted=row.granted_scope,
                token_fingerprint=fingerprints.of(token.access_token),
            )
        )
    except ActorTokenReplayedError:
        raise InvalidRequestError from None


def _record_refusal(
    error: VaultError, *, request: ExchangeRequest, client: Client, exchange_id: str, asked: Asked | None
) -> None:
    """Record the one event of an exchange that is refused; a refusal that cannot be shown is the vault's failure."""
    event, provider = _event_of(error), _provider_of(request.audience)
    entry = (
        _entry(asked, event=event, provider=provider)
        if asked
        else Entry(event=event, user="", provider=provider, client=client.id, exchange=exchange_id)
    )
    entry = replace(entry, reason=error.cause or error.error)
    try:
        ledger.require(entry)
    except ActorTokenReplayedError:
        ledger.require(replace(entry, actor_jti=None))
    if isinstance(error, VaultUnavailableError):
        logger.error("vault.exchange.failed", extra={"exchange": exchange_id, "kind": type(error).__name__})


def _entry(asked: Asked, *, event: Event, provider: str) -> Entry:
    entry = Entry(
        event=event,
        user=asked.subject.user,
        provider=provider,
        client=asked.subject.client,
        scope_asked=" ".join(sorted(clients.well_formed(asked.scope))),
        exchange=asked.id,
    )
    if asked.actor is None:
        return entry
    actor = asked.actor
    return replace(entry, run=actor.run, tool=actor.tool, tool_call=actor.tool_call, actor_jti=actor.jti)


def _event_of(error: VaultError) -> Event:
    is_refused = isinstance(error, InvalidRequestError | InvalidTargetError | InvalidScopeError)
    return Event.VAULT_EXCHANGE_DENIED if is_refused else Event.VAULT_EXCHANGE_FAILED


def _provider_of(audience: str) -> str:
    """Return the audience if it names a provider; other text of a caller does not go into the audit."""
    return audience if audience in settings.PROVIDERS else ""
