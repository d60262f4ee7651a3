"""Opens and makes compact JWS, strictly: one algorithm, one type, one way to write each token. It judges no claim.

One signed statement has one text, and no header can name the key or the algorithm it is checked with: what remains of
RFC 7515 is a header to compare and a signature to check. joserfc reads the keys.
"""

import base64
import binascii
import json
import re
from functools import cache, lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured
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
    signed = f"{_header(typ)}.{_encode(payload)}"
    key = import_key(pem).private_key
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured("The subject key has no private half to sign with.")
    return f"{signed}.{_encode(key.sign(signed.encode()))}"


def verify(token: str, *, pem: str, typ: str) -> dict[str, Any]:
    """Return the claims of `token` if it is canonical, of type `typ`, and signed by the owner of the key `pem`.

    Raises:
        TokenError: It is not, for whatever reason.

    Source: RFC 7515 section 5.2; RFC 8725 sections 3.1, 3.10 and 3.11.
    """
    if len(token) > _MAX_CHARACTERS or not _COMPACT.fullmatch(token):
        raise TokenError
    header, payload, signature = token.split(".")
    # SECURITY: an exact header leaves no room for `jku`, `x5u`, `jwk`, `crit` or `b64`, and none to choose `alg`.
    if header != _header(typ) and _parse(_decode(header)) != {"alg": ALGORITHM, "typ": typ}:
        raise TokenError
    claims = _decode(payload)
    key = import_key(pem).public_key
    assert isinstance(key, Ed25519PublicKey)
    try:
        key.verify(_decode(signature), f"{header}.{payload}".encode())
    except InvalidSignature:
        raise TokenError from None
    return _parse(claims)


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


@cache
def _header(typ: str) -> str:
    """Return the header of our own tokens of this type, as they spell it."""
    return _encode(json.dumps({"alg": ALGORITHM, "typ": typ}, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(segment: str) -> bytes:
    """Decode base64url, refusing a last character whose unused bits are set (RFC 4648 section 3.5)."""
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise TokenError from None
    if _encode(data) != segment:
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
