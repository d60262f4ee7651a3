"""The web process for an ASGI server: pages over HTTP, runs over a WebSocket."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.web")
_pages = get_asgi_application()

from agent.routing import websocket_urlpatterns  # noqa: E402  (models can be imported once Django is set up)
from devcontext.audit_socket import AuditConsumer  # noqa: E402
from devcontext.body_limit import BodyLimit  # noqa: E402
from devcontext.lifespan import lifespan  # noqa: E402
from devcontext.origin import SameOriginOnly  # noqa: E402
from devcontext.page_language import SocketLanguage  # noqa: E402

_sockets = [*websocket_urlpatterns, path("ws/audit/", AuditConsumer.as_asgi())]

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(_pages),
        "lifespan": lifespan,
        "websocket": SameOriginOnly(AuthMiddlewareStack(SocketLanguage(URLRouter(_sockets)))),
    }
)
