"""ASGI middleware in front of a provider's API or token endpoint: lets a request in, or serves what was ordered."""

import asyncio
import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devcontext.sandbox.context import sandbox_of
from devcontext.sandbox.faults.cases import Case, Effect, Place
from devcontext.sandbox.faults.orders import Order, OrderError

HEADER = "x-sandbox-fault"
# GitHub's window; its reset instant is part of every answer that carries the limit's other headers.
_HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class FaultGate:
    """The gate of one place of one provider."""

    app: ASGIApp
    provider: str
    place: Place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        try:
            header = request.headers.get(HEADER, "")
            order = sandbox_of(request).faults.take(self.provider, place=self.place, header=header)
        except OrderError as error:
            await JSONResponse({"error": str(error)}, status_code=400)(scope, receive, send)
            return
        if order is None:
            await self.app(scope, receive, send)
        else:
            await self._serve(order, scope, receive, send)

    async def _serve(self, order: Order, scope: Scope, receive: Receive, send: Send) -> None:
        if order.case.effect is Effect.REPLACED:
            replaced = failure(order.case, seconds=order.seconds)
            await replaced(scope, receive, send)
            return
        if order.seconds:
            await asyncio.sleep(order.seconds)
        if order.case.effect is Effect.SLOW:
            await self.app(scope, receive, send)
            return
        # The request does its work, such as rotating a token; only the answer is changed.
        start, body = await _answer_of(self.app, scope, receive)
        if order.case.effect is Effect.ADDED:
            await JSONResponse(json.loads(body) | order.case.body)(scope, receive, send)
            return
        # Without the rest of the declared length the server closes the connection.
        await send(start)
        sent = body[: len(body) // 2] if order.case.effect is Effect.CUT_OFF else b""
        await send({"type": "http.response.body", "body": sent, "more_body": True})


def failure(case: Case, *, seconds: float | None, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer of `case`, with `seconds` in what it says about coming back, and `headers` over its own."""
    told = {name: value.replace("…", "0") for name, value in case.headers.items()}
    if seconds is not None and "retry-after" in told:
        told["retry-after"] = str(math.ceil(seconds))
    if told.get("x-ratelimit-remaining") == "0":
        told["x-ratelimit-reset"] = str(math.ceil(time.time() + (_HOUR_SECONDS if seconds is None else seconds)))
    if case.request_id_header:
        told[case.request_id_header] = secrets.token_hex(16).upper()
    content = b"" if case.body is None else json.dumps(case.body).encode()
    media_type = "application/json; charset=utf-8" if content else None
    return Response(content, status_code=case.status, headers=told | dict(headers or {}), media_type=media_type)


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Return the start of the app's answer and its whole body."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])
