"""Sends the Content Security Policy and the headers that Django does not send itself, with every response."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

_PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def content_security_policy() -> str:
    """Return the policy of every page: nothing inline, nothing from elsewhere, Trusted Types required.

    `form-action` also names the providers' authorize hosts, and the vault's where it runs elsewhere: browsers apply it
    to every redirect that answers a form, and a provider that need not ask again sends the browser on at once.
    """
    origins = {_origin(provider.authorization_url) for provider in settings.PROVIDERS.values()}
    origins |= {_origin(settings.VAULT_ISSUER)} - {_origin(settings.APP_URL)}
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "font-src 'self'",
            "base-uri 'none'",
            " ".join(("form-action 'self'", *sorted(origins))),
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types devcontext",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class SecurityHeaders:
    """Middleware for sync and async stacks alike."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._policy = content_security_policy()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request with the headers set."""
        response = self._get_response(request)
        if isinstance(response, HttpResponseBase):
            return self._with_headers(response)
        return self._answer(response)

    async def _answer(self, response: Awaitable[HttpResponseBase]) -> HttpResponseBase:
        return self._with_headers(await response)

    def _with_headers(self, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Content-Security-Policy", self._policy)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # SECURITY: what is sealed at rest here must not lie open in a browser's or a proxy's store, nor be shown by the
        # back button after a sign-out. Static files say themselves how long they keep.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class TransportSecurity(SecurityMiddleware):
    """Django's `SecurityMiddleware` for the vault's process: it waits for nothing, so it needs no thread per step."""

    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]  # the stack is async

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request with the headers set."""
        return self.process_request(request) or self.process_response(request, await self.get_response(request))


class NoFrames(XFrameOptionsMiddleware):
    """Django's `XFrameOptionsMiddleware` for the vault's process, likewise."""

    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]  # the stack is async

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request with the header set."""
        return self.process_response(request, await self.get_response(request))
