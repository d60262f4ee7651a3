"""A provider's API for one tool call: the token in its transport only, every call reported before its answer is used.

It sends nothing that the tool does not declare, follows no redirect, never reads past the limits, and never puts a
value into an audit path.
"""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from agent.api.answers import Answer, find_failure, undeclared
from agent.api.egress import PinnedToken, base_of, client_of, pinned_base, turn_of
from agent.api.refusals import refusals_of
from agent.endpoints import Endpoint
from agent.errors import ToolFailedError
from agent.providers import PROVIDERS

# The largest answer measured was 366 kB of REST; what we ask for is under 100 kB.
MAX_ANSWER_BYTES = 2 * 1024 * 1024
# A read timeout starts anew with every byte; this one also ends an answer that trickles.
MAX_CALL_SECONDS = 15.0
# Somebody waits for the run meanwhile: a longer wait is told to them instead.
MAX_RETRY_WAIT_SECONDS = 5

_REQUEST_ID = re.compile(r"[A-Za-z0-9:._-]{1,100}")


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """One request to a provider and how it ended, for the audit.

    Attributes:
        method: HTTP method.
        path: Host and path template without values; of a GraphQL call also our document's name, after "#".
        status: HTTP status, None when no answer came.
        size_bytes: Bytes of the answer's body that were read.
        duration_ms: Milliseconds from the request to the last byte read.
        provider_request_id: The provider's own id of the request, "" if it gave none.
        error: "" when the answer is used, else a transport error (see `Answer.error`) or a `ToolErrorCode`; with
            `undeclared_request` nothing was sent.
    """

    method: str
    path: str
    status: int | None
    size_bytes: int
    duration_ms: int
    provider_request_id: str
    error: str


OnCall = Callable[[UpstreamCall], Awaitable[None]]
# Gets the token anew, and with it where its calls are reported.
Renew = Callable[[], Awaitable[tuple[str, OnCall]]]


@dataclass(slots=True)
class _Attempt:
    """An answer as far as it came; what is still there when the call breaks off is what the audit gets."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray, repr=False)
    error: str = "interrupted"

    def as_answer(self) -> Answer:
        return Answer(status=self.status, headers=self.headers, body=bytes(self.body), error=self.error)


@dataclass(frozen=True, slots=True)
class _Held:
    """A token in its transport, the turn its calls take, and where they are reported."""

    auth: PinnedToken
    turn: AbstractAsyncContextManager[object]
    on_call: OnCall


class AuthorizedHTTP:
    """A provider's API for one tool call; implements `agent.tool.ProviderHTTP`. Closing it drops the token.

    A token that the provider does not take, since a refresh replaced it meanwhile, is renewed once.

    Attributes:
        received_bytes: Bytes of all answers so far.
        read_until: When the call's reading ends, on the clock of `time.monotonic`.
    """

    def __init__(
        self, *, provider: str, endpoints: tuple[Endpoint, ...], token: str, on_call: OnCall, renew: Renew | None
    ) -> None:
        self.received_bytes = 0
        self.read_until = math.inf
        self._provider = provider
        self._endpoints = endpoints
        self._base = pinned_base(provider)
        self._held = self._hold(token, on_call=on_call)
        self._renew = renew
        self._renewing = asyncio.Lock()
        self._has_retried = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Drop the token."""
        self.close()

    def close(self) -> None:
        """Drop the token: no request leaves after this."""
        self._renew = None
        self._held.auth.drop()

    async def get(
        self, path: str, *, params: Mapping[str, Any] | None = None, path_values: Mapping[str, str] | None = None
    ) -> Any:
        """Return the parsed JSON of a GET; see `agent.tool.ProviderHTTP`."""
        await self._require_declared("GET", path, body=None)
        url = f"{self._base}{_fill(path, values=path_values or {})}"
        return await self._call(path, request=client_of(self._provider).build_request("GET", url, params=params))

    async def post(self, path: str, *, json: Any = None, form: Mapping[str, str] | None = None) -> Any:
        """Return the parsed JSON of a POST; a "#name" at the end of `path` is for the audit and is not sent."""
        await self._require_declared("POST", path, body=json)
        url = f"{base_of(self._provider, path=path)}{path.partition('#')[0]}"
        return await self._call(
            path, request=client_of(self._provider).build_request("POST", url, json=json, data=form)
        )

    async def _require_declared(self, method: str, path: str, *, body: Any) -> None:
        """Let a request pass that the tool declares; any other is put on record and refused before it is built.

        Raises:
            ToolFailedError: `undeclared_request`.
        """
        # SECURITY: a token may open far more than its tool needs, such as an OAuth App's `repo`; this holds the tool.
        ours = [endpoint for endpoint in self._endpoints if endpoint.provider == self._provider]
        if any(endpoint.covers(method, path, body=body) for endpoint in ours):
            return
        refused = undeclared(self._provider)
        await self._held.on_call(self._describe(method, path, attempt=_Attempt(), duration_ms=0, error=refused.code))
        raise refused

    async def _call(self, path: str, *, request: httpx.Request) -> Any:
        held = self._held
        try:
            return await self._ask(path, request=request)
        except ToolFailedError as failure:
            if not await self._can_repeat(failure, held=held):
                raise
        return await self._ask(path, request=request)

    async def _can_repeat(self, failure: ToolFailedError, *, held: _Held) -> bool:
        """Renew the token or wait, as `failure` of a call begun with `held` asks for; False when that is no use."""
        if failure.code == "reconnect_required":
            return await self._has_renewed(held)
        wait = failure.retry_after_seconds
        # A wait that the run's time for reading would cut off ends as this refusal, which says more than "no time".
        longest = min(MAX_RETRY_WAIT_SECONDS, self.read_until - time.monotonic())
        if self._has_retried or wait is None or wait > longest:
            return False
        self._has_retried = True
        # Every request here is a read, so asking twice changes nothing.
        await asyncio.sleep(wait)
        return True

    async def _has_renewed(self, held: _Held) -> bool:
        """Tell whether there is another token than the one that was held; asks for one, once per tool call."""
        async with self._renewing:
            renew, self._renew = self._renew, None
            if self._held is held and renew is not None:
                token, on_call = await renew()
                if not held.auth.carries(token):
                    self._held = self._hold(token, on_call=on_call)
                    held.auth.drop()
            return self._held is not held

    def _hold(self, token: str, *, on_call: OnCall) -> _Held:
        auth = PinnedToken(token=token, base=self._base)
        return _Held(auth=auth, turn=turn_of(self._provider, token=token), on_call=on_call)

    async def _ask(self, path: str, *, request: httpx.Request) -> Any:
        attempt, failure = _Attempt(), None
        async with self._held.turn:
            # Read here: the token may have been renewed while this call waited for its turn.
            held = self._held
            started = time.perf_counter()
            try:
                await self._fetch(request, auth=held.auth, into=attempt)
                answer = attempt.as_answer()
                refusals = refusals_of(self._provider)
                code, needed = refusals.find(answer), refusals.find_needed(answer)
                failure = find_failure(provider=self._provider, answer=answer, code=code, needed=needed)
            finally:
                # A call that is stopped half-way has still been made: it is reported like any other.
                duration_ms = round((time.perf_counter() - started) * 1000)
                error = attempt.error or (failure.code if failure else "")
                call = self._describe(request.method, path, attempt=attempt, duration_ms=duration_ms, error=error)
                # Shielded: a second cancellation, while the first is put on record, must not leave it without a row.
                await asyncio.shield(asyncio.ensure_future(held.on_call(call)))
        if failure is not None:
            raise failure
        return answer.json()

    async def _fetch(self, request: httpx.Request, *, auth: PinnedToken, into: _Attempt) -> None:
        try:
            async with asyncio.timeout(MAX_CALL_SECONDS):
                response = await client_of(self._provider).send(request, auth=auth, stream=True)
                try:
                    await _read(response, into=into)
                finally:
                    await response.aclose()
        except (httpx.TimeoutException, TimeoutError):
            into.error = "timeout"
        except httpx.HTTPError:
            into.error = "unreachable"

    def _describe(self, method: str, path: str, *, attempt: _Attempt, duration_ms: int, error: str) -> UpstreamCall:
        self.received_bytes += len(attempt.body)
        base = base_of(self._provider, path=path)
        return UpstreamCall(
            method=method,
            path=f"{base.netloc.decode()}{base.path.rstrip('/')}{path}",
            status=attempt.status,
            size_bytes=len(attempt.body),
            duration_ms=duration_ms,
            provider_request_id=_request_id(attempt.headers, provider=self._provider),
            error=error,
        )


def authorized(
    *, provider: str, endpoints: tuple[Endpoint, ...], token: str, on_call: OnCall, renew: Renew | None = None
) -> AuthorizedHTTP:
    """Return `provider`'s API with `token` in its transport, to be used as a context manager for one tool call.

    Args:
        provider: Provider id.
        endpoints: All that may be asked; every other request is refused and reported.
        token: The user's upstream access token.
        on_call: Awaited after every request, before its answer is used; what it raises ends the tool call.
        renew: Awaited once at most, when the provider does not take the token; what it raises ends the tool call.
    """
    return AuthorizedHTTP(provider=provider, endpoints=endpoints, token=token, on_call=on_call, renew=renew)


async def _read(response: httpx.Response, *, into: _Attempt) -> None:
    into.status = response.status_code
    into.headers = {name.lower(): value for name, value in response.headers.items()}
    if into.headers.get("content-encoding", "identity") != "identity":
        into.error = "unusable"
        return
    async for chunk in response.aiter_raw():
        into.body += chunk
        if len(into.body) > MAX_ANSWER_BYTES:
            into.error = "unusable"
            return
    into.error = ""


def _fill(template: str, *, values: Mapping[str, str]) -> str:
    """Return `template` with each `{name}` replaced by its percent-encoded value.

    Raises:
        ValueError: A value would change the path's shape.
    """
    if any(value in {"", ".", ".."} for value in values.values()):
        raise ValueError("A path value must name something.")
    return template.format_map({name: quote(value, safe="") for name, value in values.items()})


def _request_id(headers: Mapping[str, str], *, provider: str) -> str:
    told = headers.get(PROVIDERS[provider].request_id_header, "")
    return told if _REQUEST_ID.fullmatch(told) else ""
