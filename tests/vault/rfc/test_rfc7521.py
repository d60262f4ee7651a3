"""Assertion Framework: client authentication by an assertion."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.vault.asking import assertion_claims, error_of, exchange, sign
from tests.vault.rfc.requirement import requires

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


@requires("4.2", "client_assertion_type is required, and its value says how the assertion is read.")
@pytest.mark.parametrize(
    "kind",
    [
        None,
        "jwt-bearer",
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "URN:IETF:PARAMS:OAUTH:CLIENT-ASSERTION-TYPE:JWT-BEARER",
    ],
)
async def test_4_2_client_assertion_type(http: httpx.AsyncClient, connect_user: Connect, kind: str | None) -> None:
    await connect_user()
    assert error_of(await exchange(http, client_assertion_type=kind)) == (401, "invalid_client")


@requires("4.2", "client_assertion is required and holds a single assertion.")
@pytest.mark.parametrize("spelling", ["", "{0} {0}", "{0},{0}", "{0}{0}"])
async def test_4_2_client_assertion(http: httpx.AsyncClient, connect_user: Connect, spelling: str) -> None:
    await connect_user()
    valid = sign(assertion_claims(), typ="client-authentication+jwt")
    assert (await exchange(http, client_assertion=valid)).status_code == 200
    response = await exchange(http, client_assertion=spelling.format(valid))
    assert error_of(response) == (401, "invalid_client")


@requires("4.2", "client_id is not needed beside the assertion; if present it must identify the same client.")
@pytest.mark.parametrize(("client", "status"), [(None, 200), ("devcontext-web", 200), ("someone-else", 401)])
async def test_4_2_client_id_agrees(
    http: httpx.AsyncClient, connect_user: Connect, client: str | None, status: int
) -> None:
    await connect_user()
    assert (await exchange(http, client_id=client)).status_code == status


@requires("4.2.1", "An assertion that is invalid, or of a wrong type, is the error invalid_client.")
@pytest.mark.parametrize("changes", [{"aud": "https://other.example"}, {"exp": 1}, {"sub": "someone-else"}])
async def test_4_2_1_invalid_client(http: httpx.AsyncClient, connect_user: Connect, changes: dict[str, Any]) -> None:
    await connect_user()
    assertion = sign(assertion_claims(**changes), typ="client-authentication+jwt")
    assert error_of(await exchange(http, client_assertion=assertion)) == (401, "invalid_client")


@requires("5.2", "The assertion must hold issuer, subject, audience and expiry.")
@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "exp"])
async def test_5_2_the_claims_of_an_assertion(http: httpx.AsyncClient, connect_user: Connect, missing: str) -> None:
    await connect_user()
    assertion = sign(assertion_claims(**{missing: None}), typ="client-authentication+jwt")
    assert error_of(await exchange(http, client_assertion=assertion)) == (401, "invalid_client")
