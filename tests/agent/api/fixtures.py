"""Fixtures of every test that lets our clients talk to a provider on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from agent.api.egress import close_clients
from agent.api.http import AuthorizedHTTP, UpstreamCall, authorized
from agent.briefing.working_week import WorkingWeek
from agent.endpoints import Endpoint
from agent.tool import ReadContext, ServiceFact
from agent.tools import TOOLS
from tests.agent.api.upstream import Upstream

TOKEN = "token-of-alice"
# A Monday morning in Berlin, one hour ahead of UTC: its last working day is Friday 20 November.
NOW = datetime(2026, 11, 23, 8, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

Open = Callable[..., AuthorizedHTTP]


def declared_of(provider: str) -> tuple[Endpoint, ...]:
    """Return what the tools of a provider may ask between them, and GraphQL without a document."""
    asked = [endpoint for tool in TOOLS.values() if tool.provider == provider for endpoint in tool.endpoints]
    return (*asked, Endpoint(provider, "POST", "/graphql"))


@dataclass(slots=True)
class Calls:
    """What the clients reported, in order, each after a pause; `error` is raised at the next report."""

    seen: list[UpstreamCall] = field(default_factory=list)
    error: Exception | None = None
    pause_seconds: float = 0.0

    async def __call__(self, call: UpstreamCall) -> None:
        """Keep the call."""
        await asyncio.sleep(self.pause_seconds)
        self.seen.append(call)
        if self.error is not None:
            raise self.error


@pytest.fixture
async def upstream(settings: Settings) -> AsyncIterator[Upstream]:
    """One server in the place of all three providers."""
    async with Upstream.running() as server:
        settings.PROVIDERS = {
            name: replace(known, api_url=f"{server.url}/api", web_url="https://github.example", is_sandbox=True)
            for name, known in settings.PROVIDERS.items()
        }
        yield server
        await close_clients()


@pytest.fixture
def calls() -> Calls:
    """What the clients reported."""
    return Calls()


@pytest.fixture
def open_http(upstream: Upstream, calls: Calls) -> Open:
    """Open a provider with alice's token, for the loopback server; for all that any tool declares, unless told."""

    def open_one(
        provider: str = "github", token: str = TOKEN, endpoints: tuple[Endpoint, ...] | None = None
    ) -> AuthorizedHTTP:
        declared = declared_of(provider) if endpoints is None else endpoints
        return authorized(provider=provider, endpoints=declared, token=token, on_call=calls)

    return open_one


@pytest.fixture
def read_context() -> ReadContext:
    """Monday 09:12 in Berlin, nothing to report to, and three services."""

    async def list_services() -> tuple[ServiceFact, ...]:
        return (
            ServiceFact("github", "GitHub", "connected", "alice"),
            ServiceFact("google-calendar", "Google Calendar", "revoked", "alice@example.com"),
            ServiceFact("slack", "Slack", "not connected", ""),
        )

    return ReadContext(
        now=NOW,
        week=WorkingWeek(time_zone=BERLIN),
        report_progress=lambda done, total: None,
        list_services=list_services,
    )
