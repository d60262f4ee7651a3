"""What a registered client asks in the words of RFC 8693, what it gets, and every way in which it is refused."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, BOB, audit_down, change, events, subject
from tests.vault.registered import error_of, register
from tests.vault.upstream import Upstream
from vault import clients, tokens, wire

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
FORM = {"content-type": "application/x-www-form-urlencoded"}
SLACK_SCOPES = frozenset({"channels:history", "channels:read", "users:read", "search:read"})


async def test_the_plainest_request_of_the_rfc_gets_a_token(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream
) -> None:
    """RFC 8693 section 2.3, without an actor, by a client with a secret."""
    connected = await connect_user()
    client = await register()
    response = await client.ask(http)
    assert response.status_code == 200
    assert response.json()["access_token"] in upstream.grants[0].access
    event = await AuditEvent.objects.using("audit").aget(event="vault:exchange:granted")
    assert (event.client, event.user, event.connection, event.actor_jti) == (client.id, ALICE, connected.id, None)


async def test_a_client_may_say_who_acts(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    actor = tokens.mint_actor(agent="agent:reporter", run="run-9", tool="t", tool_call="call-1")
    response = await client.ask(http, actor_token=actor, actor_token_type=tokens.TOKEN_TYPE_JWT)
    assert response.status_code == 200
    event = await AuditEvent.objects.using("audit").aget(event="vault:exchange:granted")
    assert event.run == "run-9"


async def test_a_subject_token_is_of_use_to_the_client_it_was_made_for_alone(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    await connect_user()
    client, other = await register(), await register()
    for token in (other.subject(), subject(purpose="exchange")):
        assert error_of(await client.ask(http, subject_token=token)) == (400, "invalid_request", "")
    assert error_of(await client.ask(http, subject_token=client.subject(BOB)))[1:] == (
        "invalid_target",
        "not_connected",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grant_type": ""}, (400, "invalid_request", "")),
        ({"grant_type": "client_credentials"}, (400, "unsupported_grant_type", "")),
        ({"subject_token": ""}, (400, "invalid_request", "")),
        ({"subject_token": "x"}, (400, "invalid_request", "")),
        ({"subject_token_type": ""}, (400, "invalid_request", "")),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, (400, "invalid_request", "")),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, (400, "invalid_request", "")),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, (400, "invalid_request", "")),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}, (400, "invalid_request", "")),
        ({"actor_token": "x"}, (400, "invalid_request", "")),
        ({"actor_token_type": tokens.TOKEN_TYPE_JWT}, (400, "invalid_request", "")),
        ({"audience": ""}, (400, "invalid_target", "policy_denied")),
        ({"audience": "gitlab"}, (400, "invalid_target", "not_connected")),
        ({"audience": "slack"}, (400, "invalid_target", "not_connected")),
        ({"audience": "con_of_somebody_else"}, (400, "invalid_target", "not_connected")),
        ({"resource": "https://api.github.com"}, (400, "invalid_target", "policy_denied")),
        ({"audience": "", "resource": "https://api.github.com/user"}, (400, "invalid_target", "policy_denied")),
        ({"scope": "repo"}, (400, "invalid_scope", "missing_scope")),
        ({"scope": 'a"b'}, (400, "invalid_scope", "policy_denied")),
        ({"scope": "é"}, (400, "invalid_scope", "policy_denied")),
    ],
)
async def test_a_wrong_parameter_is_refused(
    http: httpx.AsyncClient, connect_user: Connect, changes: dict[str, str], expected: tuple[int, str, str]
) -> None:
    await connect_user()
    client = await register()
    assert (await client.ask(http)).status_code == 200
    response = await client.ask(http, **changes)
    assert error_of(response) == expected
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("provider", "resource"),
    [
        ("github", "https://api.github.com"),
        ("github", "https://api.github.com/"),
        ("github", "https://api.github.com/graphql"),
        ("google-calendar", "https://www.googleapis.com/calendar/v3"),
        ("slack", "https://slack.com/api"),
        ("slack", "https://slack.com/api/"),
    ],
)
async def test_a_target_can_be_named_by_the_address_of_its_api(
    http: httpx.AsyncClient, connect_user: Connect, provider: str, resource: str
) -> None:
    """RFC 8707 section 2."""
    await connect_user(provider=provider)
    client = await register()
    assert (await client.ask(http, audience="", resource=resource)).status_code == 200
    event = await AuditEvent.objects.using("audit").aget(event="vault:exchange:granted")
    assert event.provider == provider


@pytest.mark.parametrize(
    "resource",
    [
        "https://API.github.com",
        "http://api.github.com",
        "https://api.github.com#x",
        "https://api.github.com?x",
        "https://api.github.com.evil.example",
        "https://evil.example@api.github.com",
        "api.github.com",
        "/",
        "github",
    ],
)
async def test_an_address_that_is_not_in_the_table_is_no_target(
    http: httpx.AsyncClient, connect_user: Connect, resource: str
) -> None:
    await connect_user()
    client = await register()
    response = await client.ask(http, audience="", resource=resource)
    assert error_of(response) == (400, "invalid_target", "policy_denied")


@pytest.mark.parametrize(
    "targets",
    [
        [],
        [("audience", "github"), ("audience", "slack")],
        [("audience", "github"), ("audience", "github")],
        [("resource", "https://api.github.com"), ("resource", "https://slack.com/api")],
        [("audience", "github"), ("resource", "https://api.github.com")],
    ],
)
async def test_no_target_and_several_are_refused_as_targets(
    http: httpx.AsyncClient, connect_user: Connect, targets: list[tuple[str, str]]
) -> None:
    """RFC 8693 section 2.1 lets these two be repeated, so it is no malformed request; one token opens one provider."""
    await connect_user()
    client = await register()
    parameters = [*(client.in_body | client.form(audience="")).items(), *targets]
    response = await http.post("/oauth/token", content=urlencode(parameters), headers=FORM)
    assert error_of(response) == (400, "invalid_target", "policy_denied")
    assert await events(kind="vault:exchange") == [("vault:exchange:denied", ALICE, "policy_denied")]


@pytest.mark.parametrize(
    "name", ["grant_type", "subject_token", "scope", "requested_token_type", "client_id", "unheard_of"]
)
async def test_any_other_parameter_comes_once(http: httpx.AsyncClient, connect_user: Connect, name: str) -> None:
    """RFC 6749 section 3.2."""
    await connect_user()
    client = await register()
    once = client.in_body | client.form(scope="", unheard_of="x")
    assert (await http.post("/oauth/token", data=once)).status_code == 200
    response = await http.post(
        "/oauth/token", content=urlencode([*once.items(), (name, once.get(name, "x"))]), headers=FORM
    )
    assert error_of(response) == (400, "invalid_request", "")


async def test_a_scope_that_was_not_granted_comes_back_with_what_to_ask_for(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream
) -> None:
    upstream.scope = "channels:read users:read"
    await connect_user(provider="slack")
    client = await register()
    response = await client.ask(http, audience="slack", scope="users:read search:read")
    assert error_of(response) == (400, "invalid_scope", "missing_scope")
    assert response.json()["scope"] == "channels:read search:read users:read"


async def test_json_is_not_of_this_dialect(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    client = await register()
    response = await http.post("/oauth/token", json=client.in_body | client.form())
    assert error_of(response) == (415, "invalid_request", "")


async def test_a_grant_type_that_the_client_may_not_use_is_refused(http: httpx.AsyncClient) -> None:
    client = await register(grant_types=(wire.FEDERATED_GRANT_TYPE,))
    assert error_of(await client.ask(http)) == (400, "unauthorized_client", "")


async def test_a_provider_outside_the_clients_limits_is_refused_connected_or_not(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    """By whatever name it goes, and switched off or not: the client learns nothing of it."""
    client = await register({"slack": None})
    denied = (400, "invalid_target", "policy_denied")
    assert error_of(await client.ask(http)) == denied
    connected = await connect_user()
    assert error_of(await client.ask(http)) == denied
    assert error_of(await client.ask(http, audience="", resource="https://api.github.com")) == denied
    assert error_of(await client.ask(http, audience=connected.id)) == denied
    await change(is_access_allowed=False)
    assert error_of(await client.ask(http, audience=connected.id)) == denied
    assert {event for event, *_ in await events(kind="vault:exchange")} == {"vault:exchange:denied"}


async def test_a_provider_that_is_not_configured_any_more_is_no_way_around_the_limits(
    http: httpx.AsyncClient, connect_user: Connect, settings: Any
) -> None:
    connected = await connect_user()
    client = await register({"slack": None})
    settings.PROVIDERS = {name: value for name, value in settings.PROVIDERS.items() if name != "github"}
    response = await client.ask(http, audience=connected.id)
    assert error_of(response) == (400, "invalid_target", "policy_denied")


async def test_a_scope_outside_the_clients_limits_is_refused(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user(provider="slack")
    client = await register({"slack": SLACK_SCOPES})
    response = await client.ask(http, audience="slack", scope="users:read chat:write")
    assert error_of(response) == (400, "invalid_scope", "policy_denied")
    assert "scope" not in response.json(), "asking the user for it would be of no use"


@pytest.mark.parametrize("scope", ["", "users:read"])
async def test_a_limited_client_gets_no_token_that_carries_more_than_it_may_have(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream, scope: str
) -> None:
    """An upstream token cannot be narrowed: it opens all that was granted, whatever was asked for."""
    upstream.scope = " ".join(sorted(SLACK_SCOPES))
    await connect_user(provider="slack")
    limited, enough = await register({"slack": frozenset({"users:read"})}), await register({"slack": SLACK_SCOPES})
    refused = await limited.ask(http, audience="slack", scope=scope)
    assert error_of(refused) == (400, "invalid_scope", "policy_denied")
    assert (await enough.ask(http, audience="slack", scope=scope)).status_code == 200


async def test_a_refusal_by_policy_tells_a_limited_client_nothing_of_the_grant(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream
) -> None:
    upstream.scope = "channels:read users:read"
    await connect_user(provider="slack")
    client = await register({"slack": frozenset({"users:read", "search:read"})})
    response = await client.ask(http, audience="slack", scope="search:read")
    assert error_of(response) == (400, "invalid_scope", "policy_denied")
    assert "channels:read" not in response.text


async def test_a_disabled_client_is_refused_from_its_next_request_on(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    await connect_user()
    client = await register()
    assert (await client.ask(http)).status_code == 200
    await sync_to_async(clients.disable)(client.id)
    assert error_of(await client.ask(http)) == (401, "invalid_client", "")


async def test_what_the_user_can_put_right_says_where(
    http: httpx.AsyncClient, connect_user: Connect, settings: Any
) -> None:
    await connect_user()
    client = await register()
    page = f"{settings.APP_URL}/settings/permissions/"
    await change(is_access_allowed=False)
    revoked = await client.ask(http)
    assert (error_of(revoked), revoked.json()["error_uri"]) == ((400, "invalid_target", "revoked"), page)
    await change(is_access_allowed=True, reconnect_reason="bad_refresh_token")
    broken = await client.ask(http)
    assert (error_of(broken), broken.json()["error_uri"]) == ((400, "invalid_target", "reconnect_required"), page)


async def test_an_outage_is_told_as_one(http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream) -> None:
    await connect_user()
    await change(access_expires_at=timezone.now())
    client = await register()
    upstream.answer = (503, {})
    down = await client.ask(http)
    assert error_of(down) == (503, "temporarily_unavailable", "provider_down")
    assert int(down.headers["retry-after"]) > 0
    async with audit_down():
        assert error_of(await client.ask(http)) == (503, "server_error", "vault_unavailable")
