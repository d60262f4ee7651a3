"""Three providers' token endpoints on a port of this machine, as strict as the real ones, for the vault's tests.

GitHub's refresh tokens work once and a second use kills the grant; Slack's first answer nests the user's token; Google
keeps its refresh token. Every request is counted, and can be delayed, refused or left unanswered.
"""

import asyncio
import base64
import hashlib
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.serving import serve_app

# A test that fails leaves the gate shut; its server must end all the same.
_LONGEST_HOLD_SECONDS = 30

# Who may be signed in at the providers.
USER_IDS = {"alice": 7, "alice-at-work": 8, "bob": 9, "bob-at-work": 10}


@dataclass
class Grant:
    """A consent of a person, and the tokens that live under it."""

    provider: str
    person: str
    query: dict[str, str]
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    spent: set[str] = field(default_factory=set)
    issued: set[str] = field(default_factory=set)
    is_alive: bool = True


def _open_gate() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


@dataclass
class Upstream:
    """The providers' state, the knobs of a test, and what was asked."""

    url: str = ""
    life_seconds: int | None = 28800
    delay_seconds: float = 0
    scope: str | None = None
    answer: tuple[int, Any] | None = None
    drops_answer: bool = False
    revocations_refused: int = 0
    refuses_accounts: bool = False
    was_asked_for_account: threading.Event = field(default_factory=threading.Event)
    may_tell_account: threading.Event = field(default_factory=_open_gate)
    kills_on_reuse: bool = True
    person: str = "alice"
    codes: dict[str, Grant] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    requests: list[str] = field(default_factory=list)
    was_asked_to_refresh: threading.Event = field(default_factory=threading.Event)
    may_refresh: threading.Event = field(default_factory=_open_gate)
    issued: list[str] = field(default_factory=list)
    verifiers: list[bool] = field(default_factory=list)

    def consent(self, authorization_url: str) -> dict[str, str]:
        """Say yes as `person` at the consent page, and return what the browser brings to the callback."""
        parts = urlsplit(authorization_url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        code = secrets.token_urlsafe(8)
        self.codes[code] = Grant(provider=parts.path.split("/")[1], person=self.person, query=query)
        return {"code": code, "state": query["state"]}

    def app(self) -> Starlette:
        """Return the endpoints, at the paths of the sandbox."""
        return Starlette(
            routes=[
                Route("/github/login/oauth/access_token", self._github_token, methods=["POST"]),
                Route("/github/api/user", self._github_user),
                Route("/github/api/graphql", self._github_graphql, methods=["POST"]),
                Route("/github/api/applications/{client}/grant", self._github_revoke, methods=["DELETE"]),
                Route("/google/token", self._google_token, methods=["POST"]),
                Route("/google/v1/userinfo", self._google_user),
                Route("/google/revoke", self._google_revoke, methods=["POST"]),
                Route("/slack/api/oauth.v2.access", self._slack_token, methods=["POST"]),
                Route("/slack/api/auth.test", self._slack_user, methods=["POST"]),
                Route("/slack/api/auth.revoke", self._slack_revoke, methods=["POST"]),
            ]
        )

    def noting_app(self) -> Starlette:
        """Return the endpoints, behind a door that notes every request, also one to an address that is none of them."""

        async def note(request: Request, call_next: RequestResponseEndpoint) -> Response:
            self.requests.append(f"{request.method} {request.url.path}")
            return await call_next(request)

        app = self.app()
        app.add_middleware(BaseHTTPMiddleware, dispatch=note)
        return app

    async def _github_token(self, request: Request) -> Response:
        form = await self._form(request, "github")
        if self.answer:
            await asyncio.sleep(self.delay_seconds)
            return JSONResponse(self.answer[1], status_code=self.answer[0])
        grant = self._redeem(form, "github") if "code" in form else self._rotate(form)
        if grant is None:
            return JSONResponse({"error": "bad_refresh_token" if "refresh_token" in form else "bad_verification_code"})
        grant.access.clear()
        return await self._send(self._tokens(grant, prefix="ghu_", rotates=True) | {"scope": self.scope or ""})

    async def _google_token(self, request: Request) -> Response:
        form = await self._form(request, "google")
        if self.answer:
            await asyncio.sleep(self.delay_seconds)
            return JSONResponse(self.answer[1], status_code=self.answer[0])
        grant = self._redeem(form, "google") if "code" in form else self._find(form.get("refresh_token", ""))
        if grant is None or not grant.is_alive:
            return JSONResponse({"error": "invalid_grant", "error_description": "Bad Request"}, status_code=400)
        scope = self.scope if self.scope is not None else grant.query["scope"]
        return await self._send(self._tokens(grant, prefix="ya29.", rotates="code" in form) | {"scope": scope})

    async def _slack_token(self, request: Request) -> Response:
        form = await self._form(request, "slack")
        if self.answer:
            return JSONResponse(self.answer[1], status_code=self.answer[0])
        if "code_verifier" in form:
            return JSONResponse({"ok": False, "error": "invalid_code_verifier"})
        grant = self._redeem(form, "slack") if "code" in form else self._rotate(form)
        if grant is None:
            return JSONResponse({"ok": False, "error": "invalid_code" if "code" in form else "invalid_refresh_token"})
        scope = self.scope if self.scope is not None else self._slack_scope(grant)
        tokens = self._tokens(grant, prefix="xoxe.xoxp-1-", rotates=True) | {"scope": scope, "token_type": "user"}
        return await self._send({"ok": True, **({"authed_user": {"id": "U1", **tokens}} if "code" in form else tokens)})

    def _slack_scope(self, grant: Grant) -> str:
        """Return what was asked for, and what the person's living tokens have: Slack only ever adds."""
        living = [one for one in self.grants if one.is_alive and (one.provider, one.person) == ("slack", grant.person)]
        scopes = [scope for one in [grant, *living] for scope in one.query["user_scope"].split(",")]
        return ",".join(dict.fromkeys(scopes))

    async def _github_user(self, request: Request) -> Response:
        self.was_asked_for_account.set()
        await asyncio.to_thread(self.may_tell_account.wait, _LONGEST_HOLD_SECONDS)
        person = self._person(request)
        if not person:
            return JSONResponse({"message": "Bad credentials"}, status_code=401)
        return JSONResponse({"id": USER_IDS[person], "login": f"{person}-gh"})

    async def _github_graphql(self, request: Request) -> Response:
        person = self._person(request)
        if not person:
            return JSONResponse({"message": "Bad credentials"}, status_code=401)
        return JSONResponse({"data": {"viewer": {"login": f"{person}-gh"}}})

    async def _google_user(self, request: Request) -> Response:
        person = self._person(request)
        if not person:
            return JSONResponse({"error": "invalid_request"}, status_code=401)
        return JSONResponse({"sub": f"g-{USER_IDS[person]}", "email": f"{person}@example.org"})

    async def _slack_user(self, request: Request) -> Response:
        person = self._person(request)
        if not person:
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        who = {"user_id": f"U{USER_IDS[person]}", "user": person}
        return JSONResponse({"ok": True, **who, "team_id": "T1", "team": "Acme"})

    async def _github_revoke(self, request: Request) -> Response:
        token = (await request.json())["access_token"]
        self.calls["github revoke"] += 1
        if self.answer:
            return JSONResponse(self.answer[1], status_code=self.answer[0])
        if self._refuses(token):
            return Response(status_code=503)
        return Response(status_code=204 if self._end(token) else 404)

    async def _google_revoke(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        self.calls["google revoke"] += 1
        is_known = self._end(form["token"])
        return JSONResponse({} if is_known else {"error": "invalid_token"}, status_code=200 if is_known else 400)

    async def _slack_revoke(self, request: Request) -> Response:
        self.calls["slack revoke"] += 1
        if self._refuses(_bearer(request)):
            return Response(status_code=503)
        is_known = self._end(_bearer(request))
        return JSONResponse({"ok": True, "revoked": True} if is_known else {"ok": False, "error": "token_revoked"})

    def _refuses(self, token: str) -> bool:
        """Tell whether this revocation of a living token is to fail."""
        is_refused = self.revocations_refused > 0 and any(token in grant.access for grant in self.grants)
        self.revocations_refused -= is_refused
        return is_refused

    async def _form(self, request: Request, provider: str) -> dict[str, str]:
        form = dict(parse_qsl((await request.body()).decode()))
        self.calls[f"{provider} {form['grant_type']}"] += 1
        if "refresh_token" in form:
            self.was_asked_to_refresh.set()
            await asyncio.to_thread(self.may_refresh.wait, _LONGEST_HOLD_SECONDS)
        basic = base64.b64encode(b"devcontext-sandbox:sandbox-secret").decode()
        is_client = request.headers.get("authorization") == f"Basic {basic}" or (
            form.get("client_id") == "devcontext-sandbox" and form.get("client_secret") == "sandbox-secret"
        )
        assert is_client, "the client authenticates"
        return form

    async def _send(self, body: dict[str, Any]) -> Response:
        """Answer after the delay; when the answer is to be lost, the tokens are issued all the same."""
        await asyncio.sleep(self.delay_seconds)
        return Response("<lost>", status_code=502) if self.drops_answer else JSONResponse(body)

    def _redeem(self, form: dict[str, str], provider: str) -> Grant | None:
        self.verifiers.append("code_verifier" in form)
        grant = self.codes.pop(form["code"], None)
        if grant is None or grant.provider != provider or form["redirect_uri"] != grant.query["redirect_uri"]:
            return None
        challenge = grant.query.get("code_challenge", "")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if challenge and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return None
        self.grants.append(grant)
        return grant

    def _rotate(self, form: dict[str, str]) -> Grant | None:
        """Spend a refresh token; one that was spent before is refused, and kills the grant (RFC 9700, 4.14.2)."""
        token = form["refresh_token"]
        grant = next((grant for grant in self.grants if token in grant.refresh | grant.spent), None)
        if grant is None or token in grant.spent:
            if grant and self.kills_on_reuse:
                grant.is_alive = False
                grant.access.clear()
            return None
        grant.refresh.discard(token)
        grant.spent.add(token)
        return grant if grant.is_alive else None

    def _tokens(self, grant: Grant, *, prefix: str, rotates: bool) -> dict[str, Any]:
        access, refresh = prefix + secrets.token_hex(16), f"refresh-{secrets.token_hex(16)}"
        grant.access.add(access)
        grant.issued.add(access)
        self.issued.append(access)
        answer: dict[str, Any] = {"access_token": access, "token_type": "bearer"}
        if self.life_seconds is not None:
            answer["expires_in"] = self.life_seconds
        if rotates and self.life_seconds is not None:
            grant.refresh.add(refresh)
            self.issued.append(refresh)
            answer["refresh_token"] = refresh
        return answer

    def _person(self, request: Request) -> str:
        grant = None if self.refuses_accounts else self._find(_bearer(request))
        return grant.person if grant else ""

    def _find(self, token: str) -> Grant | None:
        return next((grant for grant in self.grants if token in grant.access | grant.refresh), None)

    def _end(self, token: str) -> bool:
        grant = self._find(token)
        if grant is None or not grant.is_alive:
            return False
        grant.is_alive = False
        return True


def _bearer(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


@contextmanager
def serve(upstream: Upstream) -> Iterator[Upstream]:
    """Serve `upstream` on a free port."""
    with serve_app(lambda _url: upstream.noting_app()) as url:
        upstream.url = url
        yield upstream
