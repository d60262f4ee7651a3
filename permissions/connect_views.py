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
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from permissions import connections, notices, scopes
from permissions.cards import grants_writing, is_sandbox, missing_of, unasked_of
from permissions.changes import Change, announce
from permissions.confirmation import recently_confirmed
from permissions.pages import SESSION_ENDED, load_asker, load_service, render_page, see_page
from permissions.services import SERVICES
from permissions.types import Service
from vault.client import (
    AccountChoice,
    ConnectStateError,
    NotConnectedError,
    OtherAccountError,
    SessionEndedError,
    VaultError,
)
from vault.client import connections as vault


@dataclass(frozen=True, slots=True)
class _Failure:
    """How an attempt that ended badly is shown."""

    status: int
    message: str


_INVALID_STATE = _Failure(
    400, gettext_noop("This attempt is no longer valid: it expired, was used before, or began elsewhere.")
)
_VAULT_DOWN = _Failure(503, gettext_noop("The token vault does not answer, so nothing was connected."))
_SESSION_ENDED = _Failure(403, SESSION_ENDED)
# The `error` that the vault's callback puts in the address; any other value is as good as a broken address.
_FAILURES: Mapping[str, _Failure] = {
    "invalid_state": _INVALID_STATE,
    "provider": _Failure(502, gettext_noop("The service did not complete the connection. It may work in a moment.")),
    "unavailable": _VAULT_DOWN,
}


_CHOICES = {choice.value: choice for choice in (AccountChoice.REPLACE, AccountChoice.KEEP_BOTH)}
_CANCEL = "cancel"
# Where the page of consent was opened, when it was not in the permission center; the provider leads back to neither.
_CAME_FROM = "connect_came_from"
_PLACES = {"welcome": "/welcome/"}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@recently_confirmed
async def connect(request: HttpRequest, provider: str) -> HttpResponse:
    """Say what will be read and what never; a POST begins the flow and sends the browser to the provider."""
    service = load_service(provider)
    if provider not in settings.PROVIDERS:
        raise Http404
    if request.method == "POST":
        return await _start(request, service=service)
    await request.session.aset(_CAME_FROM, request.GET.get("from", ""))
    return await _ask(request, service=service)


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
        said = gettext("You did not allow the connection, so {name} was not connected.")
        messages.info(request, said.format(name=service.name))
        return await _go_back(request)
    connection, nonce = request.GET.get("connection", ""), request.GET.get("nonce", "")
    if error or not connection or not nonce:
        return await _fail(request, service=service, failure=_FAILURES.get(error, _INVALID_STATE))
    return await _confirm(request, service=service, connection=connection, nonce=nonce)


@require_POST
@login_required
async def choose(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the user's choice when another account signed in than the one to connect again: replace, keep both, cancel.

    The nonce is in the form as it was in the address; the vault binds it to this user and session.
    """
    service = load_service(provider)
    connection, nonce = request.POST.get("connection", ""), request.POST.get("nonce", "")
    choice = request.POST.get("choice", "")
    if not connection or not nonce or choice not in {*_CHOICES, _CANCEL}:
        return await _fail(request, service=service, failure=_INVALID_STATE)
    if choice == _CANCEL:
        return await _discard(request, service=service, connection=connection, nonce=nonce)
    return await _confirm(request, service=service, connection=connection, nonce=nonce, choice=_CHOICES[choice])


async def _ask(request: HttpRequest, *, service: Service) -> HttpResponse:
    """Show the consent page; the address may name a connection to make again, and groups to add to it and to drop."""
    account, reconnects = None, request.GET.get("reconnects", "")
    if reconnects:
        try:
            account = await connections.load_account(
                **await load_asker(request), provider=service.slug, connection=reconnects
            )
        except NotConnectedError:
            raise Http404 from None
        except VaultError as error:
            return await _fail(request, service=service, failure=_failure_of(error))
    granted_scope = account.granted_scope if account else ""
    offered = scopes.list_addable(service.slug, granted_scope=granted_scope)
    droppable = scopes.list_droppable(service.slug, granted_scope=granted_scope)
    # Nothing here grants anything: a prepared address ticks a box at most, and the user sends the form.
    ticked = {request.GET.get("add", "")} if account else {group.name for group in offered if group.is_default}
    context = {
        "service": service,
        "is_sandbox": is_sandbox(service.slug),
        "grants_writing": grants_writing(service.slug),
        "account": account,
        "groups": [(group, group.name in ticked) for group in offered],
        "droppable": [(group, group.name in request.GET.getlist("leave_out")) for group in droppable],
        "base_group": scopes.BASE_GROUP,
    }
    return await render_page(request, template="permissions/connect.html", context=context)


async def _start(request: HttpRequest, *, service: Service) -> HttpResponse:
    asker = await load_asker(request)
    posted = set(request.POST.getlist("scope_group"))
    chosen = [group.name for group in service.optional_groups if group.name in posted]
    leaves_out = request.POST.getlist("leave_out")
    reconnects = request.POST.get("reconnects", "")
    # A name that is none would leave nothing out, where the user meant something.
    if leaves_out and not (reconnects and set(leaves_out) <= {group.name for group in service.optional_groups}):
        raise Http404
    try:
        authorization_url = await vault.start_connect(
            **asker,
            provider=service.slug,
            # A form without groups leaves the choice to the vault's defaults; one with any holds the base.
            scope_groups=[scopes.BASE_GROUP, *chosen] if posted and service.optional_groups else (),
            reconnects=reconnects,
            leaves_out=leaves_out,
        )
    except NotConnectedError:
        raise Http404 from None
    except VaultError as error:
        return await _fail(request, service=service, failure=_failure_of(error))
    finally:
        # Where scopes add up, the tokens have ended already.
        if leaves_out:
            await sync_to_async(connections.forget)(user=asker["user"])
            announce(Change(asker["user"], service.slug))
    return HttpResponseRedirect(authorization_url, status=303)


async def _confirm(
    request: HttpRequest,
    *,
    service: Service,
    connection: str,
    nonce: str,
    choice: AccountChoice = AccountChoice.ASK,
) -> HttpResponse:
    asker = await load_asker(request)
    try:
        before = await connections.list_statuses(**asker, is_fresh=True)
        confirmed = await vault.confirm_connection(**asker, connection=connection, nonce=nonce, choice=choice)
    except OtherAccountError:
        return await _let_choose(request, service=service, connection=connection, nonce=nonce)
    except VaultError as error:
        return await _fail(request, service=service, failure=_failure_of(error))
    finally:
        await sync_to_async(connections.forget)(user=asker["user"])
        announce(Change(asker["user"], service.slug))
    await notices.tell_connected(asker["user"], connection=confirmed, before=before)
    # The vault's word, not the address's: the nonce may belong to an attempt for another service.
    connected = SERVICES[confirmed.provider]
    said = gettext("{name} is connected as {account}.") if confirmed.account else gettext("{name} is connected.")
    messages.success(request, said.format(name=connected.name, account=confirmed.account))
    if missing := missing_of(connections.status_of(confirmed, service=connected)):
        messages.warning(request, missing)
    if unasked := unasked_of(confirmed):
        messages.warning(request, unasked)
    return await _go_back(request)


async def _let_choose(request: HttpRequest, *, service: Service, connection: str, nonce: str) -> HttpResponse:
    """Show who signed in, and whose place it would take; until the user chooses, nothing changes."""
    try:
        pending = await vault.load_pending(**await load_asker(request), connection=connection, nonce=nonce)
    except VaultError as error:
        return await _fail(request, service=service, failure=_failure_of(error))
    context = {"service": SERVICES[pending.provider], "pending": pending, "nonce": nonce}
    return await render_page(request, template="permissions/choose.html", context=context)


async def _discard(request: HttpRequest, *, service: Service, connection: str, nonce: str) -> HttpResponse:
    try:
        await vault.discard_connection(**await load_asker(request), connection=connection, nonce=nonce)
    except VaultError as error:
        return await _fail(request, service=service, failure=_failure_of(error))
    said = gettext("Nothing was changed: {name} stays connected as it was.")
    messages.info(request, said.format(name=service.name))
    return see_page()


async def _go_back(request: HttpRequest) -> HttpResponse:
    """Lead back to where the user was when they chose to connect."""
    place = _PLACES.get(await request.session.apop(_CAME_FROM, ""))
    return HttpResponseRedirect(place, status=303) if place else see_page()


def _failure_of(error: VaultError) -> _Failure:
    if isinstance(error, ConnectStateError):
        return _INVALID_STATE
    return _SESSION_ENDED if isinstance(error, SessionEndedError) else _VAULT_DOWN


async def _fail(request: HttpRequest, *, service: Service, failure: _Failure) -> HttpResponse:
    return await render_page(
        request,
        template="permissions/connect_failed.html",
        context={"service": service, "message": gettext(failure.message)},
        status=failure.status,
    )
