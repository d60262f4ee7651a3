"""JSON Web Token: the claims of a subject token."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.vault.asking import actor_claims, claims, sign, sign_raw, signed_with
from tests.vault.conftest import actor, request
from tests.vault.rfc.requirement import requires
from tests.vault.rfc.verifying import HEADER, accept, refuse
from vault.embedded import EmbeddedVault
from vault.errors import InvalidRequestError

# When the tests were collected; a whole run takes its time until it comes here, so the future begins far from it.
NOW = int(time.time())
Connect = Callable[..., Any]


def refuse_claims(**changes: Any) -> None:
    accept(sign(claims()))
    refuse(sign(claims(**changes)))


@requires("2", "A NumericDate is a JSON number: a text or a boolean is none.")
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value", [str(NOW + 60), "2040-01-01T00:00:00Z", True, [], {}], ids=["digits", "date", "bool", "list", "dict"]
)
def test_2_numeric_date(name: str, value: Any) -> None:
    refuse_claims(**{name: value})


@requires("4", "Claim names must be unique; a token with duplicates is rejected.")
@pytest.mark.parametrize("name", ["sub", "exp", "aud", "sid"])
def test_4_unique_claims(name: str) -> None:
    values = claims()
    members = json.dumps(values)
    accept(sign_raw(HEADER, members.encode()))
    refuse(sign_raw(HEADER, f"{members[:-1]}, {json.dumps(name)}: {json.dumps(values[name])}}}".encode()))


@requires("4", "Claims that are not understood must be ignored.")
def test_4_unknown_claims() -> None:
    accept(sign(claims(flavour="vanilla", roles=["admin"])))


@requires("4.1.1", "iss is case-sensitive and must be the issuer that is trusted.")
@pytest.mark.parametrize("issuer", [None, "", "https://attacker.example", "HTTP://LOCALHOST:8000", ["x"], 1])
def test_4_1_1_issuer(issuer: Any) -> None:
    refuse_claims(iss=issuer)


@requires("4.1.2", "sub is a StringOrURI that names the user within the issuer.")
@pytest.mark.parametrize("subject", [None, "", 1, ["user:1"], {"id": "user:1"}, "user:", "alice"])
def test_4_1_2_subject(subject: Any) -> None:
    refuse_claims(sub=subject)


@requires("4.1.3", "A token whose aud does not identify the one who processes it must be rejected.")
@pytest.mark.parametrize("audience", [None, "", "https://other.example", [], ["https://other.example"], 1])
def test_4_1_3_audience(audience: Any) -> None:
    refuse_claims(aud=audience)


@requires("4.1.4", "A token must not be accepted on or after exp.")
@pytest.mark.parametrize("seconds", [0, -1, -3600])
def test_4_1_4_expiry(seconds: int) -> None:
    refuse_claims(iat=NOW - 4000, exp=NOW + seconds)


@requires("4.1.5", "A token must not be accepted before nbf.")
def test_4_1_5_not_before() -> None:
    accept(sign(claims(nbf=NOW - 10)))
    refuse_claims(nbf=NOW + 36_000)


@requires("4.1.6", "iat is the time of issue; a token from the future is rejected.")
def test_4_1_6_issued_at() -> None:
    refuse_claims(iat=NOW + 36_000, exp=NOW + 36_060)


@requires("4.1.7", "jti identifies the token, so that a replay can be noticed: an actor token serves once.")
@pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])
async def test_4_1_7_replay(vault: EmbeddedVault, connect_user: Connect) -> None:
    await connect_user()
    once = sign(actor_claims(), typ="actor+jwt")
    assert (await vault.exchange(request(actor_token=once))).access_token
    with pytest.raises(InvalidRequestError):
        await vault.exchange(request(actor_token=once))
    assert (await vault.exchange(request(actor_token=actor()))).access_token


@requires("5.1", "typ declares the media type of the token and must be the one expected.")
@pytest.mark.parametrize("typ", [None, "", "JWT", "jwt", "AT+JWT", "at+jwt ", "application/at+jwt", "actor+jwt", 1])
def test_5_1_typ(typ: Any) -> None:
    refuse(signed_with({"typ": typ}))


@requires("5.2", "A nested token (cty) is not opened.")
@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "jwt"])
def test_5_2_nested(kind: str) -> None:
    inner = sign(claims())
    refuse(signed_with({"cty": kind}))
    refuse(sign_raw(b'{"alg":"Ed25519","typ":"at+jwt","cty":"JWT"}', inner.encode()))
    refuse(sign_raw(HEADER, inner.encode()))


@requires("6", "An unsecured token, alg none, is not accepted.")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_6_unsecured(algorithm: str) -> None:
    token = signed_with({"alg": algorithm})
    refuse(token)
    refuse(token.rpartition(".")[0] + ".")


@requires("7.2", "The claims set is a valid JSON object in UTF-8.")
@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b"1", b'"sub"', b"{", b'{"exp":NaN}', b'{"exp":Infinity}', b"\xff{}", b"[" * 3000]
)
def test_7_2_a_json_object(payload: bytes) -> None:
    refuse(sign_raw(HEADER, payload))
