"""Token Revocation, of subject and actor tokens."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from tests.vault.asking import FORM, ask, assertion_form, claims, error_of, exchange, sign
from tests.vault.conftest import subject
from tests.vault.registered import register
from tests.vault.rfc.requirement import requires
from vault import models, tokens

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def revoke(http: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await ask(http, "/oauth/revoke", **form)


async def is_refused(http: httpx.AsyncClient, token: str) -> bool:
    response = await exchange(http, subject_token=token)
    return response.status_code != 200 and error_of(response) == (400, "invalid_request")


@requires("2", "The request is a POST of application/x-www-form-urlencoded.")
async def test_2_a_form_is_posted(http: httpx.AsyncClient) -> None:
    assert (await http.get("/oauth/revoke")).status_code == 405
    json = await http.post("/oauth/revoke", json={"token": subject(), **assertion_form()})
    assert error_of(json) == (415, "invalid_request")


@requires("2.1", "The parameter token is required.")
@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token_type_hint": "access_token"}])
async def test_2_1_token_is_required(http: httpx.AsyncClient, form: dict[str, str]) -> None:
    assert error_of(await revoke(http, **form)) == (400, "invalid_request")


@requires("2.1", "A token that is not found by its token_type_hint is searched among all supported types.")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token"])
async def test_2_1_a_wrong_hint_revokes_all_the_same(http: httpx.AsyncClient, connect_user: Connect, hint: str) -> None:
    await connect_user()
    token = subject(purpose="exchange")
    assert (await revoke(http, token=token, token_type_hint=hint)).status_code == 200
    assert await is_refused(http, token)


@requires("2.1", "The server validates the client's credentials before it revokes anything.")
async def test_2_1_the_client_authenticates(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = subject(purpose="exchange")
    assert error_of(await http.post("/oauth/revoke", data={"token": token})) == (401, "invalid_client")
    assert not await is_refused(http, token)


@requires("2.1", "The server verifies that the token was issued to the client that wants it revoked.")
async def test_2_1_another_clients_token_is_not_revoked(http: httpx.AsyncClient) -> None:
    assert (await revoke(http, token=sign(claims(client_id="someone-else")))).status_code == 200
    assert not await models.RevokedToken.objects.using("vault").aexists()


@requires("2.1", "A client revokes its own tokens and not those of another registered client.")
async def test_2_1_registered_clients(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client, other = await register(), await register()
    token = client.subject()
    assert (await http.post("/oauth/revoke", data=other.in_body | {"token": token})).status_code == 200
    assert (await client.ask(http, subject_token=token)).status_code == 200
    assert (await http.post("/oauth/revoke", data=client.in_body | {"token": token})).status_code == 200
    assert error_of(await client.ask(http, subject_token=token)) == (400, "invalid_request")


@requires("2.1", "The invalidation takes place immediately: the token cannot be used again after the revocation.")
async def test_2_1_revoked_at_once(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = subject(purpose="exchange")
    assert not await is_refused(http, token)
    await revoke(http, token=token)
    assert await is_refused(http, token)


@requires("2.2", "The server answers 200 when the token was revoked, and when the token is invalid.")
@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_2_2_an_invalid_token_is_no_error(http: httpx.AsyncClient, token: str) -> None:
    assert (await revoke(http, token=token or subject())).status_code == 200


@requires("2.2", "An invalid token type hint is ignored and does not influence the response.")
async def test_2_2_an_unknown_hint_is_ignored(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = subject(purpose="exchange")
    with_hint = await revoke(http, token=token, token_type_hint="no-such-type")
    assert (with_hint.status_code, with_hint.content) == (200, (await revoke(http, token=subject())).content)
    assert await is_refused(http, token)


@requires("2.2.1", "A token of a type that cannot be revoked is unsupported_token_type.")
async def test_2_2_1_unsupported_token_type(http: httpx.AsyncClient) -> None:
    assert error_of(await revoke(http, token=tokens.mint_assertion())) == (400, "unsupported_token_type")


@requires("2.2.1", "Errors have the form of RFC 6749 section 5.2.")
async def test_2_2_1_errors_are_those_of_oauth(http: httpx.AsyncClient) -> None:
    unsupported = await revoke(http, token=tokens.mint_assertion())
    malformed = await http.post("/oauth/revoke", content=b"token=a&token=b", headers=FORM)
    for response in (unsupported, malformed):
        assert set(response.json()) == {"error", "error_description"}
        assert response.headers["cache-control"] == "no-store"


@requires(
    "2.2.1", "The server answers 503 when it cannot revoke now, and the client must assume the token still exists."
)
async def test_2_2_1_a_revocation_that_failed_is_told(http: httpx.AsyncClient) -> None:
    token = subject()
    await sync_to_async(_refuse_rows)()
    try:
        assert error_of(await revoke(http, token=token)) == (503, "server_error")
    finally:
        await sync_to_async(_take_rows)()
    assert (await ask(http, "/oauth/introspect", token=token)).json()["active"] is True


def _refuse_rows() -> None:
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER disk_full BEFORE INSERT ON vault_revokedtoken BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )


def _take_rows() -> None:
    with connections["vault"].cursor() as cursor:
        cursor.execute("DROP TRIGGER disk_full")
