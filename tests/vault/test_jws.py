"""The strict door before joserfc: what RFC 7515, 7519 and 8725 call a token, and no other spelling of it."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ImproperlyConfigured
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.vault.asking import b64
from vault import jws
from vault.jws import TokenError

KEY = OKPKey.generate_key("Ed25519")
PRIVATE, PUBLIC = KEY.as_pem(private=True).decode(), KEY.as_pem(private=False).decode()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def signed(header: str, payload: str | bytes) -> str:
    """Return a token with exactly this text in it, signed by the right key."""
    key = KEY.private_key
    assert isinstance(key, Ed25519PrivateKey)
    message = f"{b64(header.encode())}.{b64(payload if isinstance(payload, bytes) else payload.encode())}"
    return f"{message}.{b64(key.sign(message.encode()))}"


def header(**changes: Any) -> str:
    return json.dumps({"alg": "Ed25519", "typ": "at+jwt"} | changes)


def refuse(token: str) -> None:
    with pytest.raises(TokenError):
        jws.verify(token, pem=PUBLIC, typ="at+jwt")


def test_a_token_of_ours_gives_its_claims() -> None:
    assert jws.verify(jws.sign({"sub": "user:1"}, pem=PRIVATE, typ="at+jwt"), pem=PUBLIC, typ="at+jwt") == {
        "sub": "user:1"
    }


def test_the_hand_made_token_of_these_tests_is_valid() -> None:
    """Without this, every refusal below could have another reason than it says."""
    assert jws.verify(signed(header(), '{"a":1}'), pem=PUBLIC, typ="at+jwt") == {"a": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": "actor+jwt"},
        {"alg": "EdDSA"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"jku": "https://example.org/keys"},
        {"x5u": "https://example.org/certificate"},
        {"jwk": KEY.as_dict(private=False)},
        {"crit": ["exp"]},
        {"b64": False},
        {"kid": "other"},
        {"zip": "DEF"},
    ],
)
def test_any_other_header_is_refused_although_signed(changes: dict[str, Any]) -> None:
    """RFC 8725 sections 3.1, 3.10 and 3.11."""
    refuse(signed(header(**changes), "{}"))


@pytest.mark.parametrize("missing", ["alg", "typ"])
def test_a_header_without_algorithm_or_type_is_refused(missing: str) -> None:
    fields = json.loads(header())
    del fields[missing]
    refuse(signed(json.dumps(fields), "{}"))


def test_duplicate_names_are_refused_in_header_and_payload() -> None:
    """RFC 7515 section 4: which of the two a parser takes is its own choice."""
    refuse(signed('{"alg":"Ed25519","typ":"at+jwt","typ":"at+jwt"}', "{}"))
    refuse(signed(header(), '{"sub":"user:1","sub":"user:2"}'))
    refuse(signed(header(), '{"may_act":{"sub":"a","sub":"b"}}'))


@pytest.mark.parametrize("payload", ["[]", '"text"', "1", "null", "", "{", '{"exp":NaN}', '{"exp":Infinity}', "{}x"])
def test_a_payload_that_is_no_json_object_is_refused(payload: str) -> None:
    refuse(signed(header(), payload))


def test_a_payload_that_is_no_utf8_is_refused() -> None:
    refuse(signed(header(), b'{"a":"\xff"}'))


def test_every_other_spelling_of_the_signature_is_refused() -> None:
    """RFC 4648 section 3.5: the last character of 64 bytes has four unused bits, so 15 others decode to the same."""
    token = jws.sign({"sub": "user:1"}, pem=PRIVATE, typ="at+jwt")
    for last in set(ALPHABET) - {token[-1]}:
        refuse(token[:-1] + last)


@pytest.mark.parametrize("spelling", ["{}=", " {}", "{}\n", "{}.", ".{}", "{}.e30", "{}é"])
def test_padding_space_and_more_or_fewer_parts_are_refused(spelling: str) -> None:
    refuse(spelling.format(jws.sign({}, pem=PRIVATE, typ="at+jwt")))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d.e", "e30.e30.e30", "A" * 5000])
def test_what_is_no_token_at_all_is_refused(token: str) -> None:
    refuse(token)


@pytest.mark.parametrize("claim", ["x" * 4096, "\N{GRINNING FACE}" * 1000])
def test_a_token_longer_than_any_of_ours_is_refused_although_signed(claim: str) -> None:
    refuse(jws.sign({"sub": claim}, pem=PRIVATE, typ="at+jwt"))


@pytest.mark.parametrize("depth", [500, 1400])
def test_a_payload_that_nests_deeply_fails_as_any_other(depth: int) -> None:
    """A parser that recurses must not take the process with it."""
    token = signed(header(), "[" * depth + "]" * depth)
    refuse(token)


@pytest.mark.parametrize("spelling", ["\uff0e", "\u3002", "\u2024"])
def test_points_that_only_look_like_points_are_none(spelling: str) -> None:
    refuse(jws.sign({"sub": "user:1"}, pem=PRIVATE, typ="at+jwt").replace(".", spelling))


def test_another_key_is_refused() -> None:
    other = OKPKey.generate_key("Ed25519").as_pem(private=True).decode()
    refuse(jws.sign({"sub": "user:1"}, pem=other, typ="at+jwt"))


def test_no_changed_byte_of_a_token_is_accepted() -> None:
    token = jws.sign({"sub": "user:1"}, pem=PRIVATE, typ="at+jwt")
    for position, character in enumerate(token):
        if character != ".":
            refuse(token[:position] + ALPHABET[ALPHABET.index(character) - 1] + token[position + 1 :])


@pytest.mark.parametrize(
    "key",
    [
        OKPKey.generate_key("Ed448"),
        OKPKey.generate_key("X25519"),
        ECKey.generate_key("P-384"),
        ECKey.generate_key("secp256k1"),
    ],
)
def test_a_key_of_another_kind_stops_the_start(key: OKPKey | ECKey) -> None:
    with pytest.raises(ImproperlyConfigured, match="must be Ed25519, EC P-256 or RSA"):
        jws.import_key(key.as_pem(private=False).decode())


@pytest.mark.parametrize("pem", ["", "not a key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_what_is_no_key_stops_the_start(pem: str) -> None:
    for read in (jws.import_key, jws.import_keys):
        with pytest.raises(ImproperlyConfigured, match="must be Ed25519, EC P-256 or RSA"):
            read(pem)


def test_a_short_rsa_key_stops_the_start() -> None:
    """RFC 7518 section 3.3: 2048 bits or more."""
    short = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505  (what is refused)
    pem = short.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ImproperlyConfigured, match="2048 bits"):
        jws.import_key(pem)


KEYS: dict[str, OKPKey | ECKey | RSAKey] = {
    "Ed25519": KEY,
    "ES256": ECKey.generate_key("P-256"),
    "RS256": RSAKey.generate_key(2048),
}


def pem_of(algorithm: str, *, private: bool = False) -> str:
    return KEYS[algorithm].as_pem(private=private).decode()


def named(algorithm: str, *, by: OKPKey | ECKey | RSAKey) -> str:
    """Return a token whose header says `algorithm`, signed so with the key `by`."""
    return joserfc_jws.serialize_compact({"alg": algorithm, "typ": "at+jwt"}, b"{}", by, algorithms=[algorithm])


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_key_signs_and_verifies_with_its_own_algorithm(algorithm: str) -> None:
    token = jws.sign({"sub": "user:1"}, pem=pem_of(algorithm, private=True), typ="at+jwt")
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==")) == {"alg": algorithm, "typ": "at+jwt"}
    assert jws.verify(token, pem=pem_of(algorithm), typ="at+jwt") == {"sub": "user:1"}


@pytest.mark.parametrize("configured", KEYS)
@pytest.mark.parametrize("signer", KEYS)
def test_a_key_verifies_nothing_of_another_algorithm(configured: str, signer: str) -> None:
    token = named(signer, by=KEYS[signer])
    if configured == signer:
        assert jws.verify(token, pem=pem_of(configured), typ="at+jwt") == {}
        return
    with pytest.raises(TokenError):
        jws.verify(token, pem=pem_of(configured), typ="at+jwt")


@pytest.mark.parametrize("algorithm", ["PS256", "RS384", "RS512"])
def test_an_rsa_key_is_used_with_one_algorithm(algorithm: str) -> None:
    """RFC 8725 section 3.1, although the signature itself is right."""
    with pytest.raises(TokenError):
        jws.verify(named(algorithm, by=KEYS["RS256"]), pem=pem_of("RS256"), typ="at+jwt")


@pytest.mark.parametrize("configured", KEYS)
def test_a_public_key_is_no_secret_of_an_hmac(configured: str) -> None:
    """RFC 8725 section 2.1: a token signed with the text of the public key, which everybody knows."""
    header = b64(json.dumps({"alg": "HS256", "typ": "at+jwt"}).encode())
    mac = hmac.new(pem_of(configured).encode(), f"{header}.e30".encode(), hashlib.sha256).digest()
    with pytest.raises(TokenError):
        jws.verify(f"{header}.e30.{b64(mac)}", pem=pem_of(configured), typ="at+jwt")


def test_while_a_key_is_replaced_the_previous_one_counts_too_each_with_its_own_algorithm() -> None:
    both = pem_of("ES256") + pem_of("Ed25519")
    for algorithm in ("ES256", "Ed25519"):
        assert jws.verify(named(algorithm, by=KEYS[algorithm]), pem=both, typ="at+jwt") == {}
    with pytest.raises(TokenError):
        jws.verify(named("RS256", by=KEYS["RS256"]), pem=both, typ="at+jwt")
    with pytest.raises(TokenError):
        jws.verify(named("ES256", by=ECKey.generate_key("P-256")), pem=both, typ="at+jwt")


def test_one_wrong_key_of_several_stops_the_start() -> None:
    wrong = ECKey.generate_key("P-384").as_pem(private=False).decode()
    with pytest.raises(ImproperlyConfigured):
        jws.import_keys(PUBLIC + wrong)


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_public_key_signs_nothing(algorithm: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        jws.sign({}, pem=pem_of(algorithm), typ="at+jwt")
