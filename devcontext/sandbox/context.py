"""What every answer of the sandbox needs, and how a request's parts are read."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request

from devcontext.sandbox.clock import TokenClock
from devcontext.sandbox.faults.orders import Faults
from devcontext.sandbox.limits import Limits
from devcontext.sandbox.links import Links
from devcontext.sandbox.store import Store
from devcontext.sandbox.types import World

# Public on purpose: they open only this process, which holds nothing that is worth protecting.
CLIENT_ID = "devcontext-sandbox"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One running sandbox."""

    world: World
    store: Store
    faults: Faults
    limits: Limits
    clock: TokenClock
    links: Links

    def now(self) -> datetime:
        """Return the time that tokens, codes and questions live by."""
        return self.clock()


def sandbox_of(request: Request) -> Sandbox:
    """Return the sandbox that `request` was sent to."""
    sandbox = request.app.state.sandbox
    assert isinstance(sandbox, Sandbox)
    return sandbox


async def read_parameters(request: Request) -> dict[str, str]:
    """Return a request's parameters: the query's, and a form's or a JSON object's from the body."""
    body = await request.body()
    parameters = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        return parameters | _json_parameters(body)
    return parameters | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def bearer_token(request: Request) -> str:
    """Return the token of the Authorization header, or "" when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""


def client_credentials(request: Request, parameters: Mapping[str, str]) -> tuple[str, str]:
    """Return the client id and secret, from HTTP Basic if it is used, else from the parameters.

    Source: RFC 6749 section 2.3.1.
    """
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return parameters.get("client_id", ""), parameters.get("client_secret", "")
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, client_secret


def is_client(client_id: str, client_secret: str) -> bool:
    """Return whether these are the credentials of the one client that is registered here."""
    return hmac.compare_digest(client_id.encode(), CLIENT_ID.encode()) and hmac.compare_digest(
        client_secret.encode(), CLIENT_SECRET.encode()
    )


def _json_parameters(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return {name: item for name, item in value.items() if isinstance(item, str)} if isinstance(value, dict) else {}
