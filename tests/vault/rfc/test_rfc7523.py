"""JWT Profile for Client Authentication: what a client assertion must be."""

import time
from typing import Any

import pytest

from tests.vault.asking import assertion_claims, sign, signed_with
from tests.vault.rfc.requirement import requires
from vault import tokens
from vault.errors import InvalidClientError

NOW = int(time.time())


def refuse(**changes: Any) -> None:
    """Expect that an assertion with these claims changed authenticates nobody, and that it would without them."""
    assert tokens.verify_assertion(sign(assertion_claims(), typ="client-authentication+jwt")) == "devcontext-web"
    with pytest.raises(InvalidClientError):
        tokens.verify_assertion(sign(assertion_claims(**changes), typ="client-authentication+jwt"))


@requires("3", "iss must identify the entity that issued the assertion.")
@pytest.mark.parametrize("issuer", [None, "", "someone-else", 1, ["devcontext-web"]])
def test_3_issuer(issuer: Any) -> None:
    refuse(iss=issuer)


@requires("3", "sub must be the client_id of the client that authenticates.")
@pytest.mark.parametrize("subject", [None, "", "someone-else", "user:1", 1])
def test_3_subject(subject: Any) -> None:
    refuse(sub=subject)


@requires("3", "aud must identify the authorization server, or the assertion is rejected.")
@pytest.mark.parametrize("audience", [None, "", "https://other.example", 1, []])
def test_3_audience(audience: Any) -> None:
    refuse(aud=audience)


@requires("3", "exp limits the time window; an assertion past it is rejected.")
@pytest.mark.parametrize("instants", [{"exp": None}, {"iat": NOW - 100, "exp": NOW - 50}, {"exp": str(NOW + 60)}])
def test_3_expiry(instants: dict[str, Any]) -> None:
    refuse(**instants)


@requires("3", "An exp that is unreasonably far in the future may be rejected, and is.")
def test_3_expiry_far_away() -> None:
    refuse(exp=NOW + 3600)


@requires("3", "nbf is the time before which the assertion is not accepted.")
def test_3_not_before() -> None:
    refuse(nbf=NOW + 3600)


@requires("3", "An iat that is unreasonable may be rejected, and one in the future is.")
@pytest.mark.parametrize("instants", [{"iat": None}, {"iat": NOW + 3600, "exp": NOW + 3650}])
def test_3_issued_at(instants: dict[str, Any]) -> None:
    refuse(**instants)


@requires("3", "jti identifies the assertion.")
@pytest.mark.parametrize("jti", [None, "", 7])
def test_3_jti(jti: Any) -> None:
    refuse(jti=jti)


@requires("3", "The assertion may contain other claims.")
def test_3_other_claims() -> None:
    assertion = sign(assertion_claims(flavour="vanilla"), typ="client-authentication+jwt")
    assert tokens.verify_assertion(assertion) == "devcontext-web"


@requires("3", "The assertion must be digitally signed, and the signature valid.")
def test_3_signed() -> None:
    valid = sign(assertion_claims(), typ="client-authentication+jwt")
    message, _, _ = valid.rpartition(".")
    unsigned = signed_with({"alg": "none", "typ": "client-authentication+jwt"}, sub="devcontext-web").rpartition(".")[0]
    for forged in (f"{message}.", f"{message}.{'A' * 86}", f"{unsigned}."):
        with pytest.raises(InvalidClientError):
            tokens.verify_assertion(forged)


@requires("3", "An assertion that is not a valid JWT in another respect is rejected.")
@pytest.mark.parametrize("text", ["", "x", "..", "e30.e30.e30", "e30", "null", "{}"])
def test_3_a_jwt(text: str) -> None:
    with pytest.raises(InvalidClientError):
        tokens.verify_assertion(text)


@requires("3", "The algorithm is the one that the server was configured for; any other signature or MAC is invalid.")
@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256", "none", "RS1", "ed25519"])
def test_3_algorithms(algorithm: str) -> None:
    forged = signed_with({"alg": algorithm, "typ": "client-authentication+jwt"}, **assertion_claims())
    with pytest.raises(InvalidClientError):
        tokens.verify_assertion(forged)
    assert tokens.verify_assertion(signed_with({"typ": "client-authentication+jwt"}, **assertion_claims()))
