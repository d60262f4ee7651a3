"""The vault process answers over TLS, and in the clear to its own machine only."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from devcontext.tls import TLSOrThisMachine


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize(
    ("address", "is_secure", "status"),
    [
        ("127.0.0.1", False, 200),
        ("::1", False, 200),
        ("192.0.2.1", True, 200),
        ("192.0.2.1", False, 400),
        ("", False, 400),
    ],
)
async def test_the_vault_refuses_what_came_in_the_clear_from_elsewhere(
    settings: Any, is_async: bool, address: str, is_secure: bool, status: int
) -> None:
    """A redirect would come after the secret has travelled."""
    settings.DEBUG = False

    async def answer_later(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    request = RequestFactory().post("/oauth/token", REMOTE_ADDR=address, secure=is_secure)
    answered = TLSOrThisMachine(answer_later if is_async else answer)(request)
    response = await answered if is_async else answered
    assert response.status_code == status
    assert "Location" not in response.headers


def test_a_local_vault_is_reached_without_tls(settings: Any) -> None:
    settings.DEBUG = True
    request = RequestFactory().post("/oauth/token", REMOTE_ADDR="192.0.2.1")
    assert TLSOrThisMachine(lambda _request: HttpResponse())(request).status_code == 200
