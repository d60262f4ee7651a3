"""A visitor of the sandbox: a browser that consents, an app that exchanges codes, and a clock that can be moved."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from devcontext.sandbox.app import create_app
from devcontext.sandbox.world import tidewater_world

BASE_URL = "http://127.0.0.1:8001"
# A Wednesday, late enough for everything of that morning to have happened.
WEDNESDAY = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CREDENTIALS = {"client_id": "devcontext-sandbox", "client_secret": "sandbox-secret"}
CALENDAR_SCOPE = "https://www.googleapis.com/auth/calendar.events.owned.readonly"
SLACK_SCOPES = "users:read,channels:read,channels:history,search:read"

AUTHORIZE = {
    "github": "/github/login/oauth/authorize",
    "google-calendar": "/google/o/oauth2/v2/auth",
    "slack": "/slack/oauth/v2/authorize",
}
TOKEN = {
    "github": "/github/login/oauth/access_token",
    "google-calendar": "/google/token",
    "slack": "/slack/api/oauth.v2.access",
}
ASKED = {
    "github": {},
    "google-calendar": {
        "scope": f"openid email {CALENDAR_SCOPE}",
        "response_type": "code",
        "access_type": "offline",
        "prompt": "consent",
    },
    "slack": {"user_scope": SLACK_SCOPES},
}


def callback(provider: str) -> str:
    """Return the app's callback address for `provider`."""
    return f"http://localhost:8000/connect/{provider}/callback"


@dataclass
class Clock:
    """A clock that moves when told to."""

    now: datetime = WEDNESDAY

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def pass_(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)


class Visitor:
    """Talks to one sandbox as the browser and the app do."""

    def __init__(self, *, data: Path | None = None, clock: Clock | None = None) -> None:
        """Start a sandbox on `data`."""
        self.clock = clock or Clock()
        self.app = create_app(data=data, world=tidewater_world(clock=self.clock), base_url=BASE_URL)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url=BASE_URL)

    async def ask(self, provider: str, **overrides: str) -> httpx.Response:
        """Open the consent page as the app's redirect does."""
        parameters = {
            "client_id": CREDENTIALS["client_id"],
            "redirect_uri": callback(provider),
            "state": "a state",
            **ASKED[provider],
            **overrides,
        }
        return await self.http.get(AUTHORIZE[provider], params=parameters)

    async def answer(
        self, provider: str, page: httpx.Response, *, decision: str = "allow", ticked: list[str] | None = None
    ) -> httpx.Response:
        """Send the consent page's form, with all boxes ticked unless told otherwise."""
        boxes = re.findall(r'type="checkbox" name="scope" value="([^"]+)"', page.text)
        form = {"form_token": form_token(page), "decision": decision, "scope": boxes if ticked is None else ticked}
        return await self.http.post(AUTHORIZE[provider], data=form)

    async def code(self, provider: str, *, ticked: list[str] | None = None, **overrides: str) -> str:
        """Consent and return the code."""
        page = await self.ask(provider, **overrides)
        return returned(await self.answer(provider, page, ticked=ticked))["code"]

    async def exchange(self, provider: str, **values: str) -> httpx.Response:
        """Send a request to the token endpoint, as the registered app unless told otherwise."""
        form = {**CREDENTIALS, **values}
        return await self.http.post(TOKEN[provider], data=form, headers={"accept": "application/json"})

    async def exchange_code(self, provider: str, code: str, **values: str) -> httpx.Response:
        """Exchange a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback(provider), **values}
        return await self.exchange(provider, **form)

    async def refresh(self, provider: str, refresh_token: str) -> httpx.Response:
        """Exchange a refresh token."""
        return await self.exchange(provider, grant_type="refresh_token", refresh_token=refresh_token)

    async def connect(self, provider: str, **overrides: str) -> dict[str, Any]:
        """Consent, exchange the code and return the pair of tokens."""
        answer = (await self.exchange_code(provider, await self.code(provider, **overrides))).json()
        pair: dict[str, Any] = answer.get("authed_user", answer)
        return pair

    async def probe(self, provider: str, access_token: str) -> httpx.Response:
        """Ask the provider who the token belongs to."""
        path = {"github": "/github/api/user", "google-calendar": "/google/v1/userinfo", "slack": "/slack/api/auth.test"}
        return await self.http.get(path[provider], headers=bearer(access_token))

    async def graphql(self, access_token: str, query: str, **variables: Any) -> dict[str, Any]:
        """Execute a GraphQL document and return the answer's body."""
        body = {"query": query, "variables": variables}
        answer = await self.http.post("/github/api/graphql", json=body, headers=bearer(access_token))
        assert answer.status_code == 200, answer.text
        parsed: dict[str, Any] = answer.json()
        return parsed

    async def slack(self, access_token: str, method: str, **values: str) -> dict[str, Any]:
        """Call a Slack method and return the answer's body."""
        answer = await self.http.post(f"/slack/api/{method}", data=values, headers=bearer(access_token))
        assert answer.status_code == 200, answer.text
        parsed: dict[str, Any] = answer.json()
        return parsed

    async def events(self, access_token: str, *, calendar: str = "primary", **values: str) -> httpx.Response:
        """List a calendar's events."""
        path = f"/google/calendar/v3/calendars/{calendar}/events"
        return await self.http.get(path, params=values, headers=bearer(access_token))


def bearer(access_token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"authorization": f"Bearer {access_token}"}


def form_token(page: httpx.Response) -> str:
    """Return the one-time token of a consent page."""
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found[1]


def returned(answer: httpx.Response) -> dict[str, str]:
    """Return what the callback is told by a redirect to it."""
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
