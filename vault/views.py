"""The vault over HTTP: parse, authenticate the client, ask `EmbeddedVault`, answer JSON. It decides nothing itself."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from vault import connect, forms, tokens, wire
from vault.embedded import EmbeddedVault
from vault.errors import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    ProviderDownError,
    UnsupportedGrantError,
    VaultError,
    WrongMethodError,
)

# When a provider is down, ask again after the shortest time for which a failed refresh is put off.
_RETRY_AFTER_SECONDS = 5
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}

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
            vault = EmbeddedVault(client=_authenticate(request, form=form))
            return JsonResponse(await answer(vault, form), headers=_NO_STORE)
        except VaultError as error:
            return _refuse(error)

    return view


@endpoint
async def token(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Exchange a token. Source: RFC 8693 section 2."""
    if _required(form, "grant_type") != wire.GRANT_TYPE:
        raise UnsupportedGrantError
    return wire.token_to_json(await vault.exchange(wire.exchange_from_form(form)))


@endpoint
async def start_connect(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Begin a connect flow: `{"authorization_url": "https://…"}`."""
    url = await vault.start_connect(subject_token=_subject(form), provider=_required(form, "provider"))
    return {"authorization_url": url}


@endpoint
async def confirm_connection(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Activate a pending connection and return it."""
    connected = await vault.confirm_connection(
        subject_token=_subject(form), connection=_required(form, "connection"), nonce=_required(form, "nonce")
    )
    return wire.connection_to_json(connected)


@endpoint
async def list_connections(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return the user's connections: `{"connections": […]}`."""
    listed = await vault.list_connections(subject_token=_subject(form))
    return {"connections": [wire.connection_to_json(connection) for connection in listed]}


@endpoint
async def set_access(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Flip the switch of a connection and return it; `is_allowed` is `true` or `false`."""
    position = _required(form, "is_allowed")
    if position not in ("true", "false"):
        raise InvalidRequestError
    changed = await vault.set_access(
        subject_token=_subject(form), provider=_required(form, "provider"), is_allowed=position == "true"
    )
    return wire.connection_to_json(changed)


@endpoint
async def disconnect(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Erase a connection: `{}`."""
    await vault.disconnect(subject_token=_subject(form), provider=_required(form, "provider"))
    return {}


@endpoint
async def revoke(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Refuse a token from now on: `{}`, also for one that is not the client's. Source: RFC 7009 section 2."""
    # `token_type_hint` is not needed: a token says itself which kind it is (section 2.1 lets it be ignored).
    await vault.revoke_token(_required(form, "token"))
    return {}


@endpoint
async def introspect(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return what is known of a token. Source: RFC 7662 section 2."""
    return await vault.introspect_token(_required(form, "token"))


@require_GET
async def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the browser back from a provider, and send it to the app without anything the provider sent."""
    if provider not in settings.PROVIDERS:
        raise Http404
    # RFC 6749 section 3.1: a parameter comes once. One that came twice must not pass for one that did not come.
    is_plain = all(len(values) == 1 for _, values in request.GET.lists())
    query = request.GET.dict() if is_plain else {}
    return HttpResponseRedirect(await connect.finish(provider, query=query), headers=_NO_STORE)


def _authenticate(request: HttpRequest, *, form: Form) -> str:
    """Return the client that sent the request. Source: RFC 7523 section 2.2."""
    assertion = form.get("client_assertion", "")
    # RFC 6749 section 2.3: one method of authentication per request.
    if assertion and ("Authorization" in request.headers or "client_secret" in form):
        raise InvalidRequestError
    if form.get("client_assertion_type") != wire.ASSERTION_TYPE:
        raise InvalidClientError
    client = tokens.verify_assertion(assertion)
    if form.get("client_id", client) != client:
        raise InvalidClientError
    return client


def _subject(form: Form) -> str:
    return _required(form, "subject_token")


def _required(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise InvalidRequestError
    return value


def _refuse(error: VaultError) -> JsonResponse:
    headers = dict(_NO_STORE)
    if isinstance(error, InvalidClientError):
        headers["WWW-Authenticate"] = 'Basic realm="vault"'
    if isinstance(error, WrongMethodError):
        headers["Allow"] = "POST"
    if isinstance(error, ProviderDownError):
        headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    body = wire.error_to_json(error)
    if isinstance(error, InvalidTargetError | InvalidScopeError):
        # RFC 6749 section 5.2: where the user can put it right.
        body["error_uri"] = f"{settings.APP_URL}/settings/permissions/"
    return JsonResponse(body, status=error.status, headers=headers)
