"""The table of errors in `docs/vault-protocol.md` is whole and true: each row is brought about in both dialects."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from django.utils import timezone

from tests.vault.asking import ask
from tests.vault.conftest import audit_down, change, subject
from tests.vault.protocol_page import load_errors
from tests.vault.registered import Registered, register
from tests.vault.upstream import Upstream
from vault import auth0, wire

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
ROWS = load_errors()


@dataclass
class World:
    """What a cause may change before the requests are sent; the stack ends with the test."""

    http: httpx.AsyncClient
    upstream: Upstream
    settings: Any
    stack: AsyncExitStack


@dataclass(frozen=True)
class Cause:
    """How a refusal comes about: by `arrange`, or by what is different in the requests."""

    arrange: Callable[[World], Awaitable[Any]] | None = None
    changes: dict[str, str] | None = None
    federated_changes: dict[str, str] | None = None
    method: str = "POST"
    content_type: str = "application/x-www-form-urlencoded"
    grant_types: tuple[tuple[str, ...], tuple[str, ...]] = (wire.GRANT_TYPES, wire.GRANT_TYPES)
    warm_up: bool = False


async def _end_session(world: World) -> None:
    assert (await ask(world.http, wire.PATHS["end_session"], subject_token=subject())).status_code == 200


async def _fail_the_provider(world: World) -> None:
    await change(access_expires_at=timezone.now())
    world.upstream.answer = (503, {})


async def _fail_the_audit(world: World) -> None:
    await world.stack.enter_async_context(audit_down())


async def _limit(world: World) -> None:
    world.settings.VAULT_USER_EXCHANGES_PER_MINUTE = 1


CAUSES = {
    "the request is malformed, or authenticates in two ways": Cause(changes={"client_assertion": "x"}),
    "not a POST": Cause(method="GET"),
    "neither a form nor, in Auth0's words, JSON": Cause(content_type="text/plain"),
    "larger than 16 KiB": Cause(changes={"padding": "x" * 17_000}),
    "the subject or actor token is not valid, was revoked, or the actor token was used": Cause(
        changes={"subject_token": "x"}
    ),
    "the session of the subject token ended": Cause(_end_session),
    "client authentication is missing or wrong, one answer for every cause": Cause(changes={"client_secret": "x"}),
    "a grant type or an endpoint that is not the client's to use": Cause(
        grant_types=(wire.GRANT_TYPES[1:], wire.GRANT_TYPES[:1])
    ),
    "another grant type": Cause(changes={"grant_type": "password"}),
    "not connected, or somebody else's connection": Cause(
        changes={"audience": "slack"}, federated_changes={"connection": "slack"}
    ),
    "the user revoked or paused access": Cause(lambda _world: change(is_access_allowed=False)),
    "the provider does not honour the grant any more": Cause(lambda _world: change(reconnect_reason="gone")),
    "no target, several, an unknown one, or one that the client may not have": Cause(
        changes={"audience": ""}, federated_changes={"connection": "facebook"}
    ),
    "the connection does not carry the scope": Cause(changes={"scope": "repo"}),
    "the scope is none, or more than the client may have": Cause(changes={"scope": 'a"b'}),
    "too many requests, or failed authentications": Cause(_limit, warm_up=True),
    "the provider's token endpoint does not answer": Cause(_fail_the_provider),
    "the vault, its database or its audit fails; a sealed record does not open": Cause(_fail_the_audit),
}


def test_every_row_has_a_cause_and_every_cause_a_row() -> None:
    assert [what for what, *_ in ROWS] == list(CAUSES)


@pytest.mark.parametrize("row", ROWS, ids=[what for what, *_ in ROWS])
async def test_a_row_is_true_in_both_dialects(
    http: httpx.AsyncClient,
    connect_user: Connect,
    upstream: Upstream,
    settings: Any,
    row: tuple[str, tuple[int, str, str], tuple[int, str]],
) -> None:
    what, refusal, federated = row
    cause = CAUSES[what]
    await connect_user()
    plain, other = [await register(grant_types=grant_types) for grant_types in cause.grant_types]
    async with AsyncExitStack() as stack:
        if cause.arrange:
            await cause.arrange(World(http, upstream, settings, stack))
        if cause.warm_up:
            await _send(http, plain, cause, plain.form())
            await _send(http, other, cause, _federated(other))
        told = await _send(http, plain, cause, plain.form() | (cause.changes or {}))
        changes = cause.federated_changes if cause.federated_changes is not None else cause.changes or {}
        told_federated = await _send(http, other, cause, _federated(other) | changes)
    body = told.json()
    assert (told.status_code, body["error"], body.get("vault_reason", "")) == refusal
    assert (told_federated.status_code, told_federated.json()["error"]) == federated
    _require_headers(told)


def _require_headers(told: httpx.Response) -> None:
    """Each header that the page promises is there, and with no other error."""
    says = told.json()
    is_passing = says.get("vault_reason") in ("rate_limited", "provider_down")
    assert ("www-authenticate" in told.headers) is (told.status_code == 401)
    assert ("allow" in told.headers) is (told.status_code == 405)
    assert ("retry-after" in told.headers) is is_passing
    assert ("error_uri" in says) is (says["error"] in ("invalid_target", "invalid_scope"))


async def _send(http: httpx.AsyncClient, client: Registered, cause: Cause, form: dict[str, str]) -> httpx.Response:
    headers = {"content-type": cause.content_type}
    content = urlencode(client.in_body | form)
    return await http.request(cause.method, "/oauth/token", content=content, headers=headers)


def _federated(client: Registered) -> dict[str, str]:
    return {
        "grant_type": wire.FEDERATED_GRANT_TYPE,
        "requested_token_type": auth0.TOKEN_TYPE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token",
        "subject_token": client.subject(),
        "connection": "github",
    }
