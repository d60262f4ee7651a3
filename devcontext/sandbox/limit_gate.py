"""ASGI middleware that counts a provider's requests where its limits are switched on, and refuses in its words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devcontext.sandbox.context import sandbox_of
from devcontext.sandbox.fault_gate import failure
from devcontext.sandbox.limits import Bucket, Count, Mode


@dataclass(frozen=True, slots=True)
class Quota:
    """One provider's limits.

    `bucket` tells which limit a request counts against, None for none; `refusal` names the case that says no;
    `headers` are what every answer tells of the limit.
    """

    provider: str
    bucket: Callable[[Request, bytes, Mode], Bucket | None]
    refusal: Callable[[Bucket], str]
    headers: Callable[[Count], Mapping[str, str]] = lambda _: {}


@dataclass(frozen=True, slots=True)
class LimitGate:
    """The gate of one provider's API."""

    app: ASGIApp
    quota: Quota

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        sandbox, quota = sandbox_of(request), self.quota
        limits = sandbox.limits
        mode = limits.mode(quota.provider)
        if mode is Mode.OFF:
            await self.app(scope, receive, send)
            return
        body = await request.body()
        bucket = quota.bucket(request, body, mode)
        count = limits.count(quota.provider, bucket) if bucket else None
        if bucket and count and count.is_exceeded:
            case = sandbox.faults.catalogue[quota.provider][quota.refusal(bucket)]
            refused = failure(case, seconds=math.ceil(count.wait_seconds), headers=quota.headers(count))
            await refused(scope, receive, send)
            return
        told = quota.headers(count) if count else {}
        await self.app(scope, _again(body), _telling(send, told))


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _telling(send: Send, headers: Mapping[str, str]) -> Send:
    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return tell
