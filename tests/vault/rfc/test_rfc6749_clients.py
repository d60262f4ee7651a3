"""The OAuth 2.0 Authorization Framework: clients that authenticate by a secret."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from asgiref.sync import sync_to_async

from tests.vault.asking import ask, assertion_form, error_of
from tests.vault.conftest import subject
from tests.vault.registered import Registered, register
from tests.vault.rfc.requirement import requires
from vault import clients, wire

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


def basic(client: str, secret: str) -> dict[str, str]:
    """Return the header of client_secret_basic for parts that are encoded already."""
    return {"authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def every_character(text: str) -> str:
    """Encode each character, as a form may."""
    return "".join(f"%{ord(character):02X}" for character in text)


async def by_basic(http: httpx.AsyncClient, client: Registered, **headers: str) -> httpx.Response:
    return await http.post("/oauth/token", data=client.form(), headers=headers)


@requires("2.3.1", "The server must support HTTP Basic for clients that were issued a secret.")
async def test_2_3_1_basic(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    response = await by_basic(http, client, **basic(quote(client.id), quote(client.secret)))
    assert response.status_code == 200


@requires("2.3.1", "Client id and secret are each encoded as in a form before they are joined for HTTP Basic.")
async def test_2_3_1_both_parts_are_encoded(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    header = basic(every_character(client.id), every_character(client.secret))
    assert (await by_basic(http, client, **header)).status_code == 200


@requires("2.3.1", "The server may support client_id and client_secret in the body, and does.")
async def test_2_3_1_in_the_body(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert (await (await register()).ask(http)).status_code == 200


@requires("2.3.1", "The name of the scheme in HTTP Basic is not case-sensitive, its credentials are.")
async def test_2_3_1_the_scheme(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    header = basic(client.id, client.secret)["authorization"]
    assert (await by_basic(http, client, authorization=header.replace("Basic", "bASIC"))).status_code == 200
    response = await by_basic(http, client, **basic(client.id, client.secret.swapcase()))
    assert error_of(response) == (401, "invalid_client")


@requires("3.2.1", "A client that names itself by client_id in the body names the one that authenticates.")
async def test_3_2_1_client_id_in_the_body(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client, other = await register(), await register()
    header = basic(client.id, client.secret)
    same = await http.post("/oauth/token", data=client.form(client_id=client.id), headers=header)
    assert same.status_code == 200
    another = await http.post("/oauth/token", data=client.form(client_id=other.id), headers=header)
    assert error_of(another) == (401, "invalid_client")


@requires("5.2", "A client that tried the Authorization header is answered 401 with WWW-Authenticate of its scheme.")
@pytest.mark.parametrize("wrong", ["secret", "client", "garbage", "another scheme"])
async def test_5_2_www_authenticate(http: httpx.AsyncClient, connect_user: Connect, wrong: str) -> None:
    await connect_user()
    client = await register()
    header = {
        "secret": basic(client.id, "dcs_wrong"),
        "client": basic("cli_unknown", client.secret),
        "garbage": {"authorization": "Basic !"},
        "another scheme": {"authorization": f"Bearer {client.secret}"},
    }[wrong]
    response = await by_basic(http, client, **header)
    assert error_of(response) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic realm=")


@requires("5.2", "An authenticated client that may not use the grant type is unauthorized_client.")
@pytest.mark.parametrize("allowed", wire.GRANT_TYPES)
async def test_5_2_unauthorized_client(http: httpx.AsyncClient, connect_user: Connect, allowed: str) -> None:
    await connect_user()
    client = await register(grant_types=(allowed,))
    response = await client.ask(http)
    if allowed == wire.GRANT_TYPE:
        assert response.status_code == 200
    else:
        assert error_of(response) == (400, "unauthorized_client")


@requires("2.3", "A client with a secret does not authenticate in two ways at once either.")
async def test_2_3_not_basic_and_body(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    for second in (client.in_body, assertion_form()):
        form = client.form() | second
        response = await http.post("/oauth/token", data=form, headers=basic(client.id, client.secret))
        assert error_of(response) == (400, "invalid_request")


@requires("2.4", "A client that is not known, or not let in any more, is refused like one with a wrong secret.")
async def test_2_4_unknown_and_disabled_clients(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client, disabled = await register(), await register()
    await sync_to_async(clients.disable)(disabled.id)
    refused = [
        await client.ask(http, client_secret="dcs_wrong"),
        await client.ask(http, client_id="cli_unknown"),
        await disabled.ask(http),
    ]
    assert {error_of(response) for response in refused} == {(401, "invalid_client")}
    assert len({response.content for response in refused}) == 1


@requires("10.1", "The server authenticates clients wherever it can: no other endpoint takes a request without it.")
@pytest.mark.parametrize("path", [*wire.PATHS.values(), "/oauth/revoke", "/oauth/introspect"])
async def test_10_1_every_endpoint(http: httpx.AsyncClient, path: str) -> None:
    form = {"subject_token": subject(), "token": subject(), "grant_type": wire.GRANT_TYPE}
    assert error_of(await http.post(path, data=form)) == (401, "invalid_client")
    assert error_of(await ask(http, path, client_assertion="x")) == (401, "invalid_client")
