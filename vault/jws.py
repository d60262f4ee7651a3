"""Opens and makes compact JWS, strictly: one algorithm, one type, one way to write each token. It judges no claim.

joserfc checks the signature. What stands before it here refuses the spellings that a lenient parser lets pass, so
that one signed statement has one text and no header can name the key or the algorithm it is checked with.
"""

import base64
import binascii
import json
import re
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

# RFC 9864 section 2.2; the polymorphic `EdDSA` is deprecated there and refused here.
ALGORITHM = "Ed25519"

# Our longest token has ten short claims, about 900 characters; the rest is room for longer ids.
_MAX_CHARACTERS = 4096
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class TokenError(Exception):
    """The token is not one of ours; whoever asked turns this into the error of its endpoint."""


def sign(claims: dict[str, Any], *, pem: str, typ: str) -> str:
    """Return `claims` as a compact JWS of type `typ`, signed with the Ed25519 private key `pem`."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact({"alg": ALGORITHM, "typ": typ}, payload, import_key(pem), algorithms=[ALGORITHM])


def verify(token: str, *, pem: str, typ: str) -> dict[str, Any]:
    """Return the claims of `token` if it is canonical, of type `typ`, and signed by the owner of the key `pem`.

    Raises:
        TokenError: It is not, for whatever reason.

    Source: RFC 7515 section 5.2; RFC 8725 sections 3.1, 3.10 and 3.11.
    """
    header, payload = _split(token)
    # SECURITY: an exact header leaves no room for `jku`, `x5u`, `jwk`, `crit` or `b64`, and none to choose `alg`.
    if _parse(header) != {"alg": ALGORITHM, "typ": typ}:
        raise TokenError
    try:
        jws.deserialize_compact(token.encode(), import_key(pem), algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        raise TokenError from None
    return _parse(payload)


def public_jwk(pem: str) -> dict[str, Any]:
    """Return the public half of the key `pem` as a JWK; its `kid` is its thumbprint.

    Source: RFC 7517 section 4, RFC 7638, RFC 8037 section 2.
    """
    key = import_key(pem)
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM}


@lru_cache(maxsize=16)
def import_key(pem: str) -> OKPKey:
    """Return the Ed25519 key in `pem`.

    Raises:
        ImproperlyConfigured: There is none.
    """
    try:
        key = OKPKey.import_key(pem)
    except (JoseError, ValueError, TypeError):
        raise ImproperlyConfigured("The subject key must be an Ed25519 key in PEM.") from None
    if key.curve_name != ALGORITHM:
        raise ImproperlyConfigured("The subject key must be an Ed25519 key in PEM.")
    return key


def _split(token: str) -> tuple[bytes, bytes]:
    if len(token) > _MAX_CHARACTERS or not _COMPACT.fullmatch(token):
        raise TokenError
    header, payload, signature = token.split(".")
    _decode(signature)
    return _decode(header), _decode(payload)


def _decode(segment: str) -> bytes:
    """Decode base64url, refusing a last character whose unused bits are set (RFC 4648 section 3.5)."""
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise TokenError from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise TokenError
    return data


def _parse(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode(), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise TokenError from None
    if not isinstance(value, dict):
        raise TokenError
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that occurs twice (RFC 7515 section 4): two parsers could read two different tokens."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise TokenError
    return value


def _refuse_constant(_name: str) -> None:
    raise TokenError
