"""Whoever asks too often is refused with a time to come back, recorded once, and nobody else is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from django.test import override_settings

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, BOB, audit_down, events, request, subject
from tests.vault.registered import Registered, error_of, register
from vault import tokens, wire
from vault.client.base import VaultClient
from vault.errors import NotConnectedError, RateLimitedError
from vault.limits import Buckets

Connect = Callable[..., Any]
with_vault = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: Buckets, *, key: tuple[str, str] = ("client", ""), times: int = 100, per_minute: int = 6) -> int:
    """Return how many of so many requests are let through."""
    return sum(buckets.take(key, per_minute=per_minute) == 0 for _ in range(times))


def test_a_bucket_holds_a_minutes_worth_and_fills_evenly() -> None:
    clock = Clock()
    buckets = Buckets(clock=clock)
    assert taken(buckets) == 6
    clock.now += 9
    assert taken(buckets) == 0
    clock.now += 1
    assert taken(buckets) == 1
    clock.now += 3600
    assert taken(buckets) == 6


def test_who_is_refused_is_told_when_the_next_is_let_through() -> None:
    clock = Clock()
    buckets = Buckets(clock=clock)
    taken(buckets)
    wait_seconds = buckets.take(("client", ""), per_minute=6)
    assert wait_seconds == 10
    clock.now += wait_seconds
    assert taken(buckets) == 1


def test_buckets_do_not_share() -> None:
    buckets = Buckets(clock=Clock())
    assert taken(buckets, key=("a", "")) == taken(buckets, key=("b", "")) == taken(buckets, key=("a", "b")) == 6


def test_a_lower_limit_holds_at_once() -> None:
    buckets = Buckets(clock=Clock())
    buckets.take(("client", ""), per_minute=1000)
    assert taken(buckets, per_minute=6) == 6


def test_memory_is_bounded_and_the_bucket_used_last_is_kept() -> None:
    """However many names an attacker makes up."""
    buckets = Buckets(max_buckets=3, clock=Clock())
    for number in range(1000):
        taken(buckets, key=(f"made-up-{number}", ""), times=1)
        taken(buckets, key=("busy", ""), times=1)
    assert len(buckets._buckets) == 3
    assert taken(buckets, key=("busy", "")) == 0


@with_vault
@override_settings(VAULT_USER_EXCHANGES_PER_MINUTE=1)
async def test_a_client_is_limited_for_each_user(client: VaultClient) -> None:
    """The same error from a vault in this process and from one behind HTTP."""
    with pytest.raises(NotConnectedError):
        await client.exchange(request(f"user:of-{type(client).__name__}"))
    with pytest.raises(RateLimitedError) as raised:
        await client.exchange(request(f"user:of-{type(client).__name__}"))
    assert type(raised.value) is RateLimitedError
    assert raised.value.cause == "rate_limited"
    with pytest.raises(NotConnectedError):
        await client.exchange(request(f"user:other-of-{type(client).__name__}"))


@with_vault
@override_settings(VAULT_USER_EXCHANGES_PER_MINUTE=2)
async def test_a_limited_client_is_told_when_to_come_back_and_the_audit_is_told_once(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    await connect_user()
    client, other = await register(), await register()
    assert [(await client.ask(http)).status_code for _ in range(2)] == [200, 200]
    refused = [await client.ask(http) for _ in range(5)]
    assert {error_of(response) for response in refused} == {(429, "temporarily_unavailable", "rate_limited")}
    assert all(1 <= int(response.headers["retry-after"]) <= 30 for response in refused)
    assert (await other.ask(http)).status_code == 200, "another client has limits of its own"
    assert await events(kind="vault:client:limited") == [("vault:client:limited", ALICE, "rate_limited")]
    assert len(await events(kind="vault:exchange")) == 3


@with_vault
@override_settings(VAULT_CLIENT_EXCHANGES_PER_MINUTE=2)
async def test_a_client_is_limited_over_all_users(http: httpx.AsyncClient) -> None:
    client = await register()
    asked = [await client.ask(http, subject_token=client.subject(user)) for user in (ALICE, BOB, "user:9", "user:10")]
    assert [response.status_code for response in asked] == [400, 400, 429, 429]
    assert await events(kind="vault:client:limited") == [("vault:client:limited", "", "rate_limited")]


@with_vault
@override_settings(VAULT_CLIENT_EXCHANGES_PER_MINUTE=1)
async def test_requests_that_are_no_exchange_count_as_well(http: httpx.AsyncClient) -> None:
    """Tokens that do not verify cost work too."""
    client = await register()
    asked = [await client.ask(http, subject_token="x") for _ in range(2)]
    assert [response.status_code for response in asked] == [400, 429]


@with_vault
@override_settings(VAULT_USER_EXCHANGES_PER_MINUTE=2)
async def test_a_client_cannot_fill_the_audit_with_tokens_that_do_not_verify(http: httpx.AsyncClient) -> None:
    client = await register()
    asked = [await client.ask(http, subject_token="x") for _ in range(5)]
    assert [response.status_code for response in asked] == [400, 400, 429, 429, 429]
    assert await events() == [
        ("vault:client:created", "", ""),
        ("vault:exchange:denied", "", "invalid_request"),
        ("vault:exchange:denied", "", "invalid_request"),
        ("vault:client:limited", "", "rate_limited"),
    ]


@with_vault
@override_settings(VAULT_CLIENT_EXCHANGES_PER_MINUTE=1, VAULT_USER_EXCHANGES_PER_MINUTE=1)
async def test_no_limit_keeps_a_user_from_revoking(vault: VaultClient, connect_user: Connect) -> None:
    await connect_user("user:hasty")
    token = subject("user:hasty")
    for _ in range(3):
        await vault.list_connections(subject_token=token)
        await vault.set_access(subject_token=token, connection="github", is_allowed=False)
    await vault.disconnect(subject_token=token, connection="github")


@with_vault
@override_settings(VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE=2)
async def test_who_fails_too_often_waits_and_whoever_has_the_secret_does_not(
    http: httpx.AsyncClient, connect_user: Connect
) -> None:
    """Nobody can shut a client out by failing in its name, from its own address even."""
    await connect_user()
    client, other = await register(), await register()
    wrong = Registered(client.id, "wrong")
    failed = [await wrong.ask(http) for _ in range(4)]
    assert [response.status_code for response in failed] == [401, 401, 429, 429]
    assert int(failed[-1].headers["retry-after"]) >= 1
    assert (await client.ask(http)).status_code == 200
    assert (await Registered(other.id, "wrong").ask(http)).status_code == 401
    assert await events(kind="vault:client:limited") == [("vault:client:limited", "", "invalid_client")]


@with_vault
@override_settings(VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE=1)
@pytest.mark.parametrize("way", ["basic", "post", "assertion"])
async def test_every_way_to_authenticate_is_counted(http: httpx.AsyncClient, way: str) -> None:
    name = f"cli_nobody_{way}"
    shown: dict[str, Any] = {
        "basic": {"auth": (name, "wrong")},
        "post": {"data": {"client_id": name, "client_secret": "wrong"}},
        "assertion": {
            "data": {"client_id": name, "client_assertion_type": wire.ASSERTION_TYPE, "client_assertion": "wrong"}
        },
    }[way]
    shown.setdefault("data", {"grant_type": wire.GRANT_TYPE})
    assert [(await http.post("/oauth/token", **shown)).status_code for _ in range(2)] == [401, 429]


@with_vault
@override_settings(VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE=1)
async def test_strangers_cannot_fill_the_audit_under_however_many_names(http: httpx.AsyncClient) -> None:
    """Nor write into it what they call themselves."""
    known = await register()
    for name in ("cli_stranger_1", "cli_stranger_2", "cli_stranger_3", known.id):
        answers = [await Registered(name, "wrong").ask(http) for _ in range(3)]
        assert [response.status_code for response in answers] == [401, 429, 429]
    rows = AuditEvent.objects.using("audit").filter(event="vault:client:limited").values_list("client", flat=True)
    names = [name async for name in rows]
    assert names.count(known.id) == 1
    assert len(names) <= 2, "one for all the strangers, unless there was one a moment ago"
    assert set(names) <= {"", known.id}


@with_vault
@override_settings(VAULT_USER_EXCHANGES_PER_MINUTE=1)
async def test_a_program_for_auth0_is_not_told_to_connect_again(http: httpx.AsyncClient, connect_user: Connect) -> None:
    """Its SDKs take every 4xx for that."""
    await connect_user()
    client = await register()
    body = client.in_body | {
        "grant_type": wire.FEDERATED_GRANT_TYPE,
        "subject_token": client.subject(),
        "subject_token_type": tokens.TOKEN_TYPE_ACCESS,
        "connection": "github",
    }
    assert (await http.post("/oauth/token", json=body)).status_code == 200
    refused = await http.post("/oauth/token", json=body)
    assert error_of(refused) == (503, "temporarily_unavailable", "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1


@with_vault
@override_settings(VAULT_USER_EXCHANGES_PER_MINUTE=1)
async def test_an_excess_is_refused_also_while_the_audit_is_down(vault: VaultClient) -> None:
    asked = replace(request("user:unheard"), actor_token="", actor_token_type="")
    with pytest.raises(NotConnectedError):
        await vault.exchange(asked)
    async with audit_down():
        with pytest.raises(RateLimitedError):
            await vault.exchange(asked)
