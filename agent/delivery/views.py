"""Where a schedule's briefings go: its channels, and what became of each delivery. A change is a POST.

An address that was pasted is never shown again; a webhook's secret is shown once, in the answer to the form.
"""

from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agent.delivery import owning, postman, store
from agent.delivery.channels import ADDED
from agent.delivery.errors import (
    BadAddressError,
    ChannelNotFoundError,
    NotSentAgainError,
    SendError,
    TestedTooSoonError,
)
from agent.delivery.types import Kind
from agent.delivery.wording import ADDRESSES, NAMES, card_of, failure_of, tell_delivery
from agent.schedules import store as schedules
from agent.schedules.errors import ScheduleNotFoundError
from agent.schedules.types import Schedule
from audit.errors import AuditUnavailableError
from permissions.confirmation import recently_confirmed
from permissions.notices import find_address
from permissions.pages import go_back, load_asker, render_page
from permissions.subjects import user_id_of

_NOT_AUDITED = gettext_noop("The audit timeline cannot be written right now, so nothing was changed and nothing sent.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
async def show_delivery(request: HttpRequest, schedule: UUID) -> HttpResponse:
    """Show by which channels one of the user's own schedules is told, or add one; a mistake is shown with 422."""
    if request.method == "POST":
        return await _add(request, schedule=schedule)
    found = await _load_own(request, schedule=schedule)
    return await _show(request, schedule=found)


@recently_confirmed
async def _add(request: HttpRequest, *, schedule: UUID) -> HttpResponse:
    found = await _load_own(request, schedule=schedule)
    kind = request.POST.get("kind", "")
    if kind not in ADDED:
        raise Http404
    add = partial(owning.add, schedule, user=found.user, kind=Kind(kind), address=request.POST.get("address", ""))
    try:
        added = await sync_to_async(add)()
    except BadAddressError as error:
        # SECURITY: what was pasted does not come back with the page; it may be an address that is a secret.
        mistake = gettext(ADDRESSES[error.reason])
        return await _show(request, schedule=found, mistake=mistake, mistaken=kind, status=422)
    except AuditUnavailableError:
        messages.error(request, gettext(_NOT_AUDITED))
        return _see(schedule)
    if added.secret:
        return await _show(request, schedule=found, secret=added.secret)
    messages.success(request, gettext("{name} is on. Send a test to see that it arrives.").format(name=_name_of(kind)))
    return _see(schedule)


@login_required
@require_POST
async def remove(request: HttpRequest, channel: UUID) -> HttpResponse:
    """Send nothing by one of the user's own channels any more."""
    user = user_id_of((await load_asker(request))["user"])
    found = await sync_to_async(store.find_place)(channel, user=user)
    if found is None:
        raise Http404
    try:
        await sync_to_async(owning.remove)(channel, user=user)
    except ChannelNotFoundError:
        raise Http404 from None
    messages.success(request, gettext("{name} is off: nothing is sent by it.").format(name=_name_of(found[1])))
    return _see(found[0])


@login_required
@require_POST
async def test(request: HttpRequest, channel: UUID) -> HttpResponse:
    """Send a test by one of the user's own channels, and say what came of it."""
    user = user_id_of((await load_asker(request))["user"])
    found = await sync_to_async(store.find_place)(channel, user=user)
    if found is None:
        raise Http404
    try:
        await owning.test(channel, user=user)
    except ChannelNotFoundError:
        raise Http404 from None
    except TestedTooSoonError:
        messages.warning(request, gettext("A test was sent a moment ago. Wait half a minute for the next one."))
    except AuditUnavailableError:
        messages.error(request, gettext(_NOT_AUDITED))
    except SendError as error:
        messages.error(request, failure_of(error.failure))
    else:
        messages.success(request, gettext("The test was taken: look for it in {name}.").format(name=_name_of(found[1])))
    return _see(found[0])


@login_required
@require_POST
async def send_again(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Try one of the user's own deliveries again that did not get through, and lead to the history of its schedule."""
    user = user_id_of((await load_asker(request))["user"])
    try:
        found = await sync_to_async(owning.send_again)(delivery, user=user)
    except ChannelNotFoundError:
        raise Http404 from None
    except NotSentAgainError:
        messages.warning(request, gettext("There is nothing to send again: it is on its way, arrived, or is off."))
    except TestedTooSoonError:
        messages.warning(request, gettext("It was tried a moment ago. Wait half a minute for the next try."))
    else:
        # A worker of its own hears of it with its next look.
        postman.nudge()
        messages.success(request, gettext("It is sent again by {name}.").format(name=_name_of(found.kind)))
    return go_back(request)


async def _show(request: HttpRequest, *, schedule: Schedule, status: int = 200, **told: Any) -> HttpResponse:
    context = await sync_to_async(_context)(schedule)
    return await render_page(request, template="agent/delivery.html", context=context | told, status=status)


def _context(schedule: Schedule) -> dict[str, Any]:
    channels = store.list_kinds(schedule.id, user=schedule.user)
    return {
        "schedule": schedule,
        "cards": [card_of(kind, channel=channels.get(kind)) for kind in ADDED],
        "deliveries": [
            tell_delivery(one, ways=channels) for one in store.list_deliveries(schedule.id, user=schedule.user)
        ],
        "email": find_address(schedule.user),
        "sends_no_mail": settings.EMAIL_BACKEND.endswith("console.EmailBackend"),
        "zone": schedule.draft.time_zone,
    }


async def _load_own(request: HttpRequest, *, schedule: UUID) -> Schedule:
    user = user_id_of((await load_asker(request))["user"])
    try:
        return await sync_to_async(schedules.load)(schedule, user=user)
    except ScheduleNotFoundError:
        raise Http404 from None


def _name_of(kind: str) -> str:
    return gettext(NAMES[Kind(kind)])


def _see(schedule: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("agent:delivery", args=(schedule,)), status=303)
