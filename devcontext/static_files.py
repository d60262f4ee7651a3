"""Serves static files, and answers 404 for one that is not there, whatever `DEBUG` is."""

from django.http import Http404, HttpRequest, HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import MissingFileError


class StaticFiles(ServeStaticMiddleware):  # type: ignore[misc]  # servestatic carries no types
    """Servestatic's middleware, which with `DEBUG` on would answer a missing file with 500 and a traceback."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the file, or pass the request on."""
        try:
            answer: HttpResponseBase = await super().__call__(request)
        except MissingFileError:
            raise Http404 from None
        return answer
