"""JSON Web Token Best Current Practices."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from django.conf import settings as configured
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.vault.asking import actor_claims, assertion_claims, b64, claims, sign, sign_raw, signed_with, unb64
from tests.vault.rfc.requirement import requires
from tests.vault.rfc.verifying import HEADER, accept, refuse
from vault import tokens
from vault.errors import InvalidClientError, InvalidRequestError
from vault.tokens import Subject

ALICE = Subject(user="user:1", sid="sid-1", client="devcontext-web", may_act="", auth_time=1.0, jti="jti")
# RFC 8032 section 5.1: the order of the group that Ed25519 signs in.
_ORDER = 2**252 + 27742317777372353535851937790883648493


def message(header: dict[str, Any]) -> bytes:
    fields = {"alg": "Ed25519", "typ": "at+jwt"} | header
    return f"{b64(json.dumps(fields).encode())}.{b64(json.dumps(claims()).encode())}".encode()


def with_signature(signed: bytes, signature: bytes) -> str:
    return f"{signed.decode()}.{b64(signature)}"


@requires("3.1", "Only the algorithms that the application names are used, and alg matches the operation.")
@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed448", "ES256", "RS256", "PS256", "HS512", "ES256K"])
def test_3_1_named_algorithms_only(algorithm: str) -> None:
    refuse(signed_with({"alg": algorithm}))


@requires("3.1", "Each key is used with exactly one algorithm: the public key is no HMAC secret.")
@pytest.mark.parametrize("spelling", ["pem", "stripped", "raw", "jwk"])
@pytest.mark.parametrize("algorithm", ["HS256", "Ed25519"])
def test_3_1_no_key_confusion(algorithm: str, spelling: str) -> None:
    pem = configured.SUBJECT_PUBLIC_KEY
    jwk = OKPKey.import_key(pem).as_dict(private=False)
    secret = {
        "pem": pem.encode(),
        "stripped": pem.strip().encode(),
        "raw": unb64(jwk["x"]),
        "jwk": json.dumps(jwk).encode(),
    }[spelling]
    mac = hmac.HMAC(secret, hashes.SHA256())
    signed = message({"alg": algorithm})
    mac.update(signed)
    refuse(with_signature(signed, mac.finalize()))


@requires("3.1", "A key of another kind brings its own algorithm, and its public half is no HMAC secret either.")
@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), RSAKey.generate_key(2048)], ids=lambda key: key.key_type)
def test_3_1_no_confusion_with_other_keys(settings: Any, key: ECKey | RSAKey) -> None:
    """The attack of CVE-2015-9235, and its kin between the algorithms that are accepted."""
    ed25519_token = sign(claims())
    public = key.as_pem(private=False)
    settings.SUBJECT_PUBLIC_KEY, settings.SUBJECT_SIGNING_KEY = public.decode(), key.as_pem(private=True).decode()
    accept(sign(claims()))
    refuse(ed25519_token)
    for algorithm in ("HS256", "ES256", "RS256", "Ed25519"):
        signed = message({"alg": algorithm})
        mac = hmac.HMAC(public, hashes.SHA256())
        mac.update(signed)
        refuse(with_signature(signed, mac.finalize()))


@requires("3.2", "Tokens with alg none are not accepted.")
@pytest.mark.parametrize("signature", ["", "AA", "A" * 86])
def test_3_2_none(signature: str) -> None:
    refuse(f"{message({'alg': 'none'}).decode()}.{signature}")


@requires("3.3", "All cryptographic operations are validated: a signature by any other key fails.")
def test_3_3_other_keys() -> None:
    signed = message({})
    digest = hashes.SHA256()
    forged = [
        ed25519.Ed25519PrivateKey.generate().sign(signed),
        ed448.Ed448PrivateKey.generate().sign(signed),
        ec.generate_private_key(ec.SECP256R1()).sign(signed, ec.ECDSA(digest)),
        rsa.generate_private_key(public_exponent=65537, key_size=2048).sign(signed, PKCS1v15(), digest),
    ]
    for signature in forged:
        refuse(with_signature(signed, signature))


@requires("3.4", "Cryptographic inputs are validated: a signature has one value, S is below the group's order.")
def test_3_4_no_malleable_signature() -> None:
    """RFC 8032 section 5.1.7: S + L verifies in a careless implementation, and would be another text."""
    token = sign(claims())
    accept(token)
    signed, _, text = token.rpartition(".")
    signature = unb64(text)
    scalar = int.from_bytes(signature[32:], "little")
    refuse(f"{signed}.{b64(signature[:32] + (scalar + _ORDER).to_bytes(32, 'little'))}")


@requires("3.4", "Points of small order and all-zero signatures are refused.")
@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_3_4_small_order(point: bytes) -> None:
    signed = message({})
    refuse(with_signature(signed, point + bytes(32)))
    refuse(with_signature(signed, point + point))


@requires("3.7", "JSON is encoded in UTF-8 and nothing else.")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_3_7_utf8(encoding: str) -> None:
    accept(sign_raw(HEADER, json.dumps(claims()).encode()))
    refuse(sign_raw(HEADER, json.dumps(claims()).encode(encoding)))
    refuse(sign_raw(HEADER.decode().encode(encoding), json.dumps(claims()).encode()))


@requires(
    "3.8", "Issuer and subject are validated: the key belongs to the issuer, the subject is of the kind expected."
)
def test_3_8_issuer_and_subject() -> None:
    refuse(sign(claims(iss="devcontext-web")))
    refuse(sign(claims(sub="agent:devcontext")))
    with pytest.raises(InvalidClientError):
        tokens.verify_assertion(sign(assertion_claims(iss=configured.APP_URL), typ="client-authentication+jwt"))


@requires("3.9", "The audience is used and validated, so that a token for another server cannot be substituted.")
def test_3_9_audience() -> None:
    assert claims()["aud"] == configured.VAULT_ISSUER
    refuse(sign(claims(aud="https://other.example")))
    with pytest.raises(InvalidRequestError):
        tokens.verify_actor(sign(actor_claims(aud="https://other.example"), typ="actor+jwt"), subject=ALICE)


@requires("3.10", "Claims are not trusted before verification: kid, jku, x5u and the like lead nowhere.")
@pytest.mark.parametrize("name", ["kid", "jku", "x5u", "jwk", "x5c", "url", "nonce", "zip", "b64", "enc"])
def test_3_10_received_claims(name: str) -> None:
    refuse(signed_with({name: "http://127.0.0.1:9/keys"}))


@requires("3.11", "Explicit typing: each kind of token has a typ of its own.")
@pytest.mark.parametrize("typ", ["JWT", "actor+jwt", "client-authentication+jwt", "logout+jwt", "secevent+jwt"])
def test_3_11_explicit_types(typ: str) -> None:
    refuse(sign(claims(), typ=typ))


@requires("3.12", "The rules for the kinds of tokens exclude each other: none passes at another's door.")
def test_3_12_one_door_each() -> None:
    """Each token carries every claim of all three kinds, so that its type alone decides."""
    everything = actor_claims() | claims()
    doors: dict[str, Any] = {
        "at+jwt": lambda token: tokens.verify_subject(token, purpose="exchange", client="devcontext-web"),
        "actor+jwt": lambda token: tokens.verify_actor(token, subject=ALICE),
        "client-authentication+jwt": tokens.verify_assertion,
    }
    own = {
        "at+jwt": everything,
        "actor+jwt": everything | {"sub": "agent:devcontext"},
        "client-authentication+jwt": everything | {"sub": "devcontext-web", "iss": "devcontext-web"},
    }
    for door, verify in doors.items():
        assert verify(sign(own[door], typ=door))
        for other in doors.keys() - {door}:
            with pytest.raises((InvalidRequestError, InvalidClientError)):
                verify(sign(own[door], typ=other))
