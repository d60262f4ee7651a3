"""A program written for Auth0's Token Vault: its requests as Auth0's SDKs send them, the answers as they read them."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, audit_down, change, events
from tests.vault.registered import Registered, error_of, register
from tests.vault.upstream import Upstream
from vault import auth0, wire

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
URN = "urn:ietf:params:oauth:token-type:"


def parameters(client: Registered, **changes: str) -> dict[str, str]:
    """Return what the SDKs send, without credentials, in their order; an empty change leaves a parameter out."""
    sent = {
        "grant_type": "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
        "subject_token_type": URN + "refresh_token",
        "subject_token": client.subject(),
        "requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
        "connection": "github",
    }
    return {name: value for name, value in (sent | changes).items() if value}


async def ask(http: httpx.AsyncClient, client: Registered, **changes: str) -> httpx.Response:
    return await http.post("/oauth/token", json=parameters(client, **changes) | client.in_body)


async def test_what_auth0_python_sends_gets_what_auth0_ai_reads(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream
) -> None:
    """auth0-python 4.13.0, `GetToken.access_token_for_connection`; auth0-ai 1.0.2, `get_access_token_impl`."""
    await connect_user(provider="slack")
    client = await register()
    sent = {
        "client_id": client.id,
        **parameters(client, connection="sign-in-with-slack"),
        "client_secret": client.secret,
    }
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Python/3.11.7",
        "Auth0-Client": "eyJuYW1lIjogImF1dGgwLXB5dGhvbiIsICJ2ZXJzaW9uIjogIjQuMTMuMCJ9",
    }
    response = await http.post("/oauth/token", content=json.dumps(sent).encode(), headers=headers)
    assert response.status_code < 400, "what the SDK takes for an error"
    body = json.loads(response.text)
    credentials = {
        "access_token": body["access_token"],
        "expires_in": body["expires_in"],
        "scope": body.get("scope", "").split(),
        "token_type": body.get("token_type"),
    }
    assert credentials["access_token"] in upstream.grants[0].access
    assert credentials["expires_in"] * 1000 > 0, "how long the SDK keeps it"
    assert "users:read" in credentials["scope"], "the SDK compares it with the scopes that a tool needs"
    assert credentials["token_type"] == "Bearer"


async def test_what_auth0_ai_for_javascript_sends_gets_what_it_reads(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    """auth0-ai-js at 2adab18, `TokenVaultAuthorizerBase.getAccessTokenImpl`."""
    await connect_user(provider="google-calendar")
    client = await register()
    sent = {
        "grant_type": parameters(client)["grant_type"],
        "client_id": client.id,
        "client_secret": client.secret,
        "subject_token_type": URN + "access_token",
        "subject_token": client.subject(),
        "connection": "google-oauth2",
        "requested_token_type": parameters(client)["requested_token_type"],
    }
    body = json.dumps(sent, separators=(",", ":"))
    response = await http.post("/oauth/token", content=body, headers={"Content-Type": "application/json"})
    assert response.is_success, "`res.ok`"
    answer = response.json()
    assert answer["access_token"].startswith("ya29.")
    assert "openid" in answer["scope"].replace(",", " ").split(" ")
    assert answer["expires_in"] > 0


async def test_the_answer_holds_what_auth0s_does(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    response = await ask(http, client)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.pop("access_token").startswith("ghu_")
    assert body == {
        "scope": "",
        "expires_in": 60,
        "issued_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
        "token_type": "Bearer",
    }
    event = await AuditEvent.objects.using("audit").aget(event="vault:exchange:granted")
    assert (event.client, event.user, event.provider) == (client.id, ALICE, "github")


async def test_a_form_and_credentials_in_the_header_do_as_well(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    basic = (client.id, client.secret)
    assert (await http.post("/oauth/token", data=parameters(client) | client.in_body)).status_code == 200
    assert (await http.post("/oauth/token", data=parameters(client), auth=basic)).status_code == 200
    assert (await http.post("/oauth/token", json=parameters(client), auth=basic)).status_code == 200


@pytest.mark.parametrize("kind", ["refresh_token", "access_token", "jwt"])
async def test_a_subject_token_is_ours_whatever_the_program_calls_it(
    http: httpx.AsyncClient, connect_user: Connect, kind: str
) -> None:
    await connect_user()
    client = await register()
    assert (await ask(http, client, subject_token_type=URN + kind)).status_code == 200


@pytest.mark.parametrize(
    ("connection", "provider"),
    [
        ("github", "github"),
        ("google-oauth2", "google-calendar"),
        ("sign-in-with-slack", "slack"),
        ("slack", "slack"),
    ],
)
async def test_auth0s_names_of_the_connections_are_known(
    http: httpx.AsyncClient, connect_user: Connect, connection: str, provider: str
) -> None:
    await connect_user(provider=provider)
    client = await register()
    assert (await ask(http, client, connection=connection)).status_code == 200
    event = await AuditEvent.objects.using("audit").aget(event="vault:exchange:granted")
    assert event.provider == provider


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"subject_token": ""}, (400, "invalid_request", "")),
        ({"subject_token": "x"}, (400, "invalid_request", "")),
        ({"subject_token_type": ""}, (400, "invalid_request", "")),
        ({"subject_token_type": URN + "id_token"}, (400, "invalid_request", "")),
        ({"requested_token_type": URN + "access_token"}, (400, "invalid_request", "")),
        ({"connection": ""}, (400, "invalid_request", "")),
        ({"connection": "google-calendar"}, (403, "access_denied", "policy_denied")),
        ({"connection": "linkedin"}, (403, "access_denied", "policy_denied")),
        ({"connection": "google-oauth2"}, (401, auth0.NOT_CONNECTED, "not_connected")),
        ({"scope": "repo"}, (400, "invalid_scope", "missing_scope")),
        ({"grant_type": ""}, (415, "invalid_request", "")),
        ({"grant_type": "refresh_token"}, (415, "invalid_request", "")),
        ({"grant_type": wire.GRANT_TYPE}, (415, "invalid_request", "")),
    ],
)
async def test_a_wrong_parameter_is_refused(
    http: httpx.AsyncClient, connect_user: Connect, changes: dict[str, str], expected: tuple[int, str, str]
) -> None:
    await connect_user()
    client = await register()
    assert error_of(await ask(http, client, **changes)) == expected


async def test_a_program_may_leave_out_what_it_wants_to_get(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    assert (await ask(http, client, requested_token_type="")).status_code == 200


async def test_a_subject_that_names_an_actor_is_not_exchanged_without_one(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    """The dialect has no actor token; RFC 8693 section 4.4 all the same."""
    await connect_user()
    client = await register()
    bound = client.subject(may_act="agent:devcontext")
    assert error_of(await ask(http, client, subject_token=bound)) == (400, "invalid_request", "")


async def test_a_switched_off_service_is_denied_in_a_sentence_that_can_be_shown(
    http: httpx.AsyncClient, connect_user: Connect, settings: Any
) -> None:
    await connect_user()
    client = await register()
    await change(is_access_allowed=False)
    response = await ask(http, client)
    assert response.status_code == 403
    assert response.json() == {
        "error": "access_denied",
        "error_description": "The user revoked the agent's access to the service.",
        "vault_reason": "revoked",
        "error_uri": f"{settings.APP_URL}/settings/permissions/",
    }


async def test_a_grant_that_broke_asks_to_be_made_again(http: httpx.AsyncClient, connect_user: Connect) -> None:
    """The SDKs begin a new connect flow at this code."""
    await connect_user()
    client = await register()
    await change(reconnect_reason="bad_refresh_token")
    response = await ask(http, client)
    assert error_of(response) == (401, auth0.NOT_CONNECTED, "reconnect_required")
    assert "www-authenticate" in response.headers, "RFC 9110 section 15.5.2"


async def test_our_own_trouble_is_never_the_programs_fault(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream
) -> None:
    """At a 4xx the SDKs ask the user to connect again, which would not help."""
    await connect_user()
    await change(access_expires_at=timezone.now())
    client = await register()
    upstream.answer = (503, {})
    assert error_of(await ask(http, client)) == (503, "temporarily_unavailable", "provider_down")
    async with audit_down():
        assert error_of(await ask(http, client)) == (503, "server_error", "vault_unavailable")


async def test_a_client_needs_the_grant_type_and_its_limits_hold_here_too(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    await connect_user()
    rfc_only = await register(grant_types=(wire.GRANT_TYPE,))
    assert error_of(await ask(http, rfc_only)) == (400, "unauthorized_client", "")
    elsewhere = await register({"slack": None})
    assert error_of(await ask(http, elsewhere)) == (403, "access_denied", "policy_denied")
    assert [event for event, *_ in await events(kind="vault:exchange")] == ["vault:exchange:denied"]


async def test_a_wrong_secret_gets_the_one_answer(http: httpx.AsyncClient) -> None:
    client = await register()
    response = await ask(http, Registered(client.id, "wrong"))
    assert error_of(response) == (401, "invalid_client", "")
    assert response.headers["www-authenticate"] == 'Basic realm="vault"'


async def test_a_json_body_is_read_as_strictly_as_a_form(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    valid = parameters(client) | client.in_body
    text = json.dumps(valid)
    malformed = [
        text[:-1] + ', "connection": "github"}',
        text[:-1] + ', "login_hint": null}',
        text[:-1] + ', "audience": ["a"]}',
        text[:-1] + ', "scope": "a\\u0000b"}',
        text[:-1] + ', "scope": "a\\r\\nb"}',
        text[:-1] + ', "scope": "\\ud800"}',
        json.dumps(valid | {f"p{number}": "v" for number in range(32)}),
        f"[{text}]",
        text[:-1],
        "",
    ]
    headers = {"content-type": "application/json"}
    assert (await http.post("/oauth/token", content=text, headers=headers)).status_code == 200
    for body in malformed:
        response = await http.post("/oauth/token", content=body, headers=headers)
        assert error_of(response) == (400, "invalid_request", ""), body[-60:]
    large = await http.post("/oauth/token", content=text + " " * 16 * 1024, headers=headers)
    assert error_of(large) == (413, "invalid_request", "")
    query = await http.post("/oauth/token?a=b", content=text, headers=headers)
    assert error_of(query) == (400, "invalid_request", "")
