"""Client authentication at the vault's endpoints: one method per request, and one answer to everything that fails."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from django.http import HttpRequest

from vault import clients, limits, tokens, wire
from vault.clients import Client
from vault.database import run
from vault.errors import InvalidClientError, InvalidRequestError

# RFC 6749 appendices A.1 and A.2; ours are far shorter.
_MAX_CHARACTERS = 200
_TEXT = re.compile(rf"[\x20-\x7e]{{1,{_MAX_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class _Secret:
    """What a registered client shows."""

    client: str
    secret: str = field(repr=False)


async def authenticate(request: HttpRequest, *, form: Mapping[str, str]) -> Client:
    """Return the client that sent the request.

    Raises:
        InvalidRequestError: It authenticates in two ways at once (RFC 6749 section 2.3).
        InvalidClientError: It does not authenticate, or not as a client that is known and enabled.
        RateLimitedError: The same, and it failed too often.
        VaultUnavailableError: The database failed.
    """
    try:
        return await _authenticate(request, form=form)
    except InvalidClientError:
        await limits.count_failure(_claimed(request, form=form), address=request.META.get("REMOTE_ADDR", ""))
        raise


async def _authenticate(request: HttpRequest, *, form: Mapping[str, str]) -> Client:
    is_basic, is_post = "Authorization" in request.headers, "client_secret" in form
    is_assertion = "client_assertion" in form or "client_assertion_type" in form
    if is_basic + is_post + is_assertion > 1:
        raise InvalidRequestError
    if is_assertion:
        return _authenticate_assertion(form)
    shown = _read_basic(request.headers["Authorization"]) if is_basic else _read_post(form)
    # RFC 6749 section 3.2.1: a client may name itself in the body as well, and then as the same.
    if form.get("client_id", shown.client) != shown.client:
        raise InvalidClientError
    return await run(clients.authenticate, shown.client, secret=shown.secret)


def _claimed(request: HttpRequest, *, form: Mapping[str, str]) -> str:
    """Return as whom a request failed to authenticate; "" when it does not say so readably."""
    try:
        header = request.headers.get("Authorization")
        return _read_basic(header).client if header else form.get("client_id", "")[:_MAX_CHARACTERS]
    except InvalidClientError:
        return ""


def _authenticate_assertion(form: Mapping[str, str]) -> Client:
    """Return our own client. Source: RFC 7523 section 2.2."""
    if form.get("client_assertion_type") != wire.ASSERTION_TYPE:
        raise InvalidClientError
    client = tokens.verify_assertion(form.get("client_assertion", ""))
    if client != clients.WEB.id or form.get("client_id", client) != client:
        raise InvalidClientError
    return clients.WEB


def _read_post(form: Mapping[str, str]) -> _Secret:
    return _plain(form.get("client_id", ""), form.get("client_secret", ""))


def _read_basic(header: str) -> _Secret:
    """Read `Basic base64(id:secret)`, each part encoded as in a form first. Source: RFC 6749 section 2.3.1."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientError
    try:
        text = base64.b64decode(credentials, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise InvalidClientError from None
    client, _, secret = text.partition(":")
    return _plain(unquote_plus(client), unquote_plus(secret))


def _plain(client: str, secret: str) -> _Secret:
    """SECURITY: what is no client id or secret at all does not get as far as the database."""
    if not _TEXT.fullmatch(client) or not _TEXT.fullmatch(secret):
        raise InvalidClientError
    return _Secret(client, secret)
