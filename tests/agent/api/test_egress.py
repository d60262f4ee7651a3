"""Where a token may go: its provider's origin, and nowhere else."""

import asyncio
import gc
from dataclasses import replace

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from agent.api.egress import PinnedToken, client_of, close_clients, pinned_base
from agent.api.http import authorized
from agent.endpoints import Endpoint
from tests.agent.api.fixtures import TOKEN, Calls, Open
from tests.agent.api.upstream import Upstream, told

BASE = httpx.URL("https://api.github.com")
ENDPOINTS = (Endpoint("github", "POST", "/graphql#activity"), Endpoint("github", "GET", "/search/commits"))


def _attach(url: str) -> httpx.Request:
    return next(PinnedToken(token=TOKEN, base=BASE).auth_flow(httpx.Request("GET", url)))


def test_the_token_goes_to_its_own_origin() -> None:
    assert _attach("https://api.github.com/graphql").headers["authorization"] == f"Bearer {TOKEN}"
    assert _attach("https://api.github.com:443/graphql").headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.github.com/graphql",
        "https://api.github.com:8443/graphql",
        "https://api.github.com.evil.example/graphql",
        "https://evil.example/api.github.com",
        "https://api.github.com@evil.example/graphql",
        "https://github.com/graphql",
        "https://api.github.com./graphql",
        "https://аpi.github.com/graphql",  # noqa: RUF001 - the first letter is Cyrillic, which is the attack
    ],
)
def test_the_token_goes_to_no_other_origin(url: str) -> None:
    with pytest.raises(ValueError, match="leaves the provider"):
        _attach(url)


def test_authorities_are_loaded_once_however_many_event_loops_ask() -> None:
    """Each task of a worker has an event loop of its own, and loading them costs as much as several reads."""

    async def open_client() -> object:
        pool = client_of("github")._transport
        await close_clients()
        assert isinstance(pool, httpx.AsyncHTTPTransport)
        return pool._pool._ssl_context

    assert async_to_sync(open_client)() is async_to_sync(open_client)()


async def test_a_path_that_smuggles_a_host_never_leaves(upstream: Upstream, settings: Settings, calls: Calls) -> None:
    """`https://api.github.com` + `@evil.example/` is the host `evil.example`."""
    settings.PROVIDERS = {"github": replace(settings.PROVIDERS["github"], api_url=upstream.url)}
    async with Upstream.running() as evil:
        path = f"@{evil.url.removeprefix('http://')}/graphql"
        # As if a tool had declared it.
        smuggled = (Endpoint("github", "POST", path), Endpoint("github", "GET", path))
        with authorized(provider="github", endpoints=smuggled, token=TOKEN, on_call=calls) as http:
            with pytest.raises(ValueError, match="leaves the provider"):
                await http.post(path)
            with pytest.raises(ValueError, match="leaves the provider"):
                await http.get(path)
        assert evil.received == upstream.received == []


def test_an_address_without_tls_is_refused_unless_it_is_the_sandboxs(settings: Settings) -> None:
    known = settings.PROVIDERS["github"]
    plain = replace(known, api_url="http://api.github.com", is_sandbox=False)
    settings.PROVIDERS = {"github": plain}
    with pytest.raises(ImproperlyConfigured):
        pinned_base("github")
    settings.PROVIDERS = {"github": replace(plain, is_sandbox=True)}
    assert str(pinned_base("github")) == "http://api.github.com"


async def test_a_closed_client_sends_nothing(upstream: Upstream, open_http: Open) -> None:
    with open_http() as http:
        pass
    with pytest.raises(RuntimeError, match="was dropped"):
        await http.post("/graphql")
    assert upstream.received == []


async def test_the_token_is_gone_from_memory_once_closed(upstream: Upstream, open_http: Open) -> None:
    upstream.tell("/api/graphql", told({"data": {}}))
    # Made at run time, so that no constant of this test is found instead.
    token = f"canary-{id(upstream)}"
    with open_http(token=token) as http:
        await http.post("/graphql")
    upstream.received.clear()
    gc.collect()
    holders = [holder for holder in gc.get_referrers(token) if isinstance(holder, dict) and "_token" in holder]
    assert holders == []


async def test_no_repr_shows_the_token(upstream: Upstream, open_http: Open) -> None:
    with open_http() as http:
        shown = f"{http!r} {vars(http)!r} {client_of('github')!r} {vars(client_of('github'))!r}"
    assert TOKEN not in shown


async def test_one_users_cookie_is_not_sent_with_the_next_users_request(upstream: Upstream, open_http: Open) -> None:
    upstream.tell("/api/graphql", told({"data": {}}, headers={"set-cookie": "session=of-alice; Path=/"}))
    with open_http() as alice:
        await alice.post("/graphql")
    with open_http(token="token-of-bob") as bob:
        await bob.post("/graphql")
    assert "cookie" not in upstream.received[1].headers
    assert upstream.received[1].headers["authorization"] == "Bearer token-of-bob"


async def test_a_proxy_in_the_environment_is_not_used(
    upstream: Upstream, open_http: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would see every token."""
    async with Upstream.running() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        upstream.tell("/api/graphql", told({"data": {}}))
        with open_http() as http:
            await http.post("/graphql")
        assert (len(upstream.received), proxy.received) == (1, [])


async def test_one_client_serves_all_calls_of_a_loop(upstream: Upstream) -> None:
    first = client_of("github")
    assert client_of("github") is first
    assert client_of("slack") is not first
    await close_clients()
    assert first.is_closed
    assert client_of("github") is not first


def test_another_loop_has_clients_of_its_own() -> None:
    async def client() -> httpx.AsyncClient:
        return client_of("github")

    with asyncio.Runner() as one, asyncio.Runner() as other:
        first, second = one.run(client()), other.run(client())
        assert first is not second
        one.run(close_clients())
        other.run(close_clients())


async def test_graphql_of_an_enterprise_server_lies_beside_its_rest_api(
    upstream: Upstream, settings: Settings, calls: Calls
) -> None:
    known = replace(
        settings.PROVIDERS["github"], api_url=f"{upstream.url}/api/v3", graphql_url=f"{upstream.url}/api/graphql"
    )
    settings.PROVIDERS = {**settings.PROVIDERS, "github": known}
    upstream.tell("/api/graphql", told({"data": {}}))
    upstream.tell("/api/v3/search/commits", told({}))
    with authorized(provider="github", endpoints=ENDPOINTS, token=TOKEN, on_call=calls) as http:
        await http.post("/graphql#activity", json={})
        await http.get("/search/commits")
    assert [request.path for request in upstream.received] == ["/api/graphql", "/api/v3/search/commits"]
    host = upstream.url.removeprefix("http://")
    assert [call.path for call in calls.seen] == [f"{host}/api/graphql#activity", f"{host}/api/v3/search/commits"]


async def test_a_graphql_address_elsewhere_gets_no_token(upstream: Upstream, settings: Settings, calls: Calls) -> None:
    async with Upstream.running() as other:
        known = replace(settings.PROVIDERS["github"], graphql_url=f"{other.url}/graphql")
        settings.PROVIDERS = {**settings.PROVIDERS, "github": known}
        with (
            authorized(provider="github", endpoints=ENDPOINTS, token=TOKEN, on_call=calls) as http,
            pytest.raises(ValueError, match="leaves the provider"),
        ):
            await http.post("/graphql#activity", json={})
        assert other.received == []
