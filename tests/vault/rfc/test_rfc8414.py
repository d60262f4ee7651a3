"""Authorization Server Metadata."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.vault.asking import error_of, exchange, exchange_form
from tests.vault.conftest import subject
from tests.vault.registered import register
from tests.vault.rfc.requirement import requires
from tests.vault.upstream import Upstream
from vault import auth0, wire

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
PATH = "/.well-known/oauth-authorization-server"
ENDPOINTS = ("token_endpoint", "revocation_endpoint", "introspection_endpoint")


async def metadata(http: httpx.AsyncClient) -> dict[str, Any]:
    body: dict[str, Any] = (await http.get(PATH)).json()
    return body


@requires("2", "issuer is a URL without query or fragment.")
async def test_2_issuer(http: httpx.AsyncClient) -> None:
    issuer = httpx.URL((await metadata(http))["issuer"])
    assert issuer.scheme in ("http", "https")
    assert (issuer.query, issuer.fragment) == (b"", "")


@requires("2", "token_endpoint is the URL of the token endpoint.")
async def test_2_token_endpoint(http: httpx.AsyncClient, upstream: Upstream) -> None:
    path = httpx.URL((await metadata(http))["token_endpoint"]).path
    assert error_of(await http.post(path, data={"grant_type": "x"})) == (401, "invalid_client")
    assert path == "/oauth/token"


@requires("2", "authorization_endpoint is there if a grant type needs one; none here does.")
async def test_2_no_authorization_endpoint(http: httpx.AsyncClient) -> None:
    body = await metadata(http)
    assert "authorization_endpoint" not in body
    assert not {"authorization_code", "implicit"} & set(body["grant_types_supported"])


@requires("2", "jwks_uri names a JWK Set with the keys that validate signatures.")
async def test_2_jwks_uri(http: httpx.AsyncClient) -> None:
    response = await http.get(httpx.URL((await metadata(http))["jwks_uri"]).path)
    assert response.status_code == 200
    assert [key["use"] for key in response.json()["keys"]] == ["sig"]


@requires("2", "response_types_supported is required; without an authorization endpoint it is empty.")
async def test_2_response_types(http: httpx.AsyncClient) -> None:
    assert (await metadata(http))["response_types_supported"] == []


@requires("2", "grant_types_supported lists what the token endpoint takes; without it authorization_code is implied.")
async def test_2_grant_types(http: httpx.AsyncClient, upstream: Upstream) -> None:
    supported = (await metadata(http))["grant_types_supported"]
    assert "urn:ietf:params:oauth:grant-type:token-exchange" in supported
    for grant_type in ("authorization_code", "implicit", "client_credentials", "refresh_token"):
        assert grant_type not in supported
        assert error_of(await exchange(http, grant_type=grant_type)) == (400, "unsupported_grant_type")


@requires("2", "The authentication methods of each endpoint are said; the default would be client_secret_basic.")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_2_auth_methods(http: httpx.AsyncClient, endpoint: str) -> None:
    assert "private_key_jwt" in (await metadata(http))[f"{endpoint}_auth_methods_supported"]


@requires("2", "Each method of authentication that an endpoint names works there.")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_2_each_auth_method(http: httpx.AsyncClient, upstream: Upstream, endpoint: str) -> None:
    """Past authentication the token endpoint says that alice has connected nothing."""
    body = await metadata(http)
    client = await register()
    path = httpx.URL(body[endpoint]).path
    ways: dict[str, dict[str, Any]] = {
        "private_key_jwt": {"data": exchange_form(token="x")},
        "client_secret_post": {"data": client.form(token="x") | client.in_body},
        "client_secret_basic": {"data": client.form(token="x"), "auth": (client.id, client.secret)},
    }
    assert set(body[f"{endpoint}_auth_methods_supported"]) == set(ways)
    for way in ways.values():
        assert (await http.post(path, **way)).status_code == (400 if endpoint == "token_endpoint" else 200)


@requires("2", "Each grant type that is listed is taken.")
async def test_2_each_grant_type(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    supported = (await metadata(http))["grant_types_supported"]
    assert sorted(supported) == sorted(wire.GRANT_TYPES)
    for grant_type in supported:
        assert (
            await client.ask(http, grant_type=grant_type, connection="github", **_type_of(grant_type))
        ).status_code == 200


def _type_of(grant_type: str) -> dict[str, str]:
    return {} if grant_type == wire.GRANT_TYPE else {"requested_token_type": auth0.TOKEN_TYPE}


@requires("2", "With private_key_jwt the signing algorithms of each endpoint must be said, and none is not one.")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_2_signing_algorithms(http: httpx.AsyncClient, endpoint: str) -> None:
    algorithms = (await metadata(http))[f"{endpoint}_auth_signing_alg_values_supported"]
    assert algorithms == ["Ed25519"]


@requires("2", "revocation_endpoint and introspection_endpoint are the URLs of these endpoints.")
@pytest.mark.parametrize("endpoint", ENDPOINTS[1:])
async def test_2_every_endpoint_answers(http: httpx.AsyncClient, endpoint: str, settings: Any) -> None:
    address = (await metadata(http))[endpoint]
    assert address.startswith(f"{settings.VAULT_ISSUER}/")
    response = await http.post(httpx.URL(address).path, data={"token": subject()})
    assert error_of(response) == (401, "invalid_client")


@requires("3", "The document is at /.well-known/oauth-authorization-server.")
async def test_3_well_known(http: httpx.AsyncClient) -> None:
    assert (await http.get("/.well-known/oauth-authorization-server")).status_code == 200


@requires("3.1", "The document is queried by GET, by anybody.")
async def test_3_1_get(http: httpx.AsyncClient) -> None:
    assert (await http.get(PATH)).status_code == 200
    assert (await http.post(PATH)).status_code == 405


@requires("3.2", "A successful answer is 200 with application/json, one JSON object.")
async def test_3_2_json(http: httpx.AsyncClient) -> None:
    response = await http.get(PATH)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert isinstance(response.json(), dict)


@requires("3.2", "Members with several values are arrays, and members without values are left out.")
async def test_3_2_arrays(http: httpx.AsyncClient) -> None:
    """`response_types_supported` alone may be empty, since section 2 demands it."""
    body = await metadata(http)
    several = {name: values for name, values in body.items() if name.endswith("_supported")}
    assert all(isinstance(values, list) for values in several.values())
    assert [name for name, values in several.items() if not values] == ["response_types_supported"]
    assert None not in body.values()


@requires("3.3", "issuer is identical to the issuer that the document was asked of.")
async def test_3_3_the_same_issuer(http: httpx.AsyncClient, settings: Any) -> None:
    """RFC 8414 section 4: compared character by character."""
    settings.VAULT_ISSUER = "https://vault.example.org"
    body = await metadata(http)
    assert body["issuer"] == "https://vault.example.org"
    assert {httpx.URL(body[name]).host for name in (*ENDPOINTS, "jwks_uri")} == {"vault.example.org"}
