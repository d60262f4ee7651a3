"""Token Exchange."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.asking import FORM, actor_claims, claims, error_of, exchange, exchange_form, sign
from tests.vault.conftest import AGENT, actor, change, subject
from tests.vault.rfc.requirement import requires
from tests.vault.upstream import Upstream
from vault.embedded import EmbeddedVault

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@requires("2.1", "grant_type is urn:ietf:params:oauth:grant-type:token-exchange.")
@pytest.mark.parametrize(
    ("grant_type", "status"),
    [
        ("urn:ietf:params:oauth:grant-type:token-exchange", 200),
        ("urn:ietf:params:oauth:grant-type:TOKEN-EXCHANGE", 400),
        ("token-exchange", 400),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", 400),
    ],
)
async def test_2_1_grant_type(http: httpx.AsyncClient, connect_user: Connect, grant_type: str, status: int) -> None:
    await connect_user()
    assert (await exchange(http, grant_type=grant_type)).status_code == status


@requires("2.1", "Client authentication identifies who asks; without it nothing is exchanged.")
async def test_2_1_clients_authenticate(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    response = await exchange(http, client_assertion=None, client_assertion_type=None)
    assert error_of(response) == (401, "invalid_client")


@requires("2.1", "subject_token is required.")
async def test_2_1_subject_token(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert error_of(await exchange(http, subject_token=None)) == (400, "invalid_request")


@requires("2.1", "subject_token_type is required.")
async def test_2_1_subject_token_type(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert error_of(await exchange(http, subject_token_type=None)) == (400, "invalid_request")


@requires("2.1", "actor_token_type is required when actor_token is present.")
async def test_2_1_actor_token_needs_its_type(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert error_of(await exchange(http, actor_token=actor())) == (400, "invalid_request")
    assert (await exchange(http, actor_token=actor(), actor_token_type=JWT)).status_code == 200


@requires("2.1", "actor_token_type must not be included when actor_token is not.")
async def test_2_1_actor_token_type_needs_its_token(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert error_of(await exchange(http, actor_token_type=JWT)) == (400, "invalid_request")


@requires("2.1", "actor_token is optional.")
async def test_2_1_without_an_actor(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert (await exchange(http)).status_code == 200


@requires("2.1", "audience is the logical name of the target service.")
@pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"])
async def test_2_1_audience(http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream, provider: str) -> None:
    await connect_user(provider=provider)
    assert (await exchange(http, audience=provider)).json()["access_token"] in upstream.grants[0].access


@requires("2.1", "audience and resource may be repeated and combined; targets that one token cannot serve are refused.")
@pytest.mark.parametrize(
    "targets",
    [
        [("audience", "github"), ("audience", "slack")],
        [("audience", "github"), ("resource", "https://api.github.com")],
        [("resource", "https://api.github.com"), ("resource", "https://slack.com/api")],
        [],
    ],
)
async def test_2_1_one_target(http: httpx.AsyncClient, connect_user: Connect, targets: list[tuple[str, str]]) -> None:
    """RFC 8693 section 2.2.2: `invalid_target`."""
    await connect_user()
    body = urlencode([*exchange_form(audience=None).items(), *targets])
    assert error_of(await http.post("/oauth/token", content=body, headers=FORM)) == (400, "invalid_target")


@requires("2.1", "requested_token_type is optional; a type that is not issued is refused.")
@pytest.mark.parametrize(
    ("requested", "status"),
    [
        (None, 200),
        (ACCESS_TOKEN, 200),
        (JWT, 400),
        ("urn:ietf:params:oauth:token-type:refresh_token", 400),
        ("urn:ietf:params:oauth:token-type:id_token", 400),
        ("urn:ietf:params:oauth:token-type:saml2", 400),
    ],
)
async def test_2_1_requested_token_type(
    http: httpx.AsyncClient, connect_user: Connect, requested: str | None, status: int
) -> None:
    await connect_user()
    assert (await exchange(http, requested_token_type=requested)).status_code == status


@requires("2.1", "scope is a list of space-delimited, case-sensitive strings that the target service knows.")
async def test_2_1_scope(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user(provider="slack")
    assert (await exchange(http, audience="slack", scope="users:read search:read")).status_code == 200
    assert error_of(await exchange(http, audience="slack", scope="users:write")) == (400, "invalid_scope")


@requires("2.1", "The server must validate the tokens according to their types, expiry included.")
async def test_2_1_expired_tokens(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    now = int(time.time())
    ended = {"iat": now - 50, "exp": now - 1}
    assert error_of(await exchange(http, subject_token=sign(claims(**ended)))) == (400, "invalid_request")
    token = sign(actor_claims(**ended), typ="actor+jwt")
    assert error_of(await exchange(http, actor_token=token, actor_token_type=JWT)) == (400, "invalid_request")


@requires("2.1", "The exchange does not use up the subject token.")
async def test_2_1_a_subject_token_can_be_used_again(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = subject(purpose="exchange")
    answers = [await exchange(http, subject_token=token) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


@requires("2.2.1", "access_token is required in the response.")
async def test_2_2_1_access_token(http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream) -> None:
    await connect_user()
    assert (await exchange(http)).json()["access_token"] in upstream.grants[0].access


@requires("2.2.1", "issued_token_type is required, and a URI of section 3.")
async def test_2_2_1_issued_token_type(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert (await exchange(http)).json()["issued_token_type"] == ACCESS_TOKEN


@requires("2.2.1", "token_type is required and says how the token is used.")
async def test_2_2_1_token_type(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert (await exchange(http)).json()["token_type"] == "Bearer"


@requires("2.2.1", "expires_in is recommended: a number of seconds, never longer than the token lives.")
@pytest.mark.parametrize("left", [10, 3600])
async def test_2_2_1_expires_in(http: httpx.AsyncClient, connect_user: Connect, left: int) -> None:
    await connect_user()
    await change(access_expires_at=timezone.now() + timezone.timedelta(seconds=left), has_refresh_token=False)
    told = (await exchange(http)).json()["expires_in"]
    assert type(told) is int
    assert 0 < told <= min(left, 60)


@requires("2.2.1", "scope is required if it differs from the one requested, and is always told.")
async def test_2_2_1_scope(http: httpx.AsyncClient, connect_user: Connect) -> None:
    connected = await connect_user(provider="slack")
    for scope in (None, "users:read"):
        assert (await exchange(http, audience="slack", scope=scope)).json()["scope"] == connected.granted_scope


@requires("2.2.1", "A refresh token is typically not issued, and here never.")
async def test_2_2_1_no_refresh_token(http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream) -> None:
    await connect_user()
    response = await exchange(http)
    assert "refresh_token" not in response.json()
    assert not [token for token in upstream.grants[0].refresh if token in response.text]


@requires("2.2.2", "A request that is not valid, or whose subject or actor token is invalid, is invalid_request.")
@pytest.mark.parametrize("name", ["subject_token", "actor_token"])
async def test_2_2_2_invalid_tokens(http: httpx.AsyncClient, connect_user: Connect, name: str) -> None:
    await connect_user()
    form = {"actor_token": actor(), "actor_token_type": JWT, name: "x"}
    assert error_of(await exchange(http, **form)) == (400, "invalid_request")


@requires("2.2.2", "If the server is unwilling or unable to issue a token for the target, the error is invalid_target.")
@pytest.mark.parametrize("audience", ["gitlab", "slack", "con_unknown", "user:1"])
async def test_2_2_2_invalid_target(http: httpx.AsyncClient, connect_user: Connect, audience: str) -> None:
    await connect_user()
    assert error_of(await exchange(http, audience=audience)) == (400, "invalid_target")


@requires("2.2.2", "What the user revoked is a target for which no token is issued.")
async def test_2_2_2_revoked(http: httpx.AsyncClient, vault: EmbeddedVault, connect_user: Connect) -> None:
    await connect_user()
    await vault.set_access(subject_token=subject(), connection="github", is_allowed=False)
    response = await exchange(http)
    assert error_of(response) == (400, "invalid_target")
    assert response.json()["vault_reason"] == "revoked"


@requires("2.2.2", "The error response is that of RFC 6749 section 5.2, with error_description.")
async def test_2_2_2_form_of_errors(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    body = (await exchange(http, subject_token="x")).json()
    assert set(body) == {"error", "error_description"}


@requires("3", "A JWT that is an access token may be called access_token or jwt.")
@pytest.mark.parametrize("kind", [ACCESS_TOKEN, JWT])
async def test_3_names_of_the_subject_token(http: httpx.AsyncClient, connect_user: Connect, kind: str) -> None:
    await connect_user()
    assert (await exchange(http, subject_token_type=kind)).status_code == 200


@requires("3", "Token types that are not supported are refused.")
@pytest.mark.parametrize("kind", ["refresh_token", "id_token", "saml1", "saml2", "", "ACCESS_TOKEN"])
async def test_3_unsupported_types(http: httpx.AsyncClient, connect_user: Connect, kind: str) -> None:
    await connect_user()
    response = await exchange(http, subject_token_type=f"urn:ietf:params:oauth:token-type:{kind}")
    assert error_of(response) == (400, "invalid_request")


@requires("4.1", "sub of the actor token identifies the party that acts: the audit tells run and tool call.")
async def test_4_1_who_acted_is_recorded(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    await exchange(http, actor_token=actor(), actor_token_type=JWT)
    row = await AuditEvent.objects.using("audit").aget(event="vault:exchange:granted")
    assert (row.run, row.tool, row.tool_call) == ("run-1", "github_activity", "toolu_1")


@requires("4.3", "client_id in a subject token names the client that it was issued to; another one cannot use it.")
async def test_4_3_another_clients_subject_token(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = sign(claims(client_id="someone-else"))
    assert error_of(await exchange(http, subject_token=token)) == (400, "invalid_request")


@requires("4.4", "may_act names the party that may become the actor; another one is refused.")
@pytest.mark.parametrize(("named", "status"), [(AGENT, 200), ("agent:other", 400)])
async def test_4_4_only_who_may_act(http: httpx.AsyncClient, connect_user: Connect, named: str, status: int) -> None:
    await connect_user()
    token = sign(claims(may_act={"sub": named}))
    response = await exchange(http, subject_token=token, actor_token=actor(), actor_token_type=JWT)
    assert response.status_code == status


@requires("4.4", "A subject token that names who may act is not used without that actor.")
async def test_4_4_somebody_must_act(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    token = sign(claims(may_act={"sub": AGENT}))
    assert error_of(await exchange(http, subject_token=token)) == (400, "invalid_request")


@requires("4.4", "may_act is a JSON object with the claims that identify the actor.")
@pytest.mark.parametrize("may_act", [AGENT, [], {}, {"sub": 1}, {"sub": "user:1"}, {"iss": "x"}])
async def test_4_4_a_malformed_may_act(http: httpx.AsyncClient, connect_user: Connect, may_act: Any) -> None:
    await connect_user()
    token = sign(claims(may_act=may_act))
    response = await exchange(http, subject_token=token, actor_token=actor(), actor_token_type=JWT)
    assert error_of(response) == (400, "invalid_request")


@requires("5", "What a token permits is limited to its subject: nobody reaches another user's connection.")
async def test_5_nobody_elses_connection(http: httpx.AsyncClient, connect_user: Connect) -> None:
    connected = await connect_user()
    mallory = subject("user:3", purpose="exchange")
    for audience in ("github", connected.id):
        response = await exchange(http, subject_token=mallory, audience=audience)
        assert error_of(response) == (400, "invalid_target")
        assert response.json()["vault_reason"] == "not_connected"
