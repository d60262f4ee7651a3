"""A client authenticates in exactly one way; whatever fails gets one answer."""

import base64
from urllib.parse import quote_plus

import httpx
import pytest
from asgiref.sync import sync_to_async

from tests.vault.conftest import events, subject
from tests.vault.registered import Registered, error_of, register
from vault import clients, tokens, wire

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])


def basic(text: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def assertion() -> dict[str, str]:
    return {"client_assertion_type": wire.ASSERTION_TYPE, "client_assertion": tokens.mint_assertion()}


async def post(
    http: httpx.AsyncClient, client: Registered, *, headers: dict[str, str] | None = None, **credentials: str
) -> httpx.Response:
    return await http.post("/oauth/token", data=client.form() | credentials, headers=headers)


def is_authenticated(response: httpx.Response) -> bool:
    """Tell whether the refusal is of the exchange, since nobody connected anything."""
    return error_of(response) == (400, "invalid_target", "not_connected")


async def test_a_secret_is_taken_from_the_body_or_from_the_header(http: httpx.AsyncClient) -> None:
    """RFC 6749 section 2.3.1."""
    client = await register()
    assert is_authenticated(await post(http, client, **client.in_body))
    assert is_authenticated(await post(http, client, headers=basic(f"{client.id}:{client.secret}")))


async def test_the_parts_of_the_header_are_encoded_as_in_a_form(http: httpx.AsyncClient) -> None:
    """RFC 6749 section 2.3.1: each part is form-urlencoded before base64."""
    client = await register()
    parts = ["".join(f"%{ord(letter):02X}" for letter in part) for part in (client.id, client.secret)]
    assert is_authenticated(await post(http, client, headers=basic(":".join(parts))))
    assert is_authenticated(await post(http, client, headers=basic(f"{quote_plus(client.id)}:{client.secret}")))


async def test_the_name_of_the_scheme_has_no_case(http: httpx.AsyncClient) -> None:
    """RFC 9110 section 11.1."""
    client = await register()
    value = basic(f"{client.id}:{client.secret}")["authorization"].replace("Basic", "bASIC")
    assert is_authenticated(await post(http, client, headers={"authorization": value}))


async def test_a_client_that_names_itself_twice_names_the_same(http: httpx.AsyncClient) -> None:
    client, other = await register(), await register()
    header = basic(f"{client.id}:{client.secret}")
    assert is_authenticated(await post(http, client, headers=header, client_id=client.id))
    assert error_of(await post(http, client, headers=header, client_id=other.id)) == (401, "invalid_client", "")


async def test_whatever_fails_gets_one_answer(http: httpx.AsyncClient) -> None:
    """RFC 6749 section 5.2, RFC 9110 section 15.5.2: nobody learns which clients there are, or what was wrong."""
    client, disabled = await register(), await register()
    await sync_to_async(clients.disable)(disabled.id)
    right = f"{client.id}:{client.secret}"
    headers = [
        basic(f"{client.id}:wrong"),
        basic(f"cli_unknown:{client.secret}"),
        basic(f"{disabled.id}:{disabled.secret}"),
        basic(f"devcontext-web:{client.secret}"),
        basic(client.id),
        basic(f"{client.id}:"),
        basic(f":{client.secret}"),
        basic(f"{client.id}:{client.secret}\n"),
        basic(f"{client.id}\0:{client.secret}"),
        basic(f"{client.id}é:{client.secret}"),
        basic(f"{client.id}%ff:{client.secret}"),
        {"authorization": "Basic"},
        {"authorization": "Basic !"},
        {"authorization": basic(right)["authorization"] + "="},
        {"authorization": f"Bearer {client.secret}"},
        {"authorization": f"Digest {right}"},
    ]
    bodies: list[dict[str, str]] = [
        {},
        {"client_id": client.id},
        {"client_secret": client.secret},
        {"client_id": client.id, "client_secret": "wrong"},
        {"client_id": "cli_unknown", "client_secret": client.secret},
        {"client_id": "x" * 1000, "client_secret": client.secret},
        disabled.in_body,
        {"client_assertion_type": wire.ASSERTION_TYPE},
        {"client_assertion": tokens.mint_assertion()},
        assertion() | {"client_assertion": "x"},
        assertion() | {"client_id": client.id},
    ]
    answers = [await post(http, client, headers=header) for header in headers]
    answers += [await post(http, client, **credentials) for credentials in bodies]
    assert {response.status_code for response in answers} == {401}
    assert {response.headers["www-authenticate"] for response in answers} == {'Basic realm="vault"'}
    assert len({response.content for response in answers}) == 1
    assert answers[0].json() == {"error": "invalid_client", "error_description": "Client authentication failed."}
    assert await events(kind="vault:exchange") == []


async def test_two_ways_at_once_are_refused_however_right_each_is(http: httpx.AsyncClient) -> None:
    """RFC 6749 section 2.3."""
    client = await register()
    header = basic(f"{client.id}:{client.secret}")
    for credentials, headers in (
        (client.in_body, header),
        (assertion(), header),
        (assertion() | client.in_body, None),
        ({"client_assertion_type": wire.ASSERTION_TYPE}, header),
    ):
        response = await post(http, client, headers=headers, **credentials)
        assert error_of(response) == (400, "invalid_request", ""), (credentials.keys(), headers)


async def test_users_connections_are_not_for_registered_clients(http: httpx.AsyncClient) -> None:
    client = await register()
    token = subject(client=client.id)
    fields = {"provider": "github", "connection": "c", "nonce": "n", "is_allowed": "false", "subject_token": token}
    fields |= {
        "providers": "github",
        "expires_at": "2999-01-01T00:00:00+00:00",
        "grant": "g",
        "agent": "a",
        "tools": "t",
        "token": "t",
    }
    for name, path in wire.PATHS.items():
        if name != "exchange":
            response = await http.post(path, data=fields | client.in_body)
            assert error_of(response) == (400, "unauthorized_client", ""), name


async def test_no_secret_reaches_a_log(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="vault")
    caplog.set_level("DEBUG", logger="django")
    client = await register()
    await post(http, client, **client.in_body)
    await post(http, client, **client.in_body | {"client_id": "cli_unknown"})
    assert client.secret not in caplog.text + "".join(str(vars(record)) for record in caplog.records)
