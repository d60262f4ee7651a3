"""The vault's door: what came over a network came over TLS, or it is refused."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from devcontext import this_machine


class TLSOrThisMachine:
    """Middleware of the vault process: refuses what came in the clear from another machine.

    SECURITY: Django would redirect it, which is too late for a secret in its body, and would also send away the web
    process of the same machine, which needs no TLS.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, or refuse it."""
        # Behind a proxy that uvicorn trusts, both are those of the proxy's client.
        if settings.DEBUG or request.is_secure() or request.META.get("REMOTE_ADDR") in this_machine.ADDRESSES:
            return self._get_response(request)
        return self._refuse() if self._is_async else _in_the_clear()

    async def _refuse(self) -> HttpResponseBase:
        return _in_the_clear()


def _in_the_clear() -> HttpResponseBase:
    return JsonResponse({"error": "invalid_request", "error_description": "The vault is reached over TLS."}, status=400)
