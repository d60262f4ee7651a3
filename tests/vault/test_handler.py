"""The vault's handler sends the headers of its process, and takes no more of a body than it may have."""

from typing import Any

import httpx
import pytest
from pytest_django import Settings

from vault.forms import MAX_BYTES
from vault.handler import VaultHandler

# As `devcontext.settings.vault` has them.
MIDDLEWARE = [
    "devcontext.tls.TLSOrThisMachine",
    "devcontext.middleware.TransportSecurity",
    "devcontext.middleware.NoFrames",
    "devcontext.middleware.SecurityHeaders",
]


class Endless:
    """A client whose body never ends; it counts the chunks that are taken."""

    def __init__(self) -> None:
        self.taken = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.taken += 1
        return {"type": "http.request", "body": b"a" * 1024, "more_body": True}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


def scope(**changes: Any) -> dict[str, Any]:
    form = (b"content-type", b"application/x-www-form-urlencoded")
    asked = {"type": "http", "method": "POST", "path": "/oauth/token", "query_string": b"", "headers": [form]}
    return asked | {"server": ("vault.test", 443), "scheme": "https"} | changes


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server", "/nothing-here"])
async def test_every_answer_has_the_headers_of_the_vaults_process(settings: Settings, path: str) -> None:
    settings.MIDDLEWARE = MIDDLEWARE
    settings.DEBUG = False
    settings.SECURE_HSTS_SECONDS = 31_536_000
    transport = httpx.ASGITransport(app=VaultHandler())
    async with httpx.AsyncClient(base_url="https://vault.test", transport=transport) as http:
        headers = (await http.get(path)).headers
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_a_body_without_end_is_refused_once_it_is_too_large(settings: Settings) -> None:
    client = Endless()
    await VaultHandler()(scope(), client.receive, client.send)
    assert client.sent[0]["status"] == 413
    assert client.taken == MAX_BYTES // 1024 + 1


async def test_a_client_that_hangs_up_before_its_request_is_whole_gets_no_answer() -> None:
    client = Endless()

    async def hang_up() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    await VaultHandler()(scope(), hang_up, client.send)
    assert client.sent == []
