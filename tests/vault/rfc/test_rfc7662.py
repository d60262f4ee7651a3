"""Token Introspection, of subject and actor tokens."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.vault.asking import ask, assertion_form, claims, error_of, exchange, sign
from tests.vault.conftest import actor, subject
from tests.vault.registered import register
from tests.vault.rfc.requirement import requires

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
INACTIVE = {"active": False}


async def introspect(http: httpx.AsyncClient, token: str, **form: str) -> dict[str, Any]:
    response = await ask(http, "/oauth/introspect", token=token, **form)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


@requires("2.1", "The request is a POST of application/x-www-form-urlencoded with the parameter token.")
async def test_2_1_a_form_with_a_token(http: httpx.AsyncClient) -> None:
    assert error_of(await ask(http, "/oauth/introspect")) == (400, "invalid_request")
    response = await http.post("/oauth/introspect", json={"token": subject(), **assertion_form()})
    assert error_of(response) == (415, "invalid_request")


@requires("2.1", "A token that is not found by its token_type_hint is searched among all types.")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "no-such-type"])
async def test_2_1_hints(http: httpx.AsyncClient, hint: str) -> None:
    assert (await introspect(http, subject(), token_type_hint=hint))["active"] is True
    assert (await introspect(http, actor(), token_type_hint=hint))["active"] is True


@requires("2.1", "The endpoint must require authorization, so that nobody can scan for tokens.")
async def test_2_1_clients_only(http: httpx.AsyncClient) -> None:
    assert error_of(await http.post("/oauth/introspect", data={"token": subject()})) == (401, "invalid_client")


@requires("2.2", "The answer is a JSON object whose member active is a boolean.")
async def test_2_2_active(http: httpx.AsyncClient) -> None:
    assert (await introspect(http, subject()))["active"] is True
    assert (await introspect(http, "x"))["active"] is False


@requires("2.2", "exp and iat are integers, in seconds since the epoch.")
async def test_2_2_instants(http: httpx.AsyncClient) -> None:
    body = await introspect(http, subject())
    assert type(body["exp"]) is type(body["iat"]) is int
    assert body["iat"] <= time.time() < body["exp"]


@requires("2.2", "scope is a string of space-separated values, client_id the client that asked for the token.")
async def test_2_2_scope_and_client(http: httpx.AsyncClient) -> None:
    body = await introspect(http, subject(purpose="exchange"))
    assert (body["scope"], body["client_id"], body["token_type"]) == ("exchange", "devcontext-web", "Bearer")


@requires("2.2", "sub, aud, iss and jti are those of the token.")
async def test_2_2_claims(http: httpx.AsyncClient) -> None:
    values = claims()
    body = await introspect(http, sign(values))
    assert {name: body[name] for name in ("sub", "aud", "iss", "jti")} == {
        name: values[name] for name in ("sub", "aud", "iss", "jti")
    }


@requires("2.2", "The answer about an inactive token holds nothing but active, so that no state leaks.")
@pytest.mark.parametrize("client", ["someone-else", None])
async def test_2_2_inactive_and_nothing_else(http: httpx.AsyncClient, client: str | None) -> None:
    assert await introspect(http, sign(claims(client_id=client))) == INACTIVE


@requires("2.3", "A proper query for an unknown token is no error: the answer is 200 with active false.")
@pytest.mark.parametrize("token", ["x", "ghu_0123456789", "a.b.c", "é"])
async def test_2_3_unknown_is_no_error(http: httpx.AsyncClient, token: str) -> None:
    assert await introspect(http, token) == INACTIVE


@requires("2.3", "Failed client authentication is 401 invalid_client, as in RFC 6749 section 5.2.")
async def test_2_3_invalid_client(http: httpx.AsyncClient) -> None:
    response = await ask(http, "/oauth/introspect", token=subject(), client_assertion="x")
    assert error_of(response) == (401, "invalid_client")
    assert "www-authenticate" in response.headers


@requires("4", "The server must check that a token has not expired.")
async def test_4_expired(http: httpx.AsyncClient) -> None:
    now = int(time.time())
    assert await introspect(http, sign(claims(iat=now - 90, exp=now - 30))) == INACTIVE


@requires("4", "If a token is not valid yet, the server must say that it is inactive.")
async def test_4_not_yet_valid(http: httpx.AsyncClient) -> None:
    now = int(time.time())
    assert await introspect(http, sign(claims(nbf=now + 90))) == INACTIVE
    assert await introspect(http, sign(claims(iat=now + 90, exp=now + 120))) == INACTIVE


@requires("4", "The server must check that a token was not revoked.")
async def test_4_revoked(http: httpx.AsyncClient) -> None:
    token = subject()
    await ask(http, "/oauth/revoke", token=token)
    assert await introspect(http, token) == INACTIVE


@requires("4", "The server must validate the signature of a signed token.")
async def test_4_signature(http: httpx.AsyncClient) -> None:
    message, _, signature = subject().rpartition(".")
    forged = f"{message}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    assert await introspect(http, forged) == INACTIVE


@requires("4", "The server must say inactive of a token that the one who asks cannot use.")
async def test_4_only_ones_own(http: httpx.AsyncClient) -> None:
    assert (await introspect(http, sign(claims())))["active"] is True
    assert await introspect(http, sign(claims(client_id="someone-else"))) == INACTIVE


@requires("2.1", "A registered client authenticates here as at the token endpoint, and learns of its own tokens.")
async def test_2_1_registered_clients(http: httpx.AsyncClient) -> None:
    client, other = await register(), await register()
    form = {"token": client.subject()}
    told = (await http.post("/oauth/introspect", data=form | client.in_body)).json()
    assert (told["active"], told["client_id"]) == (True, client.id)
    assert (await http.post("/oauth/introspect", data=form | other.in_body)).json() == INACTIVE


@requires("4", "The query is a POST, so that the token does not reach the server's logs.")
async def test_4_no_get(http: httpx.AsyncClient) -> None:
    response = await http.get("/oauth/introspect", params={"token": subject()})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@requires("5", "What is told is limited to what the one who asks may know: no upstream token is ever described.")
async def test_5_no_upstream_token(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = (await exchange(http)).json()["access_token"]
    assert await introspect(http, token) == INACTIVE
