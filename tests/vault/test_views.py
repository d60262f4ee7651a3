"""The endpoints refuse what is not exactly one well-formed, authenticated request, and say why in one of few words."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import OKPKey

from tests.vault.conftest import ALICE, MALLORY, actor, events, subject
from tests.vault.upstream import Upstream
from vault import jws, tokens, wire
from vault.client.base import VaultClient

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
FORM = {"content-type": "application/x-www-form-urlencoded"}


def assertion() -> dict[str, str]:
    return {"client_assertion_type": wire.ASSERTION_TYPE, "client_assertion": tokens.mint_assertion()}


def form(**changes: str) -> dict[str, str]:
    """Return a valid exchange with some parameters changed; an empty one counts as left out."""
    valid = {
        "grant_type": wire.GRANT_TYPE,
        "subject_token": subject(purpose="exchange"),
        "subject_token_type": tokens.TOKEN_TYPE_ACCESS,
        "actor_token": actor(),
        "actor_token_type": tokens.TOKEN_TYPE_JWT,
        "audience": "github",
        **assertion(),
    }
    return valid | changes


async def post(http: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await http.post("/oauth/token", data=form(**changes))


def error_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


async def test_the_answer_of_an_exchange_is_that_of_the_rfc(http: httpx.AsyncClient, connect_user: Connect) -> None:
    """RFC 8693 section 2.2.1; RFC 6749 section 5.1 for the headers."""
    await connect_user()
    response = await post(http)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    body = response.json()
    assert body.pop("access_token").startswith("ghu_")
    assert body.pop("exchange").startswith("ex_")
    assert body.pop("receipt")
    assert body == {
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "",
    }


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"subject_token": ""}, 400, "invalid_request"),
        ({"subject_token_type": ""}, 400, "invalid_request"),
        ({"audience": ""}, 400, "invalid_target"),
        ({"audience": "gitlab"}, 400, "invalid_target"),
        ({"resource": "https://api.github.com"}, 400, "invalid_target"),
        ({"scope": "repo"}, 400, "invalid_scope"),
        ({"actor_token": "x"}, 400, "invalid_request"),
        ({"client_assertion": ""}, 401, "invalid_client"),
        ({"client_assertion_type": ""}, 401, "invalid_client"),
        ({"client_assertion": "x"}, 401, "invalid_client"),
        ({"client_id": "someone-else"}, 401, "invalid_client"),
        ({"client_secret": "secret"}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_parameter_is_refused(
    http: httpx.AsyncClient, connect_user: Connect, changes: dict[str, str], status: int, error: str
) -> None:
    await connect_user()
    response = await post(http, **changes)
    assert error_of(response) == (status, error)
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    assert "ghu_" not in response.text


async def test_a_refusal_names_its_cause_and_repeats_nothing(
    http: httpx.AsyncClient, connect_user: Connect, settings: Any
) -> None:
    await connect_user()
    response = await post(http, audience="<audience>")
    assert response.json() == {
        "error": "invalid_target",
        "error_description": "The service is not connected.",
        "vault_reason": "not_connected",
        "error_uri": f"{settings.APP_URL}/settings/permissions/",
    }


async def test_a_client_that_fails_to_authenticate_is_told_how_and_nothing_else(http: httpx.AsyncClient) -> None:
    """One answer for every cause, and no event for what is not even a client."""
    foreign = OKPKey.generate_key("Ed25519").as_pem(private=True).decode()
    forged = jws.sign({"iss": "devcontext-web", "sub": "devcontext-web"}, pem=foreign, typ="client-authentication+jwt")
    answers = [await post(http, client_assertion=text) for text in ("", "x", forged, subject())]
    assert {response.status_code for response in answers} == {401}
    assert {response.headers["www-authenticate"] for response in answers} == {'Basic realm="vault"'}
    assert len({response.content for response in answers}) == 1
    assert await events() == []


async def test_two_ways_to_authenticate_are_one_too_many(http: httpx.AsyncClient) -> None:
    """RFC 6749 section 2.3."""
    response = await http.post("/oauth/token", data=form(), auth=("devcontext-web", "secret"))
    assert error_of(response) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_refused(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/oauth/token")
    assert error_of(response) == (405, "invalid_request")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=utf-16",
    ],
)
async def test_another_content_type_is_refused(http: httpx.AsyncClient, content_type: str) -> None:
    response = await http.post("/oauth/token", content=b"a=b", headers={"content-type": content_type})
    assert error_of(response) == (415, "invalid_request")


BODIES = {
    "a parameter twice": b"grant_type=a&grant_type=b",
    "a parameter twice, once empty": b"grant_type=a&grant_type=",
    "too many parameters": b"&".join(b"p%d=v" % number for number in range(33)),
    "no form": b"{}",
    "bytes that are no UTF-8": b"grant_type=%ff",
    "raw bytes": "grant_type=é".encode(),
    "a NUL": b"grant_type=a%00b",
    "a line break": b"grant_type=a%0d%0ab",
    "a C1 control": b"grant_type=a%c2%85b",
    "an empty body": b"",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_malformed_form_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    response = await http.post("/oauth/token", content=body, headers=FORM)
    assert response.status_code in (400, 401)
    assert response.json()["error"] in ("invalid_request", "invalid_client")


async def test_a_large_body_is_refused(http: httpx.AsyncClient) -> None:
    response = await http.post("/oauth/token", content=b"a=" + b"x" * 16 * 1024, headers=FORM)
    assert error_of(response) == (413, "invalid_request")


async def test_a_query_string_is_refused(http: httpx.AsyncClient) -> None:
    """RFC 6750 section 5.3: what is in a URL is in a log."""
    response = await http.post("/oauth/token?scope=repo", data=form())
    assert error_of(response) == (400, "invalid_request")


async def test_management_needs_a_client_and_a_subject(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    for name, path in wire.PATHS.items():
        response = await http.post(path, data={"subject_token": subject(), "provider": "github"})
        assert error_of(response) == (401, "invalid_client"), name
        response = await http.post(path, data={"provider": "github", **assertion()})
        assert error_of(response) == (400, "invalid_request"), name


@pytest.mark.parametrize("position", ["", "True", "1", "yes"])
async def test_the_switch_has_two_positions(http: httpx.AsyncClient, connect_user: Connect, position: str) -> None:
    await connect_user()
    data = {"subject_token": subject(), "connection": "github", "is_allowed": position, **assertion()}
    assert error_of(await http.post(wire.PATHS["set_access"], data=data)) == (400, "invalid_request")


async def test_nobody_reaches_anothers_connection_by_any_endpoint(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    connected = await connect_user()
    known = {"connection": connected.id, "nonce": "guess", "is_allowed": "false"}
    data = {"subject_token": subject(MALLORY), **known, **assertion()}
    listed = await http.post(wire.PATHS["list_connections"], data=data)
    assert listed.json() == {"connections": []}
    for name in ("set_access", "set_default", "disconnect", "confirm_connection"):
        response = await http.post(wire.PATHS[name], data={**data, **assertion()})
        assert response.status_code == 400, name
        assert connected.id not in response.text
    mine = await http.post(wire.PATHS["list_connections"], data={"subject_token": subject(ALICE), **assertion()})
    assert [connection["id"] for connection in mine.json()["connections"]] == [connected.id]


async def test_the_callback_answers_with_a_redirect_that_nothing_keeps(http: httpx.AsyncClient, settings: Any) -> None:
    response = await http.get("/connect/github/callback", params={"code": "c", "state": "s"})
    assert response.status_code == 302
    assert response.headers["location"] == f"{settings.APP_URL}/auth/connect/github/return?error=invalid_state"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_a_callback_for_no_provider_of_ours_goes_to_no_made_up_address(http: httpx.AsyncClient) -> None:
    response = await http.get("/connect/gitlab/callback", params={"state": "s"})
    assert response.status_code == 404


async def test_a_callback_takes_no_other_method(http: httpx.AsyncClient) -> None:
    assert (await http.post("/connect/github/callback")).status_code == 405


async def test_a_state_that_came_twice_is_none(http: httpx.AsyncClient) -> None:
    response = await http.get("/connect/github/callback?state=a&state=b")
    assert response.headers["location"].endswith("?error=invalid_state")


async def test_an_answer_with_any_parameter_twice_is_refused(
    http: httpx.AsyncClient, vault: VaultClient, upstream: Upstream
) -> None:
    """RFC 6749 section 3.1; an issuer said twice must not count as one not said (RFC 9207 section 2.4)."""
    url = await vault.start_connect(subject_token=subject(), provider="google-calendar")
    query = [*upstream.consent(url).items(), ("iss", "https://attacker.example"), ("iss", upstream.url)]
    response = await http.get("/connect/google-calendar/callback", params=query)
    assert response.headers["location"].endswith("?error=invalid_state")
    assert not upstream.calls
