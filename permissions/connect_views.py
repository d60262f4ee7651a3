"""The pages around connecting a service: consent before the provider's own, and the way back from there.

No token and no code passes here: the provider answers to the vault, which hands the browser a one-time nonce.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_safe

from permissions import connections
from permissions.cards import is_sandbox
from permissions.pages import SESSION_ENDED, load_asker, load_service, render_page, see_page
from permissions.types import SERVICES_BY_SLUG, Service
from vault.client import ConnectStateError, NotConnectedError, SessionEndedError, VaultError
from vault.client import connections as vault


@dataclass(frozen=True, slots=True)
class _Failure:
    """How an attempt that ended badly is shown."""

    status: int
    message: str


_INVALID_STATE = _Failure(400, "This attempt is no longer valid: it expired, was used before, or began elsewhere.")
_VAULT_DOWN = _Failure(503, "The token vault does not answer, so nothing was connected.")
_SESSION_ENDED = _Failure(403, SESSION_ENDED)
# The `error` that the vault's callback puts in the address; any other value is as good as a broken address.
_FAILURES: Mapping[str, _Failure] = {
    "invalid_state": _INVALID_STATE,
    "provider": _Failure(502, "The service did not complete the connection. It may work in a moment."),
    "unavailable": _VAULT_DOWN,
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
async def connect(request: HttpRequest, provider: str) -> HttpResponse:
    """Say what will be read and what never; a POST begins the flow and sends the browser to the provider."""
    service = load_service(provider)
    if provider not in settings.PROVIDERS:
        raise Http404
    if request.method == "POST":
        return await _start(request, service=service)
    context = {"service": service, "is_sandbox": is_sandbox(provider)}
    return await render_page(request, template="permissions/connect.html", context=context)


@require_safe
@login_required
async def connect_return(request: HttpRequest, provider: str) -> HttpResponse:
    """Receive the browser from the vault's callback, and activate the connection it made for this session.

    SECURITY: a GET that changes something, as every OAuth flow ends. What guards it is the nonce: single-use, and bound
    by the vault to the user and session that began, so a link sent by somebody else connects nothing.
    """
    service = load_service(provider)
    error = request.GET.get("error", "")
    if error == "access_denied":
        messages.info(request, f"You did not allow the connection, so {service.name} was not connected.")
        return see_page()
    connection, nonce = request.GET.get("connection", ""), request.GET.get("nonce", "")
    if error or not connection or not nonce:
        return await _fail(request, service=service, failure=_FAILURES.get(error, _INVALID_STATE))
    return await _confirm(request, service=service, connection=connection, nonce=nonce)


async def _start(request: HttpRequest, *, service: Service) -> HttpResponse:
    asker = await load_asker(request)
    try:
        authorization_url = await vault.start_connect(**asker, provider=service.slug)
    except NotConnectedError:
        raise Http404 from None
    except SessionEndedError:
        return await _fail(request, service=service, failure=_SESSION_ENDED)
    except VaultError:
        return await _fail(request, service=service, failure=_VAULT_DOWN)
    return HttpResponseRedirect(authorization_url, status=303)


async def _confirm(request: HttpRequest, *, service: Service, connection: str, nonce: str) -> HttpResponse:
    asker = await load_asker(request)
    try:
        confirmed = await vault.confirm_connection(**asker, connection=connection, nonce=nonce)
    except ConnectStateError:
        return await _fail(request, service=service, failure=_INVALID_STATE)
    except SessionEndedError:
        return await _fail(request, service=service, failure=_SESSION_ENDED)
    except VaultError:
        return await _fail(request, service=service, failure=_VAULT_DOWN)
    finally:
        await sync_to_async(connections.forget)(user=asker["user"])
    # The vault's word, not the address's: the nonce may belong to an attempt for another service.
    name = SERVICES_BY_SLUG[confirmed.provider].name
    account = f" as {confirmed.account}" if confirmed.account else ""
    messages.success(request, f"{name} is connected{account}.")
    return see_page()


async def _fail(request: HttpRequest, *, service: Service, failure: _Failure) -> HttpResponse:
    return await render_page(
        request,
        template="permissions/connect_failed.html",
        context={"service": service, "message": failure.message},
        status=failure.status,
    )
