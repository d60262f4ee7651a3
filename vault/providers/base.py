"""What the vault needs of a provider, and the one way to call its token endpoint: few bytes, no redirects, no proxy.

Answers are read here and in the provider modules, and nothing of them but codes, tokens, scopes and names goes further.
"""

import json
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from vault.errors import UpstreamError

# A token answer is about 1 KiB, Google's with an id token 3; the rest is room.
_MAX_ANSWER_BYTES = 64 * 1024
# Three seconds to connect, twenty to answer: token endpoints answer in tenths and a person waits, but what a slow one
# has issued is lost to who hangs up.
_TIMEOUT = httpx.Timeout(20, connect=3)
# An error code that reaches the audit looks like one; anything else a provider sends is not repeated.
_CODE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
# Access tokens live for hours; beyond ten years a number is a mistake, and beyond eight thousand no date either.
_LONGEST_LIFE_SECONDS = 10 * 366 * 24 * 3600
_OK = 200
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500

# What a refused code was refused for: the client's id or secret, the callback's address, or the code itself.
Blamed = Literal["client", "callback", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Tokens as a provider issued them.

    `refresh_token` is "" when none came, `expires_in_seconds` None when the access token does not expire, and `scope`
    space-separated, "" when the provider did not say.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_in_seconds: int | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose data a grant opens: an id that stays and a name that a person knows."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer: `body` is the JSON object in it, {} when there is none."""

    status: int
    body: dict[str, Any] = field(repr=False)


class Configuration(Protocol):
    """A provider in `settings.PROVIDERS`: where it is and how this installation is known there."""

    @property
    def client_id(self) -> str: ...  # noqa: D102  (names of RFC 6749, addresses)
    @property
    def client_secret(self) -> str: ...  # noqa: D102
    @property
    def authorization_url(self) -> str: ...  # noqa: D102
    @property
    def token_url(self) -> str: ...  # noqa: D102
    @property
    def revocation_url(self) -> str: ...  # noqa: D102
    @property
    def account_url(self) -> str: ...  # noqa: D102
    @property
    def api_url(self) -> str: ...  # noqa: D102
    @property
    def graphql_url(self) -> str: ...  # noqa: D102
    @property
    def ca_file(self) -> str: ...  # noqa: D102
    @property
    def app_kind(self) -> str: ...  # noqa: D102
    @property
    def is_sandbox(self) -> bool: ...  # noqa: D102


class Provider(Protocol):
    """One provider's dialect of OAuth. Its methods raise `UpstreamError` and nothing else.

    Attributes:
        id: Provider id.
        uses_pkce: Whether to send a code challenge.
        revokes_whole_account: Whether a revocation ends all tokens that the app has of the account, and not one alone.
        identity_scope: The scopes that name the account, asked for each time.
        scope_groups: What can be asked for besides, in groups that a user can choose; a closed table.
        default_scope_groups: The groups that are asked for when none is chosen.
        scopes_add_up: Whether a new consent adds to what the app's living tokens of the account may read, so that less
            can be had only once they are revoked.
        has_issuer: Whether it sends its origin as `iss` with the code (RFC 9207).
        refresh_lead: How long before its end a token is refreshed.
        old_token_survives_refresh: Whether a token still works after its successor was issued.
        resources: The URIs by which a client may name its API (RFC 8707), in every spelling that is understood.
        auth0_connections: What Auth0's Token Vault calls a connection to it, for programs written for that.
        blames: What its error codes blame when a code is not redeemed; codes that tell none of the three are not in it.
    """

    id: ClassVar[str]
    uses_pkce: ClassVar[bool]
    revokes_whole_account: ClassVar[bool]
    identity_scope: ClassVar[tuple[str, ...]]
    scope_groups: ClassVar[Mapping[str, tuple[str, ...]]]
    default_scope_groups: ClassVar[tuple[str, ...]]
    scopes_add_up: ClassVar[bool]
    has_issuer: ClassVar[bool]
    refresh_lead: ClassVar[timedelta]
    old_token_survives_refresh: ClassVar[bool]
    auth0_connections: ClassVar[tuple[str, ...]]
    blames: ClassVar[Mapping[str, Blamed]]

    @property
    def resources(self) -> frozenset[str]: ...  # noqa: D102  (described above)

    def authorization_parameters(self, *, scope: tuple[str, ...]) -> dict[str, str]:
        """Return the parameters of the authorization request that are this provider's own; `scope` is asked for."""
        ...

    async def redeem(self, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Exchange an authorization code."""
        ...

    async def refresh(self, *, refresh_token: str) -> Grant:
        """Exchange a refresh token."""
        ...

    async def load_account(self, *, access_token: str) -> Account:
        """Return the account that the token belongs to."""
        ...

    async def revoke(self, *, access_token: str, refresh_token: str) -> None:
        """Make the provider forget the user's grant. A permanent error means that it does not know the token."""
        ...


def configuration(provider: str) -> Configuration:
    """Return the settings of a configured provider."""
    configured: Configuration = settings.PROVIDERS[provider]
    return configured


async def call(
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    body: Mapping[str, str] | None = None,
    bearer: str = "",
    basic: tuple[str, str] | None = None,
) -> Answer:
    """Send one request to an address from the settings and return its answer, whatever its status below 500.

    Raises:
        UpstreamError: No connection, no answer in time, a server error, a limit, or no JSON where some must be.
    """
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    response, content = await _send(method, url, headers=headers, auth=basic, form=form, body=body)
    return Answer(response.status_code, _parse(content))


async def reach(url: str) -> str:
    """Ask whether anybody is at an address from the settings, and return the `Date` that is given, "" for none.

    Any status below 500 will do: whoever shows no token is refused.

    Raises:
        UpstreamError: As with `call`.
    """
    response, _ = await _send("HEAD", url)
    return str(response.headers.get("date", ""))


async def ask_for_tokens(provider: str, *, form: Mapping[str, str], permanent: frozenset[str]) -> Grant:
    """Ask the provider's token endpoint, with the client's credentials in the form (RFC 6749 section 2.3.1).

    Args:
        provider: Provider id.
        form: The grant.
        permanent: The provider's error codes that another try cannot change.

    Raises:
        UpstreamError: It answered with an error (which GitHub does with HTTP 200) or without tokens.
    """
    configured = configuration(provider)
    credentials = {"client_id": configured.client_id, "client_secret": configured.client_secret}
    answer = await call("POST", configured.token_url, form={**credentials, **form})
    error = code_of(answer)
    if error:
        raise UpstreamError(error, is_permanent=error in permanent)
    if answer.status != _OK:
        raise UpstreamError(f"http_{answer.status}")
    return grant_of(answer.body)


def code_of(answer: Answer) -> str:
    """Return the error code in an answer, "" when it holds none."""
    error = answer.body.get("error")
    if not error:
        return ""
    return error if isinstance(error, str) and _CODE.fullmatch(error) else "unknown_error"


def text_of(body: Mapping[str, Any], name: str) -> str:
    """Return the text `name` of an answer.

    Raises:
        UpstreamError: It is missing, empty or no text.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise UpstreamError("bad_answer", is_in_doubt=True)
    return value


def grant_of(body: Mapping[str, Any]) -> Grant:
    """Return the tokens in a token answer (RFC 6749 section 5.1); commas between scopes become spaces.

    Raises:
        UpstreamError: It holds no usable tokens.
    """
    expires_in = body.get("expires_in")
    if expires_in is not None and (type(expires_in) is not int or not 0 < expires_in <= _LONGEST_LIFE_SECONDS):
        raise UpstreamError("bad_answer", is_in_doubt=True)
    return Grant(
        access_token=_token_of(body, "access_token"),
        refresh_token=_token_of(body, "refresh_token") if body.get("refresh_token") else "",
        expires_in_seconds=expires_in,
        scope=" ".join(text_of(body, "scope").replace(",", " ").split()) if body.get("scope") else "",
    )


def _token_of(body: Mapping[str, Any], name: str) -> str:
    """RFC 6749 appendices A.12 and A.17: visible ASCII; anything else could not be sent in a header."""
    token = text_of(body, name)
    if not (token.isascii() and token.isprintable()):
        raise UpstreamError("bad_answer", is_in_doubt=True)
    return token


async def _send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: Mapping[str, str] | None = None,
) -> tuple[httpx.Response, bytes]:
    async with httpx.AsyncClient(
        verify=_tls(_ca_file_of(url)), timeout=_TIMEOUT, trust_env=False, follow_redirects=False
    ) as client:
        request = client.build_request(method, url, data=form, json=body, headers=headers)
        try:
            response = await client.send(request, auth=auth, stream=True)
            content = await _read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise UpstreamError("unreachable") from None
        except httpx.HTTPError:
            raise UpstreamError("no_answer", is_in_doubt=True) from None
    if response.status_code == _TOO_MANY_REQUESTS:
        raise UpstreamError("rate_limited")
    if response.status_code >= _SERVER_ERROR:
        raise UpstreamError(f"http_{response.status_code}", is_in_doubt=True)
    return response, content


async def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MAX_ANSWER_BYTES:
            raise UpstreamError("bad_answer", is_in_doubt=True)
    return bytes(content)


def _parse(content: bytes) -> dict[str, Any]:
    if not content:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise UpstreamError("bad_answer", is_in_doubt=True) from None
    return value if isinstance(value, dict) else {}


def _ca_file_of(url: str) -> str:
    """Return the file of the provider's own authorities if `url` is at its host, "" for the public ones."""
    # SECURITY: an enterprise's authority vouches for its own GitHub; it could vouch for Google and Slack as well.
    host = urlsplit(url).netloc
    configured: Iterable[Configuration] = settings.PROVIDERS.values()
    own = (one for one in configured if host in {urlsplit(one.token_url).netloc, urlsplit(one.api_url).netloc})
    return next((one.ca_file for one in own), "")


@cache
def _tls(ca_file: str) -> ssl.SSLContext:
    """Return the TLS settings for these authorities; loading certificates takes longer than a whole request."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)
