"""Lets a WebSocket in from our own pages only.

SECURITY: a WebSocket is exempt from the same-origin policy, so any page could open one with the user's cookies. Exactly
one Origin header is accepted, and it must equal the origin that the request itself was made to.
"""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOriginOnly:
    """ASGI middleware that closes a handshake whose Origin is missing, doubled, malformed or foreign."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Pass the handshake on, or refuse it with 403."""
        app = self._app if is_same_origin(scope) else WebsocketDenier.as_asgi()
        return await app(scope, receive, send)


def is_same_origin(scope: dict[str, Any]) -> bool:
    """Tell whether the handshake's only Origin names the scheme, host and port that it was made to."""
    headers: list[tuple[bytes, bytes]] = scope.get("headers", [])
    origins = [value for name, value in headers if name.lower() == b"origin"]
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if len(origins) != 1 or len(hosts) != 1:
        return False
    host = hosts[0].decode("latin-1")
    scheme = "https" if scope.get("scheme") == "wss" or not settings.DEBUG else "http"
    return _is_allowed_host(host) and origins[0] == f"{scheme}://{host}".encode("latin-1")


def _is_allowed_host(host: str) -> bool:
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    domain, _port = split_domain_port(host)
    return validate_host(domain, allowed)
