"""Django's handler for the vault's process, without what surrounds a page and costs more than an exchange.

Every request would else get a thread for its database connections, signals that open and close them, and a task that
waits for its client to hang up. The vault's database threads are its own (`vault.database`), and an answer that nobody
waits for any more is still decided, recorded and thrown away.
"""

from io import BytesIO
from typing import Any

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler

from vault.forms import MAX_BYTES


class VaultHandler(ASGIHandler):
    """Middleware, addresses, views and error answers are Django's."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request.

        Raises:
            ValueError: It is not HTTP.
        """
        if scope["type"] != "http":
            raise ValueError(f"The vault speaks HTTP, not {scope['type']}.")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        request, response = self.create_request(scope, body)
        if request is not None:
            response = await self.get_response_async(request)
        assert response is not None
        await self.send_response(response, send)

    async def read_body(self, receive: Any) -> BytesIO:
        """Return the body, or as much of one as shows that it is too large; a view refuses it then.

        Raises:
            RequestAborted: The client hung up.
        """
        body = BytesIO()
        is_complete = False
        while not is_complete and body.tell() <= MAX_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            body.write(message.get("body", b""))
            is_complete = not message.get("more_body", False)
        body.seek(0)
        return body
