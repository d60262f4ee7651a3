"""The web process keeps no body that no form could have."""

from typing import Any

import pytest

from devcontext.asgi import application


class Upload:
    """The HTTP side of an ASGI server whose client sends a body in pieces of 64 KiB and never ends it."""

    def __init__(self) -> None:
        self.taken = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        assert self.taken < 64, "the body is taken without a limit"
        self.taken += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("path", ["/oauth/token", "/nowhere"])
async def test_a_body_without_end_is_refused_before_it_fills_the_disk(path: str) -> None:
    """Anybody may send one: it is read before its sender is known."""
    upload = Upload()
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"vault.test"), (b"content-type", b"application/x-www-form-urlencoded")],
    }
    await application(scope, upload.receive, upload.send)
    assert upload.taken == 17
    assert [message["type"] for message in upload.sent] == ["http.response.start", "http.response.body"]
    assert upload.sent[0]["status"] == 413
    assert (b"connection", b"close") in upload.sent[0]["headers"]
