"""The floors of HTTP: the least that Django and a bare ASGI application answer on the server the vault runs on."""

import json
import os
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

_BODY = {"hello": "world"}

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY=os.urandom(16).hex(),
        MIDDLEWARE=[],
        INSTALLED_APPS=[],
        USE_TZ=True,
    )


async def hello(_request: HttpRequest) -> JsonResponse:
    """Answer without reading anything."""
    return JsonResponse(_BODY)


urlpatterns = [path("hello", hello)]
_django = get_asgi_application()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer `/bare` without Django and everything else with it."""
    if scope["path"] != "/bare":
        await _django(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(_BODY).encode()})
