"""Posts a briefing as JSON to a resolved address. It follows no redirect, asks no proxy and reads no answer's body."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

import httpx
from django.conf import settings

from agent.delivery.addresses import Target
from agent.delivery.errors import NeverError, SendError, TryAgainError, UnknownOutcomeError
from agent.delivery.types import Failure

_TIMEOUT = httpx.Timeout(None, connect=5.0, pool=5.0)
# Whoever says that it takes longer is asked at our own pace.
_MAX_WAIT_SECONDS = 3600.0
_HEADERS = {"User-Agent": "DevContext", "Accept-Encoding": "identity", "Content-Type": "application/json"}
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


async def post(target: Target, *, body: bytes, headers: Mapping[str, str]) -> None:
    """Post `body` and return once the receiver took it.

    Raises:
        TryAgainError: The receiver cannot be reached, or says that it cannot take it now.
        NeverError: It refuses, is gone, or points elsewhere.
        UnknownOutcomeError: It got the message and did not answer.
    """
    # A client of its own for each message: nothing of one receiver, not a cookie, reaches another.
    async with httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=_TIMEOUT, verify=_tls()) as client:
        request = client.build_request(
            "POST",
            target.url,
            content=body,
            headers={**_HEADERS, **headers, "Host": target.netloc},
            # SECURITY: connected by number, so that a second look at the name cannot lead inside; the certificate is
            # asked for by name.
            extensions={"sni_hostname": target.host},
        )
        try:
            # Only the head of the answer is read, which the parser limits.
            # httpx's own clock begins anew with each byte: a receiver that drips would hold every other delivery.
            async with asyncio.timeout(settings.WEBHOOK_SECONDS):
                response = await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise TryAgainError(Failure.UNREACHABLE) from None
        except (httpx.HTTPError, TimeoutError):
            raise UnknownOutcomeError from None
        await response.aclose()
    if error := _error_of(response):
        raise error


def _error_of(response: httpx.Response) -> SendError | None:
    status = response.status_code
    if response.is_success:
        return None
    if response.has_redirect_location or response.is_redirect:
        return NeverError(Failure.REDIRECTED)
    if status == HTTPStatus.GONE:
        return NeverError(Failure.GONE)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TryAgainError(Failure.RATE_LIMITED, after_seconds=_wait_of(response))
    if response.is_server_error or status in _LATER:
        return TryAgainError(Failure.UNREACHABLE, after_seconds=_wait_of(response))
    return NeverError(Failure.REFUSED)


def _wait_of(response: httpx.Response) -> float:
    """Return after how many seconds to come back, 0 where it does not say. Source: RFC 9110 section 10.2.3."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), _MAX_WAIT_SECONDS) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0  # noqa: PLR2004  (digits that fit)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
