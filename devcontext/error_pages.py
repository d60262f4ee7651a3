"""Our own error pages on a machine where `DEBUG` is on, in place of Django's technical ones.

A person who tries DevContext meets the product's pages, not its URL table and source lines; tracebacks are in the log.
"""

from collections.abc import Awaitable, Callable, Mapping

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.defaults import page_not_found, server_error

_PAGES: Mapping[int, Callable[[HttpRequest], HttpResponseBase]] = {
    404: lambda request: page_not_found(request, Http404()),
    500: server_error,
}


class OwnErrorPages:
    """Middleware for sync and async stacks alike; no view of ours answers 404 or 500 with a page of its own."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, with our page if Django's would be shown."""
        response = self._get_response(request)
        if isinstance(response, HttpResponseBase):
            return _with_own_page(request, response)
        return self._answer(request, response)

    async def _answer(self, request: HttpRequest, response: Awaitable[HttpResponseBase]) -> HttpResponseBase:
        answer = await response
        if answer.status_code not in _PAGES:
            return answer
        # The page shows who is signed in, which is database work.
        return await sync_to_async(_with_own_page)(request, answer)


def _with_own_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    page = _PAGES.get(response.status_code)
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    return page(request) if page and is_page else response
