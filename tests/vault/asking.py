"""Requests to a vault and the tokens in them: valid, unless a test says what is to be different."""

import base64
import json
import time
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from tests.vault.conftest import AGENT, ALICE, subject
from vault import jws, tokens, wire

FORM = {"content-type": "application/x-www-form-urlencoded"}


def assertion_form() -> dict[str, str]:
    """Return the parameters by which our own processes authenticate."""
    return {"client_assertion_type": wire.ASSERTION_TYPE, "client_assertion": tokens.mint_assertion()}


def exchange_form(**changes: str | None) -> dict[str, str]:
    """Return an exchange of alice for GitHub without an actor, with some parameters changed; None leaves one out."""
    valid = {
        "grant_type": wire.GRANT_TYPE,
        "subject_token": subject(purpose="exchange"),
        "subject_token_type": tokens.TOKEN_TYPE_ACCESS,
        "audience": "github",
        **assertion_form(),
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


async def exchange(http: httpx.AsyncClient, **changes: str | None) -> httpx.Response:
    """Send that exchange."""
    return await http.post("/oauth/token", data=exchange_form(**changes))


async def ask(http: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    """Send `form` to `path` as our own client."""
    return await http.post(path, data=assertion_form() | form)


def error_of(response: httpx.Response) -> tuple[int, str]:
    """Return status and error code, of an answer in which no upstream token is."""
    assert "access_token" not in response.json()
    return response.status_code, response.json()["error"]


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of alice's subject token with some changed; None takes one away."""
    now = int(time.time())
    valid = {
        "iss": settings.APP_URL,
        "aud": settings.VAULT_ISSUER,
        "sub": ALICE,
        "sid": "sid-1",
        "client_id": tokens.WEB_CLIENT,
        "scope": "exchange",
        "jti": base64.urlsafe_b64encode(time.time_ns().to_bytes(8, "big")).decode(),
        "auth_time": now - 60,
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def actor_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of an actor token."""
    return claims(**{"sub": AGENT, "run_id": "run-1", "tool": "t", "tool_call_id": "c"} | changes)


def assertion_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a client assertion."""
    return claims(**{"iss": tokens.WEB_CLIENT, "sub": tokens.WEB_CLIENT} | changes)


def sign(values: dict[str, Any], *, typ: str = "at+jwt") -> str:
    """Return a token with these claims, signed as ours are."""
    return jws.sign(values, pem=settings.SUBJECT_SIGNING_KEY, typ=typ)


def b64(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign_raw(header: bytes, payload: bytes) -> str:
    """Return a token with exactly these bytes in it, signed by the right key."""
    key = serialization.load_pem_private_key(settings.SUBJECT_SIGNING_KEY.encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    message = f"{b64(header)}.{b64(payload)}"
    return f"{message}.{b64(key.sign(message.encode()))}"


def signed_with(header: dict[str, Any], **changes: Any) -> str:
    """Return alice's subject token with the header changed; None takes a parameter away."""
    fields = {"alg": "Ed25519", "typ": "at+jwt"} | header
    return sign_raw(
        json.dumps({name: value for name, value in fields.items() if value is not None}).encode(),
        json.dumps(claims(**changes)).encode(),
    )
