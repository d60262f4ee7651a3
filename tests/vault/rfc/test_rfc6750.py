"""Bearer Token Usage: what is done so that a bearer token is not lost on the way."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.vault.asking import ask, assertion_form, claims, error_of, exchange, exchange_form, sign
from tests.vault.conftest import subject
from tests.vault.rfc.requirement import requires
from tests.vault.upstream import Upstream
from vault.embedded import EmbeddedVault

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


@requires("2.3", "A bearer token in the query of an address is not accepted.")
@pytest.mark.parametrize("name", ["access_token", "subject_token", "token"])
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/vault/connections/list"])
async def test_2_3_no_token_in_an_address(http: httpx.AsyncClient, path: str, name: str) -> None:
    form = {"token": subject(), "subject_token": subject(), **assertion_form()}
    response = await http.post(f"{path}?{name}={subject()}", data=form)
    assert error_of(response) == (400, "invalid_request")


@requires("5.2", "A token's audience is the server that takes it: one for another server is refused.")
async def test_5_2_a_token_for_another_server_is_refused(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = sign(claims(aud="https://vault.example.org"))
    assert error_of(await exchange(http, subject_token=token)) == (400, "invalid_request")


@requires("5.3", "Bearer tokens are not stored in cookies.")
async def test_5_3_no_cookie_is_set(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    for response in (await exchange(http), await ask(http, "/vault/connections/list", subject_token=subject())):
        assert response.status_code == 200
        assert "set-cookie" not in response.headers


@requires("5.3", "Token servers issue short-lived tokens: what is told of an upstream token's life is a minute.")
async def test_5_3_short_answers(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert 0 < (await exchange(http)).json()["expires_in"] <= 60


@requires("5.3", "A subject token lives for minutes; one that was minted for longer is refused.")
@pytest.mark.parametrize("seconds", [301, 3600, 31_536_000])
async def test_5_3_no_long_lived_subject_token(http: httpx.AsyncClient, connect_user: Connect, seconds: int) -> None:
    await connect_user()
    values = claims()
    token = sign(values | {"exp": values["iat"] + seconds})
    assert error_of(await exchange(http, subject_token=token)) == (400, "invalid_request")


@requires("5.3", "Bearer tokens are not passed in page addresses: the callback hands on a nonce and no token.")
async def test_5_3_no_token_in_a_redirect(http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream) -> None:
    answer = upstream.consent(await vault.start_connect(subject_token=subject(), provider="github"))
    location = (await http.get("/connect/github/callback", params=answer)).headers["location"]
    assert "nonce=" in location
    assert len(upstream.issued) == 2
    assert not [secret for secret in (*upstream.issued, answer["code"], answer["state"]) if secret in location]


@requires("5.3", "Issued tokens are scoped to one purpose: a token that manages connections exchanges nothing.")
async def test_5_3_a_token_has_one_purpose(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    response = await http.post("/oauth/token", data=exchange_form(subject_token=subject(purpose="connections")))
    assert error_of(response) == (400, "invalid_request")
    response = await ask(http, "/vault/connections/list", subject_token=subject(purpose="exchange"))
    assert error_of(response) == (400, "invalid_request")
