"""The frame of the vault's endpoints: the client authenticates, a function answers, errors become JSON."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from vault import forms
from vault.authentication import authenticate
from vault.dialects import Refusal, refusal_of
from vault.embedded import EmbeddedVault
from vault.errors import (
    InvalidRequestError,
    ProviderDownError,
    RateLimitedError,
    VaultError,
    WrongMethodError,
)

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}
# When a provider is down, ask again after the shortest time for which a failed refresh is put off.
_RETRY_AFTER_SECONDS = 5
_UNAUTHORIZED = 401

Form = Mapping[str, str]
Endpoint = Callable[[EmbeddedVault, Form], Awaitable[dict[str, Any]]]
View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]


def endpoint(answer: Endpoint) -> View:
    """Return `answer` as a view for authenticated clients: its errors become the answers of RFC 6749 section 5.2."""

    @csrf_exempt
    @wraps(answer)
    async def view(request: HttpRequest) -> HttpResponse:
        try:
            form = forms.read(request)
            vault = EmbeddedVault(client=await authenticate(request, form=form))
            return JsonResponse(await answer(vault, form), headers=NO_STORE)
        except VaultError as error:
            return refuse(error)

    return view


def required(form: Form, name: str) -> str:
    """Return the parameter `name`.

    Raises:
        InvalidRequestError: It is not there.
    """
    value = form.get(name)
    if not value:
        raise InvalidRequestError
    return value


def is_on(form: Form, name: str) -> bool:
    """Return the parameter `name`, `true` or `false`.

    Raises:
        InvalidRequestError: It is neither.
    """
    value = required(form, name)
    if value not in ("true", "false"):
        raise InvalidRequestError
    return value == "true"


def refuse(error: VaultError) -> JsonResponse:
    """Answer with `error`. Source: RFC 6749 section 5.2."""
    return answer_refusal(error, refusal_of(error))


def answer_refusal(error: VaultError, refusal: Refusal) -> JsonResponse:
    """Answer with `error` as a dialect tells it."""
    headers = dict(NO_STORE)
    if refusal.status == _UNAUTHORIZED:
        # The only scheme there is: a client that used it is told so, any other gets what RFC 9110 wants with a 401.
        headers["WWW-Authenticate"] = 'Basic realm="vault"'
    if isinstance(error, WrongMethodError):
        headers["Allow"] = "POST"
    if isinstance(error, ProviderDownError):
        headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    if isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return JsonResponse(refusal.body, status=refusal.status, headers=headers)
