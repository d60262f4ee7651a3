"""An enterprise's own GitHub may be vouched for by its own authority: for that provider alone, and by no other."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pytest_django import Settings

from agent.api.egress import close_clients
from agent.api.http import authorized
from agent.endpoints import Endpoint
from agent.errors import ToolFailedError
from tests.agent.api.fixtures import TOKEN, Calls
from tests.agent.api.upstream import Upstream, told
from tests.authority import make_authority

ENDPOINTS = (Endpoint("github", "POST", "/graphql#activity"), Endpoint("slack", "POST", "/auth.test"))


@dataclass(frozen=True, slots=True)
class Enterprise:
    """A server with a certificate of its enterprise's authority, in the place of all providers."""

    server: Upstream
    ca_file: Path


@pytest.fixture
async def enterprise(tmp_path: Path, settings: Settings) -> AsyncIterator[Enterprise]:
    ca_file, tls = make_authority(tmp_path)
    async with Upstream.running(tls=tls) as server:
        server.tell("/graphql", told({"data": {}}))
        server.tell("/auth.test", told({"ok": True}))
        settings.PROVIDERS = {
            name: replace(known, api_url=server.url, graphql_url="", is_sandbox=False)
            for name, known in settings.PROVIDERS.items()
        }
        yield Enterprise(server, ca_file)
        await close_clients()


def _believe(settings: Settings, ca_file: Path) -> None:
    github = replace(settings.PROVIDERS["github"], ca_file=str(ca_file))
    settings.PROVIDERS = settings.PROVIDERS | {"github": github}


async def test_github_is_read_with_its_own_authority(enterprise: Enterprise, settings: Settings, calls: Calls) -> None:
    _believe(settings, enterprise.ca_file)
    with authorized(provider="github", endpoints=ENDPOINTS, token=TOKEN, on_call=calls) as http:
        assert await http.post("/graphql#activity", json={}) == {"data": {}}


async def test_without_it_no_request_leaves(enterprise: Enterprise, calls: Calls) -> None:
    with (
        authorized(provider="github", endpoints=ENDPOINTS, token=TOKEN, on_call=calls) as http,
        pytest.raises(ToolFailedError, match="cannot be reached"),
    ):
        await http.post("/graphql#activity", json={})
    assert enterprise.server.received == []


async def test_the_environment_makes_nobody_an_authority(
    enterprise: Enterprise, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable meant for other programs must not decide who may read tokens."""
    monkeypatch.setenv("SSL_CERT_FILE", str(enterprise.ca_file))
    with (
        authorized(provider="github", endpoints=ENDPOINTS, token=TOKEN, on_call=calls) as http,
        pytest.raises(ToolFailedError, match="cannot be reached"),
    ):
        await http.post("/graphql#activity", json={})
    assert enterprise.server.received == []


async def test_it_vouches_for_github_alone(enterprise: Enterprise, settings: Settings, calls: Calls) -> None:
    """An enterprise's authority could otherwise listen in on Google and Slack."""
    _believe(settings, enterprise.ca_file)
    with (
        authorized(provider="slack", endpoints=ENDPOINTS, token=TOKEN, on_call=calls) as http,
        pytest.raises(ToolFailedError, match="cannot be reached"),
    ):
        await http.post("/auth.test", form={})
    assert enterprise.server.received == []


async def test_another_authority_does_not_vouch_for_it(
    enterprise: Enterprise, settings: Settings, calls: Calls, tmp_path: Path
) -> None:
    """With a file of its own, GitHub is believed on its word alone."""
    (tmp_path / "other").mkdir()
    other, _ = make_authority(tmp_path / "other")
    _believe(settings, other)
    with (
        authorized(provider="github", endpoints=ENDPOINTS, token=TOKEN, on_call=calls) as http,
        pytest.raises(ToolFailedError, match="cannot be reached"),
    ):
        await http.post("/graphql#activity", json={})
    assert enterprise.server.received == []
