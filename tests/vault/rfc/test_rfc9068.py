"""JWT Profile for OAuth 2.0 Access Tokens: subject tokens are such access tokens."""

import json
import time
from typing import Any

import pytest
from django.conf import settings

from tests.vault.asking import claims, sign, signed_with, unb64
from tests.vault.conftest import subject
from tests.vault.rfc.requirement import requires
from tests.vault.rfc.verifying import accept, refuse


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims, unverified."""
    header, payload, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload))


@requires("2.1", "Access tokens are signed, with the header typ at+jwt, and alg is never none.")
def test_2_1_header() -> None:
    header, _ = opened(subject())
    assert header == {"alg": "Ed25519", "typ": "at+jwt"}


@requires("2.2", "iss, exp, aud, sub, client_id, iat and jti are required and are minted.")
def test_2_2_minted_claims() -> None:
    _, payload = opened(subject())
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(payload)
    assert payload["iat"] <= time.time() < payload["exp"] <= payload["iat"] + 300
    assert (payload["iss"], payload["aud"]) == (settings.APP_URL, settings.VAULT_ISSUER)


@requires("2.2", "A token without one of the required claims is refused.")
@pytest.mark.parametrize("name", ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"])
def test_2_2_required_claims(name: str) -> None:
    refuse(sign(claims(**{name: None})))


@requires("2.2", "jti is unique to each token.")
def test_2_2_unique_jti() -> None:
    assert len({opened(subject())[1]["jti"] for _ in range(50)}) == 50


@requires("2.2.1", "auth_time says when the user signed in, and does not change while the session lasts.")
@pytest.mark.parametrize("auth_time", [None, "now", True, -1, 4_000_000_000])
def test_2_2_1_auth_time(auth_time: Any) -> None:
    first, second = (opened(subject())[1]["auth_time"] for _ in range(2))
    assert first == second
    accept(sign(claims()))
    refuse(sign(claims(auth_time=auth_time)))


@requires("2.2.3", "scope says what the token was issued for, and the token is good for that alone.")
@pytest.mark.parametrize("scope", [None, "", "connections", "exchange connections", "EXCHANGE", ["exchange"]])
def test_2_2_3_scope(scope: Any) -> None:
    assert opened(subject(purpose="exchange"))[1]["scope"] == "exchange"
    refuse(sign(claims(scope=scope)))


@requires("4", "A typ other than that of access tokens must be rejected.")
@pytest.mark.parametrize("typ", [None, "JWT", "id_token+jwt", "logout+jwt", "dpop+jwt"])
def test_4_typ(typ: str | None) -> None:
    refuse(signed_with({"typ": typ}))


@requires("4", "iss must exactly match the identifier of the authorization server that minted the token.")
@pytest.mark.parametrize("spelling", ["{}/", "{}#", "{}?", " {}", "{}:443"])
def test_4_issuer(spelling: str) -> None:
    refuse(sign(claims(iss=spelling.format(settings.APP_URL))))


@requires("4", "aud must contain the identifier of the resource server, here the vault.")
@pytest.mark.parametrize("spelling", ["{}/", "{}/oauth/token", "https://vault.example"])
def test_4_audience(spelling: str) -> None:
    refuse(sign(claims(aud=spelling.format(settings.VAULT_ISSUER))))


@requires("4", "The signature is validated with the algorithm of the header, and none is rejected.")
def test_4_signature() -> None:
    accept(sign(claims()))
    message, _, signature = sign(claims()).rpartition(".")
    refuse(f"{message}.{signature[::-1]}")
    refuse(signed_with({"alg": "none"}))


@requires("4", "The current time must be before exp; clocks may differ by little.")
def test_4_expiry() -> None:
    now = int(time.time())
    accept(sign(claims(iat=now + 2, exp=now + 60)))
    refuse(sign(claims(iat=now - 120, exp=now - 1)))
    refuse(sign(claims(iat=now + 120, exp=now + 180)))


@requires("5", "A client cannot pass for a user: the names of users, agents and clients do not overlap.")
@pytest.mark.parametrize("name", ["devcontext-web", "agent:devcontext", "agent:user:1", "USER:1", "user"])
def test_5_no_confusion_of_subjects(name: str) -> None:
    refuse(sign(claims(sub=name)))
