"""JSON Web Signature: what the vault takes for a signed token."""

import json
from typing import Any

import pytest

from tests.vault.asking import b64, claims, sign, sign_raw, signed_with, unb64
from tests.vault.rfc.requirement import requires
from tests.vault.rfc.verifying import HEADER, accept, refuse


def payload(**changes: Any) -> bytes:
    return json.dumps(claims(**changes)).encode()


@requires("4", "Header parameter names must be unique; a header with a duplicate is rejected.")
@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"Ed25519","alg":"Ed25519","typ":"at+jwt"}',
        b'{"alg":"none","alg":"Ed25519","typ":"at+jwt"}',
        b'{"alg":"Ed25519","typ":"at+jwt","\\u0074yp":"at+jwt"}',
    ],
)
def test_4_unique_names(header: bytes) -> None:
    accept(sign_raw(HEADER, payload()))
    refuse(sign_raw(header, payload()))


@requires("4.1.1", "alg must be present, must be understood and is case-sensitive.")
@pytest.mark.parametrize("algorithm", [None, "", "ed25519", "ED25519", "XX", 1, ["Ed25519"]])
def test_4_1_1_algorithm(algorithm: Any) -> None:
    refuse(signed_with({"alg": algorithm}))


@requires("4.1.2", "A set of keys that the token itself names in jku is not fetched.")
def test_4_1_2_jku() -> None:
    """Sockets of the tests reach loopback only; the token is refused before anything is asked."""
    refuse(signed_with({"jku": "https://attacker.example/jwks.json"}))


@requires("4.1.3", "A key that the token itself brings in jwk is not used.")
def test_4_1_3_jwk() -> None:
    refuse(signed_with({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(b"k" * 32)}}))


@requires("4.1.4", "A kid that names no key of ours leads to none.")
@pytest.mark.parametrize("kid", ["", "other", "../../dev/null", "' OR 1=1 --"])
def test_4_1_4_kid(kid: str) -> None:
    refuse(signed_with({"kid": kid}))


@requires("4.1.5", "A certificate that the token itself names or brings (x5u, x5c) is not used.")
@pytest.mark.parametrize("header", [{"x5u": "https://attacker.example/"}, {"x5c": ["MIIB"]}, {"x5t": "AAAA"}])
def test_4_1_5_certificates(header: dict[str, Any]) -> None:
    refuse(signed_with(header))


@requires("4.1.11", "A token with crit is rejected unless every extension in it is understood.")
@pytest.mark.parametrize("names", [["exp"], ["http://example.com/unknown"], [], ["alg"], ["b64"], "exp", None, [1]])
def test_4_1_11_crit(names: Any) -> None:
    refuse(sign_raw(json.dumps({"alg": "Ed25519", "typ": "at+jwt", "crit": names}).encode(), payload()))


@requires("5.2", "The parts are base64url without line breaks, white space or other characters.")
@pytest.mark.parametrize("spelling", ["{}=", "{}==", "{}\n", "{} ", " {}", "\t{}", "{}\x00", "{}%3D", "{}+", "{}/"])
def test_5_2_base64url(spelling: str) -> None:
    refuse(spelling.format(sign(claims())))


@requires("5.2", "The header is one JSON object in UTF-8.")
@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"null",
        b'"Ed25519"',
        b'{"alg":"Ed25519","typ":"at+jwt"',
        b'{"alg":"Ed25519","typ":"at+jwt"}{}',
        b"\xef\xbb\xbf" + HEADER,
        HEADER.decode().encode("utf-16"),
        b'{"alg":"Ed25519","typ":"at+jwt","\xff":1}',
    ],
)
def test_5_2_header(header: bytes) -> None:
    refuse(sign_raw(header, payload()))


@requires("5.2", "The signature is validated: every single flipped bit of it is noticed.")
def test_5_2_signature_bits() -> None:
    message, _, signature = sign(claims()).rpartition(".")
    raw = int.from_bytes(unb64(signature), "big")
    for bit in range(512):
        refuse(f"{message}.{b64((raw ^ (1 << bit)).to_bytes(64, 'big'))}")


@requires("5.2", "The signature covers header and payload: parts of two tokens do not make a third.")
def test_5_2_parts_of_two_tokens() -> None:
    (header, body, signature), (_, other_body, other) = (sign(claims()).split(".") for _ in range(2))
    accept(f"{header}.{body}.{signature}")
    refuse(f"{header}.{other_body}.{signature}")
    refuse(f"{header}.{body}.{other}")


@requires("5.2", "A signature that is missing, shorter or longer than its algorithm's is invalid.")
@pytest.mark.parametrize("size", [0, 1, 32, 63, 65, 128])
def test_5_2_signature_length(size: int) -> None:
    message, _, signature = sign(claims()).rpartition(".")
    refuse(f"{message}.{b64((unb64(signature) * 2)[:size])}")


@requires("7.1", "The compact serialization has exactly three parts, divided by two points.")
@pytest.mark.parametrize(
    "spelling", ["{0}.{1}", "{0}.{1}.{2}.", ".{0}.{1}.{2}", "{0}.{1}.{2}.{2}", "{0}..{1}.{2}", "{1}"]
)
def test_7_1_three_parts(spelling: str) -> None:
    refuse(spelling.format(*sign(claims()).split(".")))


@requires("7.2", "The JSON serialization is not taken where a compact one is expected.")
def test_7_2_no_json_serialization() -> None:
    header, body, signature = sign(claims()).split(".")
    refuse(json.dumps({"payload": body, "protected": header, "signature": signature}))
    refuse(json.dumps({"payload": body, "signatures": [{"protected": header, "signature": signature}]}))


@requires("10.12", "JSON that parsers may read in two ways is rejected: duplicate names and trailing characters.")
@pytest.mark.parametrize("tail", [', "sub": "user:2"}', "}x", "}{}", "}]", "},", ""])
def test_10_12_strict_json(tail: str) -> None:
    members = payload().removesuffix(b"}")
    accept(sign_raw(HEADER, members + b"}"))
    refuse(sign_raw(HEADER, members + tail.encode()))
