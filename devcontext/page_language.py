"""The language of a page: what its reader chose, else what their browser asks for. Machines' routes have none.

The choice is a cookie (`set_language`), not a column: it also counts before signing in, and the vault, which knows no
user, needs nothing of it.
"""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog

# What programs ask: the vault's protocol, its discovery, and files that are the same in every language.
_MACHINES = ("/oauth/", "/vault/", "/.well-known/", settings.STATIC_URL)


class PageLanguage:
    """Middleware for sync and async stacks alike.

    Django's `LocaleMiddleware` would take a thread for each request under ASGI, and leaves its language behind in it.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request in its reader's language."""
        if request.path_info.startswith(_MACHINES):
            return self._get_response(request)
        language = translation.get_language_from_request(request)
        if self._is_async:
            return self._answer(request, language)
        with translation.override(language):
            response = self._get_response(request)
        assert isinstance(response, HttpResponseBase)
        return _labelled(response, language)

    async def _answer(self, request: HttpRequest, language: str) -> HttpResponseBase:
        with translation.override(language):
            response = self._get_response(request)
            assert not isinstance(response, HttpResponseBase)
            return _labelled(await response, language)


class SocketLanguage:
    """ASGI middleware of sockets: `scope["language"]` is what `PageLanguage` would have for the same page.

    It is not made the language of what follows: a run that begins there is written in English. The cookies have to be
    read before (`channels.sessions.CookieMiddleware`).
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: object, send: object) -> None:
        """Go on with the language known."""
        request = HttpRequest()
        request.COOKIES = scope["cookies"]
        request.META["HTTP_ACCEPT_LANGUAGE"] = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
        await self._app(scope | {"language": translation.get_language_from_request(request)}, receive, send)


def _labelled(response: HttpResponseBase, language: str) -> HttpResponseBase:
    patch_vary_headers(response, ("Accept-Language", "Cookie"))
    response.headers.setdefault("Content-Language", language)
    return response


def script_words(_request: HttpRequest) -> dict[str, Any]:
    """Return `catalogue`: the words of the scripts in the page's language as JSON, "" for English (shell/words.js)."""
    language = translation.get_language()
    return {"catalogue": partial(_load_catalogue, language, folders=tuple(settings.LOCALE_PATHS))}


@lru_cache(maxsize=64)
def _load_catalogue(language: str, *, folders: tuple[str, ...]) -> str:
    if language == settings.LANGUAGE_CODE:
        return ""
    reader = JSONCatalog()
    reader.translation = DjangoTranslation(language, domain="djangojs", localedirs=list(folders))
    return json.dumps(reader.get_catalog(), ensure_ascii=False, separators=(",", ":"))
