"""The strict door before joserfc: what RFC 7515, 7519 and 8725 call a token, and no other spelling of it."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured
from joserfc.jwk import ECKey, OKPKey

from vault import jws
from vault.jws import TokenError

KEY = OKPKey.generate_key("Ed25519")
PRIVATE, PUBLIC = KEY.as_pem(private=True).decode(), KEY.as_pem(private=False).decode()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


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


def test_another_key_is_refused() -> None:
    other = OKPKey.generate_key("Ed25519").as_pem(private=True).decode()
    refuse(jws.sign({"sub": "user:1"}, pem=other, typ="at+jwt"))


def test_no_changed_byte_of_a_token_is_accepted() -> None:
    token = jws.sign({"sub": "user:1"}, pem=PRIVATE, typ="at+jwt")
    for position, character in enumerate(token):
        if character != ".":
            refuse(token[:position] + ALPHABET[ALPHABET.index(character) - 1] + token[position + 1 :])


@pytest.mark.parametrize("pem", ["", "not a key", ECKey.generate_key("P-256").as_pem(private=False).decode()])
def test_a_key_that_is_no_ed25519_key_stops_the_start(pem: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must be an Ed25519 key"):
        jws.import_key(pem)


def test_another_curve_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="must be an Ed25519 key"):
        jws.import_key(OKPKey.generate_key("Ed448").as_pem(private=False).decode())


def test_a_public_key_signs_nothing() -> None:
    with pytest.raises(ImproperlyConfigured):
        jws.sign({}, pem=PUBLIC, typ="at+jwt")
