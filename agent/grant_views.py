"""What a schedule may read while its owner is away: given and renewed behind a confirmation, taken back without one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from agent.grant_form import GrantForm
from agent.plan_views import load_statuses
from agent.schedule_views import load_held, load_own, refuse
from agent.schedules import owning
from agent.schedules.errors import NoGrantError, ScheduleNotFoundError
from agent.schedules.types import Schedule
from permissions import needs, store, switch
from permissions.confirmation import recently_confirmed
from permissions.pages import go_back, load_asker, render_page
from permissions.policy import Mode
from permissions.types import ServiceStatus
from vault.client import Asker, VaultError


@dataclass(frozen=True, slots=True)
class ReadOffered:
    """One tool that a schedule may be given: what it reads, in words, and what its owner lets it do."""

    name: str
    words: str
    mode: Mode
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ServiceOffered:
    """One service that a schedule may be given."""

    status: ServiceStatus
    is_chosen: bool
    reads: tuple[ReadOffered, ...]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@recently_confirmed
async def grant(request: HttpRequest, schedule: UUID) -> HttpResponse:
    """Show what one of the user's own schedules may read, or give it what they chose; a mistake is shown with 422."""
    asker = await load_asker(request)
    found = await load_own(asker, schedule)
    held, message = await load_held(asker)
    statuses, unknown = await load_statuses(request)
    connected = {status.service.slug: status for status in statuses if status.connection}
    form = GrantForm(
        request.POST if request.method == "POST" else None,
        connected=list(connected),
        held=next((one for one in held or () if one.agent == found.agent), None),
    )
    if request.method == "POST" and not message and not unknown and form.is_valid():
        return await _give(request, asker=asker, schedule=schedule, form=form, connected=connected)
    modes = await sync_to_async(store.list_modes)(asker["user"])
    context = {
        "schedule": found,
        "form": form,
        "offered": [_offer(status, form=form, modes=modes) for status in connected.values()],
        "others": [status.service for status in statuses if not status.connection],
        "vault_message": message or unknown,
    }
    status = 503 if context["vault_message"] else 422 if request.method == "POST" else 200
    return await render_page(request, template="agent/schedule_grant.html", context=context, status=status)


async def _give(
    request: HttpRequest, *, asker: Asker, schedule: UUID, form: GrantForm, connected: Mapping[str, ServiceStatus]
) -> HttpResponse:
    """Give what was chosen, once each of the services may be read while nobody is there, as the form's words say."""
    chosen = form.cleaned_data["providers"]
    try:
        for slug in chosen:
            if not connected[slug].is_away_allowed:
                await switch.set_away(**asker, provider=slug, is_allowed=True)
        given = await owning.give_grant(
            asker, schedule, providers=chosen, tools=form.cleaned_data["tools"], expires_at=form.expires_at
        )
    except VaultError as error:
        return refuse(request, error=error, schedule=schedule)
    except ScheduleNotFoundError:
        raise Http404 from None
    messages.success(request, gettext("“{name}” may read what you chose.").format(name=given.draft.name))
    return HttpResponseRedirect(reverse("agent:schedule", args=(schedule,)), status=303)


@login_required
@require_POST
async def narrow(request: HttpRequest, schedule: UUID) -> HttpResponse:
    """Take a service from one of the user's own schedules, or with none named all; asks nobody who they are."""
    asker = await load_asker(request)
    found = await load_own(asker, schedule)
    taken = request.POST.get("provider", "")
    said = gettext("“{name}” may not read anything any more, and is not due until you allow it again.")
    try:
        if taken:
            changed = await _take(asker, found, provider=taken)
            if changed.grant:
                said = gettext("“{name}” does not read that service any more.")
        else:
            await owning.end_grant(asker, schedule)
    except ScheduleNotFoundError:
        # Deleted meanwhile, in another tab.
        raise Http404 from None
    except VaultError as error:
        return refuse(request, error=error, schedule=schedule)
    messages.success(request, said.format(name=found.draft.name))
    if "next" in request.POST:
        return go_back(request)
    return HttpResponseRedirect(reverse("agent:schedule", args=(schedule,)), status=303)


async def _take(asker: Asker, schedule: Schedule, *, provider: str) -> Schedule:
    held = await owning.find_grant(asker, schedule)
    left = [slug for slug in held.providers if slug != provider] if held else []
    try:
        return await owning.narrow_grant(asker, schedule.id, providers=left)
    except NoGrantError:
        # One that expired is not kept for the sake of what it could not read any more.
        return await owning.end_grant(asker, schedule.id)


def _offer(status: ServiceStatus, *, form: GrantForm, modes: Mapping[str, Mode]) -> ServiceOffered:
    chosen = set(form["tools"].value() or ())
    reads = tuple(
        ReadOffered(name, gettext(words), mode=modes.get(name, Mode.ALLOW), is_chosen=name in chosen)
        for name, words in needs.tools_of(status.service.slug).items()
    )
    return ServiceOffered(status, status.service.slug in (form["providers"].value() or ()), reads)
