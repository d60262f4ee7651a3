"""The OAuth 2.0 Authorization Framework: the vault as authorization server, and as the providers' client."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from django.utils import timezone

from tests.vault.asking import FORM, ask, assertion_form, error_of, exchange, exchange_form
from tests.vault.conftest import change, events, request, subject
from tests.vault.rfc.requirement import requires
from tests.vault.upstream import Upstream
from vault import errors
from vault.embedded import EmbeddedVault
from vault.errors import ConnectStateError, VaultError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def start(vault: EmbeddedVault, *, provider: str = "github") -> str:
    return await vault.start_connect(subject_token=subject(), provider=provider)


async def come_back(http: httpx.AsyncClient, query: Any, *, provider: str = "github") -> dict[str, str]:
    """Bring `query` to the callback and return what it hands to the app."""
    response = await http.get(f"/connect/{provider}/callback", params=query)
    assert response.status_code == 302
    return dict(httpx.URL(response.headers["location"]).params)


@requires("2.3", "The client must not use more than one authentication method in each request.")
@pytest.mark.parametrize("second", ["basic", "secret"])
async def test_2_3_one_method_of_authentication(http: httpx.AsyncClient, connect_user: Connect, second: str) -> None:
    await connect_user()
    if second == "basic":
        response = await http.post("/oauth/token", data=exchange_form(), auth=("devcontext-web", "secret"))
    else:
        response = await exchange(http, client_secret="secret")
    assert error_of(response) == (400, "invalid_request")


@requires("2.3.1", "The parameters of client credentials must not be included in the request URI.")
async def test_2_3_1_no_credentials_in_the_address(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    form = exchange_form(client_assertion=None)
    query = urlencode({"client_assertion": assertion_form()["client_assertion"]})
    assert error_of(await http.post(f"/oauth/token?{query}", data=form)) == (400, "invalid_request")


@requires("3.1", "Response parameters of the authorization endpoint must not be included more than once.")
async def test_3_1_no_parameter_twice_at_the_callback(
    http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream
) -> None:
    answer = upstream.consent(await start(vault))
    assert await come_back(http, [*answer.items(), ("code", "another")]) == {"error": "invalid_state"}


@requires("3.1.2", "The redirection endpoint URI must be absolute and without a fragment.")
async def test_3_1_2_the_redirect_uri_is_absolute(vault: EmbeddedVault, upstream: Upstream) -> None:
    for provider in ("github", "google-calendar", "slack"):
        uri = urlsplit(httpx.URL(await start(vault, provider=provider)).params["redirect_uri"])
        assert (uri.scheme in ("http", "https"), bool(uri.netloc), uri.fragment) == (True, True, "")


@requires("3.2", "The client must use POST for access token requests.")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_3_2_post_only(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/oauth/token", content=urlencode(exchange_form()), headers=FORM)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@requires("3.2", "Parameters sent without a value must be treated as if they were omitted.")
async def test_3_2_empty_is_omitted(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    response = await exchange(http, actor_token="", actor_token_type="", scope="", requested_token_type="")
    assert response.status_code == 200
    assert error_of(await exchange(http, subject_token="")) == (400, "invalid_request")


@requires("3.2", "The authorization server must ignore unrecognized request parameters.")
async def test_3_2_unknown_parameters_are_ignored(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    assert (await exchange(http, flavour="vanilla", user="user:2")).status_code == 200
    assert (await events(kind="vault:exchange"))[0][1] == "user:1"


@requires("3.2", "Request parameters must not be included more than once.")
@pytest.mark.parametrize("name", ["grant_type", "subject_token", "subject_token_type", "scope", "client_assertion"])
async def test_3_2_no_parameter_twice(http: httpx.AsyncClient, connect_user: Connect, name: str) -> None:
    await connect_user()
    form = exchange_form(scope="")
    body = urlencode([*form.items(), (name, form.get(name, "repo"))])
    assert error_of(await http.post("/oauth/token", content=body, headers=FORM)) == (400, "invalid_request")


@requires("3.3", "The order of the space-delimited strings in a scope does not matter.")
@pytest.mark.parametrize("scope", ["channels:read users:read", "users:read channels:read"])
async def test_3_3_scopes_in_any_order(http: httpx.AsyncClient, connect_user: Connect, scope: str) -> None:
    await connect_user(provider="slack")
    assert (await exchange(http, audience="slack", scope=scope)).status_code == 200


@requires("3.3", "If the issued scope differs from the one requested, the response must say the scope granted.")
async def test_3_3_the_real_scope_is_told(http: httpx.AsyncClient, connect_user: Connect) -> None:
    connected = await connect_user(provider="slack")
    body = (await exchange(http, audience="slack", scope="users:read")).json()
    assert body["scope"] == connected.granted_scope
    assert body["scope"] != "users:read"


@requires("3.3", "Scope values are case-sensitive strings.")
async def test_3_3_scopes_are_case_sensitive(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user(provider="slack")
    assert error_of(await exchange(http, audience="slack", scope="USERS:READ")) == (400, "invalid_scope")


@requires("4.1.2", "The client must not use an authorization code more than once.")
async def test_4_1_2_a_code_is_redeemed_once(http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream) -> None:
    answer = upstream.consent(await start(vault))
    assert "nonce" in await come_back(http, answer)
    assert await come_back(http, answer) == {"error": "invalid_state"}
    assert upstream.calls["github authorization_code"] == 1


@requires("4.1.2", "The client must ignore unrecognized response parameters.")
async def test_4_1_2_unknown_response_parameters_are_ignored(
    http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream
) -> None:
    answer = upstream.consent(await start(vault)) | {"flavour": "vanilla"}
    assert "nonce" in await come_back(http, answer)


@requires("4.1.2", "A response without the state that was sent is not an answer to the request.")
@pytest.mark.parametrize("state", [None, "", "guess"])
async def test_4_1_2_state_is_required(
    http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream, state: str | None
) -> None:
    answer: dict[str, str | None] = {**upstream.consent(await start(vault)), "state": state}
    query = {name: value for name, value in answer.items() if value is not None}
    assert await come_back(http, query) == {"error": "invalid_state"}
    assert not upstream.calls


@requires("4.1.2.1", "The resource owner's denial comes back as the error access_denied.")
async def test_4_1_2_1_a_denial_connects_nothing(
    http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream
) -> None:
    state = upstream.consent(await start(vault))["state"]
    answer = {"error": "access_denied", "state": state}
    assert await come_back(http, answer) == {"error": "access_denied"}
    assert await vault.list_connections(subject_token=subject()) == ()


@requires("4.1.3", "The redirect_uri of the token request must be identical to that of the authorization request.")
async def test_4_1_3_the_same_redirect_uri(http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream) -> None:
    """The provider of these tests gives no token for another one than it was asked with."""
    assert "nonce" in await come_back(http, upstream.consent(await start(vault)))
    answer = upstream.consent(await start(vault))
    upstream.codes[answer["code"]].query["redirect_uri"] += "/elsewhere"
    assert await come_back(http, answer) == {"error": "provider"}


@requires("5.1", "Cache-Control: no-store and Pragma: no-cache are in every response that holds tokens.")
async def test_5_1_no_store(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    headers = (await exchange(http)).headers
    assert (headers["cache-control"], headers["pragma"]) == ("no-store", "no-cache")


@requires("5.1", "The parameters are in the body as application/json, at the top level.")
async def test_5_1_json(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    response = await exchange(http)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert all(isinstance(value, str | int) for value in response.json().values())


@requires("5.1", "access_token and token_type are required in a successful response.")
async def test_5_1_access_token_and_token_type(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    body = (await exchange(http)).json()
    assert body["access_token"] in upstream.grants[0].access
    assert body["token_type"] == "Bearer"


ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, VaultError) and kind is not VaultError
]


@requires("5.2", "error and error_description use only the printable ASCII characters that are allowed.")
@pytest.mark.parametrize("kind", ERRORS)
async def test_5_2_characters(kind: type[VaultError]) -> None:
    allowed = {chr(code) for code in range(0x20, 0x7F)} - {'"', "\\"}
    assert kind.error
    assert set(kind.error) | set(str(kind())) <= allowed


@requires("5.2", "error_uri is a URI of a page about the error.")
async def test_5_2_error_uri(http: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    body = (await exchange(http)).json()
    assert body["error"] == "invalid_target"
    assert body["error_uri"].startswith(f"{settings.APP_URL}/")
    assert body["error_uri"].isascii()


@requires("5.2", "A request that lacks a required parameter is invalid_request with status 400.")
@pytest.mark.parametrize("name", ["grant_type", "subject_token", "subject_token_type"])
async def test_5_2_a_missing_parameter(http: httpx.AsyncClient, connect_user: Connect, name: str) -> None:
    await connect_user()
    assert error_of(await exchange(http, **{name: None})) == (400, "invalid_request")


@requires("5.2", "Failed client authentication is invalid_client with status 401 and WWW-Authenticate.")
@pytest.mark.parametrize("assertion", [None, "", "x", "a.b.c"])
async def test_5_2_invalid_client(http: httpx.AsyncClient, connect_user: Connect, assertion: str | None) -> None:
    await connect_user()
    response = await exchange(http, client_assertion=assertion)
    assert error_of(response) == (401, "invalid_client")
    assert response.headers["www-authenticate"]


@requires("5.2", "A grant type that the server does not support is unsupported_grant_type.")
@pytest.mark.parametrize("grant_type", ["authorization_code", "client_credentials", "password", "refresh_token", "x"])
async def test_5_2_unsupported_grant_type(http: httpx.AsyncClient, connect_user: Connect, grant_type: str) -> None:
    await connect_user()
    assert error_of(await exchange(http, grant_type=grant_type)) == (400, "unsupported_grant_type")


@requires("5.2", "A scope that exceeds what the resource owner granted is invalid_scope.")
async def test_5_2_invalid_scope(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user(provider="slack")
    assert error_of(await exchange(http, audience="slack", scope="users:read admin")) == (400, "invalid_scope")


@requires("5.2", "Error responses carry the headers of section 5.1 and are JSON too.")
async def test_5_2_errors_are_json_and_not_stored(http: httpx.AsyncClient, upstream: Upstream) -> None:
    for response in (await exchange(http), await exchange(http, client_assertion="x"), await http.get("/oauth/token")):
        headers = response.headers
        assert headers["content-type"] == "application/json"
        assert (headers["cache-control"], headers["pragma"]) == ("no-store", "no-cache")


@requires("6", "A client that gets a new refresh token must discard the old one and use the new one.")
async def test_6_a_rotated_refresh_token_is_used_once(
    vault: EmbeddedVault, connect_user: Connect, upstream: Upstream
) -> None:
    """The provider of these tests ends the grant at the second use of a refresh token."""
    await connect_user()
    for _ in range(3):
        await change(access_expires_at=timezone.now())
        assert (await vault.exchange(request())).access_token in upstream.grants[0].access
    assert upstream.calls["github refresh_token"] == 3


@requires("6", "The refresh token is kept when the server issues no new one.")
async def test_6_a_refresh_token_that_was_not_replaced_is_kept(
    vault: EmbeddedVault, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user(provider="google-calendar")
    for _ in range(2):
        await change(access_expires_at=timezone.now())
        assert (await vault.exchange(request(audience="google-calendar"))).access_token
    assert upstream.calls["google refresh_token"] == 2
    assert len(upstream.grants[0].refresh) == 1


@requires("10.4", "Refresh tokens are kept confidential: they are shared with the provider that issued them alone.")
async def test_10_4_no_answer_holds_a_refresh_token(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    answers = [
        await exchange(http),
        await ask(http, "/vault/connections/list", subject_token=subject()),
        await ask(http, "/oauth/introspect", token=next(iter(upstream.grants[0].refresh))),
    ]
    assert all(answer.status_code == 200 for answer in answers)
    assert not [token for token in upstream.grants[0].refresh for answer in answers if token in answer.text]


@requires("10.10", "Values that must not be guessed are random: the state has at least 128 bits.")
async def test_10_10_state_cannot_be_guessed(vault: EmbeddedVault, upstream: Upstream) -> None:
    states = [httpx.URL(await start(vault)).params["state"] for _ in range(3)]
    assert len(set(states)) == 3
    # 43 characters of base64url hold 256 bits.
    assert {len(state) for state in states} == {43}


@requires("10.12", "The client must protect its redirection URI against CSRF by binding it to the user's session.")
@pytest.mark.parametrize(("user", "sid"), [("user:2", "sid-1"), ("user:1", "sid-2")])
async def test_10_12_only_the_session_that_began_connects(
    http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream, user: str, sid: str
) -> None:
    returned = await come_back(http, upstream.consent(await start(vault)))
    with pytest.raises(ConnectStateError):
        await vault.confirm_connection(
            subject_token=subject(user, sid=sid), connection=returned["connection"], nonce=returned["nonce"]
        )
    assert await vault.list_connections(subject_token=subject(user)) == ()


@requires("10.15", "The callback must not be an open redirector.")
@pytest.mark.parametrize("name", ["redirect_uri", "next", "error_uri", "state", "error"])
async def test_10_15_the_callback_leads_to_the_app_alone(http: httpx.AsyncClient, settings: Any, name: str) -> None:
    response = await http.get("/connect/github/callback", params={name: "https://attacker.example/"})
    assert response.headers["location"].startswith(f"{settings.APP_URL}/auth/connect/github/return?error=")
    assert "attacker" not in response.headers["location"]


@requires("B", "Form parameters are encoded in UTF-8.")
@pytest.mark.parametrize("body", [b"scope=%ff&a=b", b"scope=%c3", b"scope=%ed%a0%80", "scope=é".encode("latin-1")])
async def test_b_what_is_no_utf8_is_refused(http: httpx.AsyncClient, connect_user: Connect, body: bytes) -> None:
    await connect_user()
    valid = urlencode(exchange_form()).encode()
    response = await http.post("/oauth/token", content=valid + b"&" + body, headers=FORM)
    assert error_of(response) == (400, "invalid_request")
