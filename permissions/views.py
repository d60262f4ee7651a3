"""The Permission Control Center: shows each service and flips its switch. A change is a POST and ends in a redirect."""

from collections.abc import Awaitable, Callable
from functools import partial

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import vocabulary
from permissions import grants, switch
from permissions.accounts import load_usage
from permissions.cards import ServiceCard, make_card
from permissions.confirmation import recently_confirmed
from permissions.connections import list_statuses, load_account
from permissions.dots import load_dots
from permissions.pages import SESSION_ENDED, go_back, load_asker, load_service, render_page, see_page
from permissions.pauses import PauseError, end_of
from permissions.types import ServiceStatus
from vault.client import Grant, NotConnectedError, Revocation, SessionEndedError, VaultError
from vault.client import connections as vault

_VAULT_DOWN = gettext_noop(
    "The token vault does not answer, so the state of your services is not known. Until it does, the AI reads nothing."
)
_NOT_CONNECTED = gettext_noop("{name} is not connected, so there is nothing to change.")


@require_safe
@login_required
async def show_page(request: HttpRequest) -> HttpResponse:
    """Show a card per service; without the vault's answer there is no card to show, and the status is 503."""
    asker = await load_asker(request)
    zone = (await sync_to_async(vocabulary.zone_of)(asker["user"])).key
    cards: tuple[ServiceCard, ...] = ()
    vault_message = ""
    try:
        # Fresh: this is the page a person trusts to say what is allowed.
        statuses = await list_statuses(**asker, is_fresh=True)
        revocations = await vault.list_revocations(**asker)
        held = await grants.list_grants(**asker)
        cards = await sync_to_async(_make_cards)(statuses, user=asker["user"], revocations=revocations, held=held)
    except SessionEndedError:
        vault_message = gettext(SESSION_ENDED)
    except VaultError:
        vault_message = gettext(_VAULT_DOWN)
    return await render_page(
        request,
        template="permissions/page.html",
        context={"cards": cards, "vault_message": vault_message, "zone": zone},
        status=503 if vault_message else 200,
    )


@require_safe
@login_required
async def show_dots(request: HttpRequest) -> HttpResponse:
    """Show what the shell says of the services, as a part for a page that heard of a change."""
    return await render_page(request, template="shell/_services.html", context={"shown": await load_dots(request)})


@require_POST
@login_required
async def revoke(request: HttpRequest, provider: str) -> HttpResponse:
    """Stop the agent from using a service."""
    said = gettext("{name} is revoked: the AI cannot read it until you restore it.")
    return await _change(request, provider=provider, change=switch.revoke, said=said)


@require_POST
@login_required
async def restore(request: HttpRequest, provider: str) -> HttpResponse:
    """Let the agent use a service again."""
    said = gettext("{name} is restored: the AI can read it again.")
    return await _change(request, provider=provider, change=switch.restore, said=said)


@require_POST
@login_required
async def revoke_all(request: HttpRequest) -> HttpResponse:
    """Stop the agent from using any service, and say of which that was not confirmed."""
    try:
        failed = await switch.revoke_all(**await load_asker(request))
    except SessionEndedError:
        messages.error(request, gettext(SESSION_ENDED))
    except VaultError:
        messages.error(request, gettext(_VAULT_DOWN))
    else:
        if failed:
            said = gettext("The token vault did not confirm this for {names}. Try again.")
            messages.error(request, said.format(names=", ".join(failed)))
        else:
            messages.success(request, gettext("Every service is revoked: the AI reads nothing until you restore one."))
    return go_back(request)


@require_POST
@login_required
async def pause(request: HttpRequest, provider: str) -> HttpResponse:
    """Stop the agent from using a service for a while."""
    zone = await sync_to_async(vocabulary.zone_of)((await load_asker(request))["user"])
    try:
        until = end_of(request.POST.get("for", ""), day=request.POST.get("until", ""), now=timezone.now(), zone=zone)
    except PauseError as error:
        messages.error(request, str(error))
        return go_back(request)
    said = gettext("{name} is paused until {until} ({zone}), or until you restore it.")
    when = date_format(until.astimezone(zone), gettext("d F Y, H:i"))
    change = partial(switch.pause, until=until)
    return await _change(request, provider=provider, change=change, said=said, until=when, zone=zone.key)


@require_POST
@login_required
async def set_away(request: HttpRequest, provider: str) -> HttpResponse:
    """Let the agent use a service while the user is away, or not."""
    is_allowed = request.POST.get("is_allowed") == "yes"
    said = (
        gettext("{name} may be read while you are away, for what you granted.")
        if is_allowed
        else gettext("{name} is not read while you are away.")
    )
    change = partial(switch.set_away, is_allowed=is_allowed)
    return await _change(request, provider=provider, change=change, said=said)


@require_POST
@login_required
async def make_default(request: HttpRequest, provider: str) -> HttpResponse:
    """Let the agent read another account of a service."""
    said = gettext("The AI reads {name} as {account} from now on.")
    return await _change(request, provider=provider, change=switch.make_default, said=said)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@recently_confirmed
async def disconnect(request: HttpRequest, provider: str) -> HttpResponse:
    """Say what a disconnect deletes, keeps and really ends at the service; a POST erases the connection."""
    if request.method == "POST":
        said = gettext("{name} is disconnected and its tokens are erased.")
        return await _change(request, provider=provider, change=switch.disconnect, said=said)
    service = load_service(provider)
    try:
        account = await load_account(
            **await load_asker(request), provider=provider, connection=request.GET.get("connection", "")
        )
    except NotConnectedError:
        messages.warning(request, gettext(_NOT_CONNECTED).format(name=service.name))
        return see_page()
    except VaultError:
        messages.error(request, gettext(_VAULT_DOWN))
        return see_page()
    return await render_page(
        request, template="permissions/disconnect.html", context={"service": service, "account": account}
    )


async def _change(
    request: HttpRequest, *, provider: str, change: Callable[..., Awaitable[ServiceStatus]], said: str, **values: str
) -> HttpResponse:
    """Make one change and say on the next page how it ended; `said` with `values` is the sentence when it worked."""
    service = load_service(provider)
    asker = await load_asker(request)
    try:
        changed = await change(**asker, provider=provider, connection=request.POST.get("connection", ""))
    except NotConnectedError:
        messages.warning(request, gettext(_NOT_CONNECTED).format(name=service.name))
    except SessionEndedError:
        messages.error(request, gettext(SESSION_ENDED))
    except VaultError:
        unsure = gettext("The token vault did not confirm the change. Check {name} and try again.")
        messages.error(request, unsure.format(name=service.name))
    else:
        messages.success(request, said.format(name=_name_of(changed), account=changed.account, **values))
    return go_back(request)


def _name_of(changed: ServiceStatus) -> str:
    """Return whose state a sentence tells: the service's, or that of an account which the AI does not read."""
    name = changed.service.name
    return name if changed.is_default or not changed.account else f"{name} ({changed.account})"


def _make_cards(
    statuses: tuple[ServiceStatus, ...], *, user: str, revocations: tuple[Revocation, ...], held: tuple[Grant, ...]
) -> tuple[ServiceCard, ...]:
    usage = load_usage(statuses, user=user)
    return tuple(make_card(status, user=user, usage=usage, revocations=revocations, grants=held) for status in statuses)
