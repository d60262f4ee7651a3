"""Connecting: the authorization request, the callback, and the confirmation by the session that began.

A connection is of use to nobody until that session confirms it: a callback opened in another browser connects nothing
(login CSRF, RFC 9700 section 4.7). The vault is the OAuth client; no token leaves it on the way.
"""

import base64
import hashlib
import logging
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.events import Entry, Event
from vault import disconnect, ledger, leftover
from vault.database import ALIAS, run
from vault.errors import (
    ConnectError,
    ConnectRefusedError,
    ConnectStateError,
    ConsentDeniedError,
    NotConnectedError,
    UpstreamError,
    VaultError,
)
from vault.providers import registry, scopes
from vault.providers.base import Grant, Provider, configuration
from vault.store import connections, flows, pending
from vault.store.flows import Flow
from vault.store.pending import NewGrant
from vault.tokens import Subject

# What the browser is told in `?error=` when a flow ends without a connection.
_RETURN_CODES: dict[type[VaultError], str] = {
    ConnectStateError: "invalid_state",
    ConsentDeniedError: "access_denied",
    ConnectRefusedError: "provider",
}

logger = logging.getLogger(__name__)


async def start(
    subject: Subject,
    *,
    provider: str,
    scope_groups: Collection[str] = (),
    reconnects: str = "",
    leaves_out: Collection[str] = (),
) -> str:
    """Begin a flow and return the provider's authorization URL.

    Args:
        subject: Who connects.
        provider: Provider id.
        scope_groups: What to ask for, of the provider's groups; none means the default ones.
        reconnects: The id of a connection whose tokens are to be replaced. What it has is asked for as well.
        leaves_out: What of that is not asked for any more, of the provider's groups. Where scopes add up, the present
            tokens are ended first.

    Raises:
        NotConnectedError: `provider` is unknown or not configured, or `reconnects` is no connection of the user to it.
        InvalidRequestError: A scope group is not one of the provider's, or nothing is left to be asked for.
        VaultUnavailableError: The flow could not be stored or recorded.
    """
    chosen = registry.load(provider)
    kept = await run(_scope_kept, subject, provider=provider, connection=reconnects) if reconnects else ""
    scope = scopes.scope_of(chosen, groups=scope_groups, kept=kept, leaves_out=leaves_out)
    state = secrets.token_urlsafe(32)
    flow = Flow(
        provider=provider,
        redirect_uri=redirect_uri(provider),
        user=subject.user,
        sid=subject.sid,
        asked_scope=" ".join(scope),
        reconnects=reconnects,
        # RFC 7636 section 4.1: 43 characters at least.
        code_verifier=secrets.token_urlsafe(48) if chosen.uses_pkce else "",
    )
    await run(_begin, flow, state=state)
    if leaves_out and chosen.scopes_add_up:
        await disconnect.end_tokens(subject, connection=reconnects, asked_scope=flow.asked_scope)
    return f"{configuration(provider).authorization_url}?{urlencode(_parameters(chosen, flow=flow, state=state))}"


async def finish(provider: str, *, query: Mapping[str, str]) -> str:
    """Take the provider's answer from the browser and return the address in the app to send it to.

    Source: RFC 6749 section 4.1.2.
    """
    try:
        connection, nonce = await _finish(provider, query=query)
    except VaultError as error:
        return _return_url(provider, {"error": _RETURN_CODES.get(type(error), "unavailable")})
    return _return_url(provider, {"connection": connection, "nonce": nonce})


def redirect_uri(provider: str) -> str:
    """Return the callback's address, one per provider, exactly as it is registered there."""
    return f"{settings.VAULT_ISSUER}/connect/{provider}/callback"


def _scope_kept(subject: Subject, *, provider: str, connection: str) -> str:
    """Return what a connection has and was asked for: a scope that the user left out once is asked for again."""
    found = connections.load_active(user=subject.user, connection=connection)
    if found.provider != provider:
        raise NotConnectedError
    return f"{found.granted_scope} {found.asked_scope}"


def _begin(flow: Flow, *, state: str) -> None:
    with transaction.atomic(using=ALIAS):
        flows.save_flow(flow, state=state)
        ledger.require(
            Entry(
                event=Event.VAULT_CONNECTION_STARTED,
                user=flow.user,
                provider=flow.provider,
                connection=flow.reconnects,
                scope_asked=flow.asked_scope,
            )
        )


def _parameters(provider: Provider, *, flow: Flow, state: str) -> dict[str, str]:
    parameters = {
        "response_type": "code",
        "client_id": configuration(flow.provider).client_id,
        "redirect_uri": flow.redirect_uri,
        "state": state,
        **provider.authorization_parameters(scope=tuple(flow.asked_scope.split())),
    }
    if flow.code_verifier:
        digest = hashlib.sha256(flow.code_verifier.encode()).digest()
        parameters["code_challenge"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        parameters["code_challenge_method"] = "S256"
    return parameters


async def _finish(provider: str, *, query: Mapping[str, str]) -> tuple[str, str]:
    flow = await run(flows.take_flow, state=query.get("state", ""))
    if flow is None:
        # SECURITY: nobody signs in for this address; what is nobody's must not fill a table that nothing leaves.
        logger.warning("vault.connect.unknown_state", extra={"provider": provider})
        raise ConnectStateError
    try:
        # SECURITY: an answer is believed only at the address of the provider it was asked of (mix-up, RFC 9207).
        if flow.provider != provider or not _is_issuer(provider, query=query):
            raise ConnectStateError
        if query.get("error"):
            raise ConsentDeniedError if query["error"] == "access_denied" else ConnectRefusedError
        return await _keep(flow, grant=await _redeem(flow, code=query.get("code", "")))
    except ConnectError as error:
        await run(_record_end, error, user=flow.user, provider=provider)
        raise


def _is_issuer(provider: str, *, query: Mapping[str, str]) -> bool:
    """RFC 9207 section 2.4: where the provider names itself, the name must be its own."""
    if "iss" not in query or not registry.load(provider).has_issuer:
        return True
    address = urlsplit(configuration(provider).authorization_url)
    return query["iss"] == f"{address.scheme}://{address.netloc}"


async def _redeem(flow: Flow, *, code: str) -> NewGrant:
    """Return the tokens for the code, of an account that is not known yet."""
    if not code:
        raise ConnectRefusedError
    try:
        grant = await registry.load(flow.provider).redeem(
            code=code, redirect_uri=flow.redirect_uri, code_verifier=flow.code_verifier
        )
    except UpstreamError as error:
        raise _refused(flow, error=error) from None
    return NewGrant(
        account_id="",
        account="",
        granted_scope=grant.scope,
        access_token=grant.access_token,
        refresh_token=grant.refresh_token,
        life_seconds=grant.expires_in_seconds,
        expires_at=_expiry(grant),
    )


async def _keep(flow: Flow, *, grant: NewGrant) -> tuple[str, str]:
    """Store the tokens with their account, pending, and return the connection's id and nonce; or have them revoked."""
    nonce = secrets.token_urlsafe(32)
    try:
        account = await registry.load(flow.provider).load_account(access_token=grant.access_token)
        grant = replace(grant, account_id=account.id, account=account.name)
        return await run(pending.save, flow, grant=grant, nonce=nonce), nonce
    except BaseException as error:
        # Whatever it was, a browser that hung up as well: tokens that nobody keeps must not live on at the provider.
        leftover.revoke_soon(flow, grant=grant)
        if isinstance(error, UpstreamError):
            raise _refused(flow, error=error) from None
        raise


def _refused(flow: Flow, *, error: UpstreamError) -> ConnectRefusedError:
    logger.warning("vault.connect.refused", extra={"provider": flow.provider, "code": error.code})
    return ConnectRefusedError()


def _expiry(grant: Grant) -> datetime | None:
    return None if grant.expires_in_seconds is None else timezone.now() + timedelta(seconds=grant.expires_in_seconds)


def _record_end(error: ConnectError, *, user: str, provider: str) -> None:
    is_denied = isinstance(error, ConsentDeniedError)
    ledger.require(
        Entry(
            event=Event.VAULT_CONNECTION_DENIED if is_denied else Event.VAULT_CONNECTION_FAILED,
            user=user,
            provider=provider,
            reason=_RETURN_CODES[type(error)],
        )
    )


def _return_url(provider: str, parameters: Mapping[str, str]) -> str:
    return f"{settings.APP_URL}/auth/connect/{provider}/return?{urlencode(parameters)}"
