"""Whatever a vault over HTTP answers, its client raises one of the vault's errors or returns a whole value."""

from typing import Any

import httpx
import pytest

from tests.vault.conftest import request, subject
from vault import errors, wire
from vault.client.http import HTTPVault
from vault.errors import VaultError, VaultUnavailableError

TOKEN = {
    "access_token": "t",
    "issued_token_type": "u",
    "token_type": "Bearer",
    "expires_in": 60,
    "scope": "",
    "exchange": "ex_1",
}


def vault_that(answer: Any) -> HTTPVault:
    return HTTPVault("http://vault.test", transport=httpx.MockTransport(answer))


def answering(status: int, body: Any) -> HTTPVault:
    return vault_that(lambda _request: httpx.Response(status, json=body))


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there", request=request)


def too_slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow", request=request)


async def test_a_request_carries_the_exchange_and_a_client_assertion_in_its_body() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=TOKEN)

    assert (await vault_that(answer).exchange(request())).access_token == "t"
    (sent,) = seen
    assert str(sent.url) == "http://vault.test/oauth/token"
    form = dict(httpx.QueryParams(sent.content.decode()))
    assert form["grant_type"] == wire.GRANT_TYPE
    assert {"subject_token", "actor_token", "audience", "client_assertion"} <= set(form)
    assert "scope" not in form, "an empty parameter is left out"


@pytest.mark.parametrize("answer", [unreachable, too_slow])
async def test_a_vault_that_does_not_answer_is_not_available(answer: Any) -> None:
    with pytest.raises(VaultUnavailableError):
        await vault_that(answer).exchange(request())


@pytest.mark.parametrize("missing", TOKEN)
async def test_half_a_token_is_no_token(missing: str) -> None:
    body = {name: value for name, value in TOKEN.items() if name != missing}
    with pytest.raises(VaultUnavailableError):
        await answering(200, body).exchange(request())


@pytest.mark.parametrize("body", [None, [], "text", {}, {"connections": {}}, {"connections": [{}]}])
async def test_an_answer_that_is_not_ours_is_no_answer(body: Any) -> None:
    with pytest.raises(VaultUnavailableError):
        await answering(200, body).list_connections(subject_token=subject())


async def test_a_redirect_is_not_followed() -> None:
    """A token must not be carried to wherever an answer points."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(307, headers={"location": "http://elsewhere.test/"}, json={})

    with pytest.raises(VaultUnavailableError):
        await vault_that(answer).exchange(request())
    assert asked == ["http://vault.test/oauth/token"]


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidRequestError,
        errors.SessionEndedError,
        errors.UnsupportedGrantError,
        errors.InvalidClientError,
        errors.UnauthorizedClientError,
        errors.ScopeDeniedError,
        errors.RateLimitedError,
        errors.InvalidTargetError,
        errors.NotConnectedError,
        errors.AccessRevokedError,
        errors.ReconnectRequiredError,
        errors.InvalidScopeError,
        errors.ProviderDownError,
        errors.VaultUnavailableError,
        errors.ConnectStateError,
        errors.ConsentDeniedError,
        errors.ConnectRefusedError,
    ],
)
async def test_each_error_arrives_as_itself(error: type[VaultError]) -> None:
    with pytest.raises(error) as raised:
        await answering(error.status, wire.error_to_json(error())).exchange(request())
    assert type(raised.value) is error


@pytest.mark.parametrize("body", [{}, {"error": "teapot"}, {"error": "invalid_target", "vault_reason": "unheard of"}])
async def test_an_unknown_error_means_that_the_vault_cannot_be_used(body: dict[str, str]) -> None:
    with pytest.raises(VaultUnavailableError):
        await answering(400, body).exchange(request())
