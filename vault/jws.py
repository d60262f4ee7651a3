"""Opens and makes compact JWS, strictly: one algorithm per key, one type, one way to write each. It judges no claim.

One signed statement has one text, and no header can name the key or the algorithm it is checked with: what remains of
RFC 7515 is a header to compare and a signature to check. joserfc reads the keys and checks the signatures.
"""

import base64
import binascii
import json
import re
import warnings
from functools import cache, lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

Key = OKPKey | ECKey | RSAKey

# SECURITY: the configured key says with which algorithm it is used, and with no other (RFC 8725 section 3.1). Source:
# RFC 9864 section 2.2, which deprecates the polymorphic `EdDSA`; RFC 7518 sections 3.3 and 3.4.
_ALGORITHMS = {"Ed25519": "Ed25519", "P-256": "ES256"}
_RSA_ALGORITHM = "RS256"
# RFC 7518 section 3.3.
_MIN_RSA_BITS = 2048
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
_NO_KEY = "A subject key must be Ed25519, EC P-256 or RSA of 2048 bits or more, in PEM."

# Our longest token has ten short claims, about 900 characters; the rest is room for longer ids.
_MAX_CHARACTERS = 4096
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class TokenError(Exception):
    """The token is not one of ours; whoever asked turns this into the error of its endpoint."""


def sign(claims: dict[str, Any], *, pem: str, typ: str) -> str:
    """Return `claims` as a compact JWS of type `typ`, signed with the private key `pem`.

    Raises:
        ImproperlyConfigured: It is no private key.
    """
    key = import_key(pem)
    if not key.is_private:
        raise ImproperlyConfigured("The subject key has no private half to sign with.")
    algorithm = algorithm_of(key)
    payload = json.dumps(claims, separators=(",", ":")).encode()
    signed = f"{_header(typ, algorithm=algorithm)}.{_encode(payload)}"
    return f"{signed}.{_encode(JWSRegistry.algorithms[algorithm].sign(signed.encode(), key))}"


def verify(token: str, *, pem: str, typ: str) -> dict[str, Any]:
    """Return the claims of `token` if it is canonical, of type `typ`, and signed by the owner of a key in `pem`.

    Raises:
        TokenError: It is not, for whatever reason.

    Source: RFC 7515 section 5.2; RFC 8725 sections 3.1, 3.10 and 3.11.
    """
    if len(token) > _MAX_CHARACTERS or not _COMPACT.fullmatch(token):
        raise TokenError
    header, payload, signature = token.split(".")
    claims, shown = _decode(payload), _decode(signature)
    signed = f"{header}.{payload}".encode()
    for key in import_keys(pem):
        algorithm = algorithm_of(key)
        if _is_header(header, typ=typ, algorithm=algorithm) and _is_signed(signed, shown, key=key):
            return _parse(claims)
    raise TokenError


def algorithm_of(key: Key) -> str:
    """Return the one algorithm that `key` is used with, by its name in `alg`."""
    return _RSA_ALGORITHM if isinstance(key, RSAKey) else _ALGORITHMS[key.curve_name]


def public_jwk(key: Key) -> dict[str, Any]:
    """Return the public half of `key` as a JWK; its `kid` is its thumbprint.

    Source: RFC 7517 section 4, RFC 7638, RFC 8037 section 2.
    """
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": algorithm_of(key)}


@lru_cache(maxsize=16)
def import_keys(pem: str) -> tuple[Key, ...]:
    """Return the keys in `pem`, one after the other: the current one, and a previous one while it is replaced.

    Raises:
        ImproperlyConfigured: There is none, or one that is not used here.
    """
    # What is no PEM at all is tried as well, and refused for it.
    return tuple(import_key(block) for block in _PEM.findall(pem) or [pem])


@lru_cache(maxsize=16)
def import_key(pem: str) -> Key:
    """Return the one key in `pem`.

    Raises:
        ImproperlyConfigured: There is none, or one that is not used here.
    """
    for kind in (OKPKey, ECKey, RSAKey):
        try:
            with warnings.catch_warnings():
                # A short RSA key is refused below; joserfc only warns of it.
                warnings.simplefilter("ignore", SecurityWarning)
                key: Key = kind.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
        if _is_used_here(key):
            return key
    raise ImproperlyConfigured(_NO_KEY)


def _is_used_here(key: Key) -> bool:
    if isinstance(key, RSAKey):
        return key.public_key.key_size >= _MIN_RSA_BITS
    return key.curve_name in _ALGORITHMS


def _is_header(header: str, *, typ: str, algorithm: str) -> bool:
    # SECURITY: an exact header leaves no room for `jku`, `x5u`, `jwk`, `crit` or `b64`, and none to choose `alg`.
    is_ours = header == _header(typ, algorithm=algorithm)
    return is_ours or _parse(_decode(header)) == {"alg": algorithm, "typ": typ}


def _is_signed(signed: bytes, signature: bytes, *, key: Key) -> bool:
    try:
        return JWSRegistry.algorithms[algorithm_of(key)].verify(signed, signature, key)
    except (JoseError, ValueError):
        return False


@cache
def _header(typ: str, *, algorithm: str) -> str:
    """Return the header of our own tokens of this type, as they spell it."""
    return _encode(json.dumps({"alg": algorithm, "typ": typ}, separators=(",", ":")).encode())


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
