"""A WebSocket handshake comes from our own pages or not at all (cross-site WebSocket hijacking)."""

from typing import Any

import pytest

from devcontext.origin import is_same_origin


def scope(*origins: str, host: str = "localhost:8000", scheme: str = "ws") -> dict[str, Any]:
    headers = [(b"host", host.encode()), *((b"origin", origin.encode("latin-1")) for origin in origins)]
    return {"type": "websocket", "scheme": scheme, "headers": headers}


@pytest.fixture(autouse=True)
def _debug(settings: Any) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = []


def test_our_own_page_is_let_in() -> None:
    assert is_same_origin(scope("http://localhost:8000"))


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8001",
        "http://localhost",
        "https://localhost:8000",
        "http://127.0.0.1:8000",
        "http://LOCALHOST:8000",
        "http://localhost:8000/",
        "http://localhost:8000.evil.example",
        "http://evil.example",
        "http://user@localhost:8000",
        "null",
        "",
        "http://localhost:8000 http://evil.example",
        "http://localhost:80\xe900",
    ],
)
def test_any_other_origin_is_refused(origin: str) -> None:
    assert not is_same_origin(scope(origin))


def test_a_missing_origin_is_refused() -> None:
    assert not is_same_origin(scope())


def test_a_doubled_origin_is_refused() -> None:
    assert not is_same_origin(scope("http://localhost:8000", "http://localhost:8000"))


def test_an_origin_that_matches_a_host_which_is_not_ours_is_refused() -> None:
    """DNS rebinding: the page's own host name leads here."""
    assert not is_same_origin(scope("http://evil.example", host="evil.example"))


def test_a_secure_socket_needs_a_secure_origin(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["devcontext.example"]
    assert is_same_origin(scope("https://devcontext.example", host="devcontext.example", scheme="wss"))
    assert not is_same_origin(scope("http://devcontext.example", host="devcontext.example", scheme="wss"))
