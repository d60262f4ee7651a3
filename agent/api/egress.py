"""Where requests may go: the pinned origin of each provider, the token bound to it, and the long-lived clients.

A client holds no token, no cookie and no proxy; what it shares between users is open connections only.
"""

import asyncio
import hashlib
import hmac
import ssl
import time
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from weakref import WeakValueDictionary

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from agent.providers import PROVIDERS

# GitHub gives up on a query after 10 seconds and says so; we wait a little longer to hear it.
# Source: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#timeouts
_TIMEOUT = httpx.Timeout(12.0, connect=3.0, pool=5.0)
# A server without GraphQL stays so until it is upgraded; one that was wrong for a moment is asked again soon.
NO_GRAPHQL_SECONDS = 300.0
_HEADERS = {
    "Accept": "application/json",
    # Without compression the size limit counts what is parsed; a small answer cannot unfold into a large one.
    "Accept-Encoding": "identity",
    "User-Agent": "DevContext",
}


class PinnedToken(httpx.Auth):
    """Attaches the token to requests for the origin of `base`, and to no other; its repr shows nothing."""

    def __init__(self, *, token: str, base: httpx.URL) -> None:
        self._token = token
        self._origin = _origin_of(base)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Attach the token.

        Raises:
            ValueError: The request is for another origin.
            RuntimeError: The token was dropped.
        """
        # SECURITY: the last line before the wire; whatever built the URL, the token goes to its provider only.
        if _origin_of(request.url) != self._origin:
            raise ValueError("The request leaves the provider that the token belongs to.")
        if not self._token:
            raise RuntimeError("The token of this tool call was dropped.")
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def carries(self, token: str) -> bool:
        """Tell whether `token` is this one."""
        return hmac.compare_digest(self._token.encode(), token.encode())

    def drop(self) -> None:
        """Forget the token."""
        self._token = ""


@dataclass(slots=True)
class _LoopState:
    """What belongs to one event loop: open connections and locks cannot move to another."""

    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    turns: WeakValueDictionary[bytes, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    # By provider: until when, on the clock of `time.monotonic`, its server counts as one without GraphQL.
    without_graphql_until: dict[str, float] = field(default_factory=dict)


_loops: dict[asyncio.AbstractEventLoop, _LoopState] = {}


def pinned_base(provider: str) -> httpx.URL:
    """Return the address that every request to `provider` starts with.

    Raises:
        ImproperlyConfigured: It is not https, and not the sandbox's.
    """
    configured = settings.PROVIDERS[provider]
    base = httpx.URL(configured.api_url)
    if base.scheme != "https" and not configured.is_sandbox:
        raise ImproperlyConfigured(f"The address of {provider} must start with https://.")
    return base


def base_of(provider: str, *, path: str) -> httpx.URL:
    """Return what `path` is appended to: on GitHub Enterprise Server, GraphQL lies beside the REST API, not below it.

    Raises:
        ImproperlyConfigured: As `pinned_base`.
    """
    base, graphql_url = pinned_base(provider), settings.PROVIDERS[provider].graphql_url
    is_beside = bool(graphql_url) and path.partition("#")[0] == "/graphql"
    return httpx.URL(graphql_url.removesuffix("/graphql")) if is_beside else base


def client_of(provider: str) -> httpx.AsyncClient:
    """Return this event loop's client for `provider`, opening it at the first call."""
    clients = _this_loop().clients
    if provider not in clients:
        # SECURITY: the jar takes no cookie, else one user's would be sent with the next user's request.
        jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        clients[provider] = httpx.AsyncClient(
            headers=_HEADERS,
            cookies=jar,
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            verify=_tls_of(provider),
        )
    return clients[provider]


def _tls_of(provider: str) -> ssl.SSLContext:
    """Return whom to believe for `provider`: the public authorities, or those of its own file and no others."""
    # SECURITY: an enterprise's authority vouches for its own GitHub; it could vouch for Google and Slack as well.
    return _tls(settings.PROVIDERS[provider].ca_file)


@cache
def _tls(ca_file: str) -> ssl.SSLContext:
    """Return the TLS settings for these authorities: loading them costs as much as several reads.

    A worker opens clients for each briefing, since each of its tasks has an event loop of its own.
    """
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)


def turn_of(provider: str, *, token: str) -> AbstractAsyncContextManager[object]:
    """Return what to hold during a call with `token`: a lock per token for providers that want calls one by one."""
    if not PROVIDERS[provider].is_serial:
        return nullcontext()
    return _this_loop().turns.setdefault(hashlib.sha256(token.encode()).digest(), asyncio.Lock())


def remember_no_graphql(provider: str) -> None:
    """Keep in mind for a while that the provider's server answers no GraphQL."""
    _this_loop().without_graphql_until[provider] = time.monotonic() + NO_GRAPHQL_SECONDS


def is_without_graphql(provider: str) -> bool:
    """Tell whether the provider's server was found to answer no GraphQL a short while ago."""
    return time.monotonic() < _this_loop().without_graphql_until.get(provider, 0.0)


async def close_clients() -> None:
    """Close this event loop's connections, at shutdown or at the end of a command."""
    state = _loops.pop(asyncio.get_running_loop(), _LoopState())
    for client in state.clients.values():
        await client.aclose()


def _this_loop() -> _LoopState:
    loop = asyncio.get_running_loop()
    if loop not in _loops:
        for closed in [known for known in _loops if known.is_closed()]:
            del _loops[closed]
        _loops[loop] = _LoopState()
    return _loops[loop]


def _origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
