"""The pages of schedules: the list, the form, one schedule with its history. A change is a POST and ends in a redirect.

What a schedule may read is given on a page of its own (`agent.grant_views`), behind a confirmation of who asks.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agent import memory
from agent.briefing import recipes
from agent.delivery import store as deliveries
from agent.delivery.wording import is_on_its_way, tell_delivery
from agent.paging import instant_of, page_of
from agent.plan_views import load_plan, load_statuses
from agent.schedule_form import ScheduleForm, initial_of, offered
from agent.schedules import copying, leading, occurrences, owning, store
from agent.schedules.cards import list_cards, make_card, next_dates
from agent.schedules.errors import ScheduleNotFoundError, TooManySchedulesError
from agent.schedules.types import Schedule
from agent.schedules.wording import tell_occurrence
from agent.transcript import dollars
from permissions import grants, pauses
from permissions.pages import SESSION_ENDED, load_asker, render_page
from permissions.pauses import PauseError
from permissions.subjects import user_id_of
from vault.client import Asker, Grant, SessionEndedError, VaultError

_VAULT_DOWN = gettext_noop("The token vault does not answer, so what a schedule may read is not known right now.")
_NOT_CONFIRMED = gettext_noop("The token vault did not confirm the change. Try again.")
_TOO_MANY = gettext_noop("You have {number} schedules, which is as many as one person may have. Delete one first.")


@login_required
@require_safe
async def show_schedules(request: HttpRequest) -> HttpResponse:
    """Show the user's schedules, each with when it is due and what became of it last."""
    asker = await load_asker(request)
    user = user_id_of(asker["user"])
    held, message = await load_held(asker)
    context = {
        "cards": await sync_to_async(list_cards)(user, held=held),
        "is_attended": await _is_attended(),
        "vault_message": message,
        "week": await sync_to_async(memory.load_week_settings)(user),
    }
    return await render_page(request, template="agent/schedules.html", context=context)


@login_required
@require_safe
async def show_schedule(request: HttpRequest, schedule: UUID) -> HttpResponse:
    """Show one of the user's own schedules: what it does, what it may read, and what became of each due time."""
    asker = await load_asker(request)
    found = await load_own(asker, schedule)
    held, message = await load_held(asker)
    limit = found.draft.daily_budget_micro_usd
    context = {
        "card": await sync_to_async(make_card)(found, held=held, last=None),
        "budget": dollars(limit) if limit else "",
        "is_attended": await _is_attended(),
        "vault_message": message,
    }
    before = instant_of(request.GET.get("before", ""))
    context |= await sync_to_async(_load_history)(found, before=before)
    return await render_page(request, template="agent/schedule.html", context=context)


def _load_history(schedule: Schedule, *, before: datetime | None) -> dict[str, Any]:
    """Return a page of what became of the due times of a schedule, and of the deliveries of each."""
    page = page_of(
        occurrences.list_occurrences(schedule.id, user=schedule.user, before=before), at=lambda one: one.due_at
    )
    delivered = deliveries.list_by_occurrence([one.id for one in page.rows], user=schedule.user)
    kinds, now = deliveries.list_kinds(schedule.id, user=schedule.user), timezone.now()
    told = [tell_occurrence(one) for one in page.rows]
    ways = [tuple(tell_delivery(sent, ways=kinds) for sent in delivered.get(one.id, ())) for one in page.rows]
    return {
        "history": list(zip(told, ways, strict=True)),
        "is_going_on": any(one.is_going_on for one in told)
        or any(is_on_its_way(one, deliveries=delivered.get(one.id, ()), now=now) for one in page.rows),
        "next_before": page.next_before,
        "is_older": before is not None,
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
async def create(request: HttpRequest) -> HttpResponse:
    """Show the form of a new schedule, or make one and lead on to what it may read; a mistake is shown with 422."""
    asker = await load_asker(request)
    week = await sync_to_async(memory.load_week_settings)(user_id_of(asker["user"]))
    draft = offered(week, recipe=request.GET.get("recipe", ""))
    form = ScheduleForm(request.POST if request.method == "POST" else None, initial=initial_of(draft))
    is_saved = request.method == "POST" and "dates" not in request.POST
    if not is_saved or not form.is_valid():
        return await _show_form(request, form=form, asker=asker, is_refused=is_saved, has_zone=bool(week.time_zone))
    try:
        made = await owning.create(asker, draft=form.draft)
    except TooManySchedulesError:
        messages.error(request, gettext(_TOO_MANY).format(number=store.MAX_SCHEDULES))
        return _see("schedules")
    messages.success(
        request,
        gettext("“{name}” is saved. Say what it may read: before that, nothing is due.").format(name=made.draft.name),
    )
    return _see("grant_schedule", made.id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
async def edit(request: HttpRequest, schedule: UUID) -> HttpResponse:
    """Show the form of one of the user's own schedules, or keep what it says; a mistake is shown with status 422."""
    asker = await load_asker(request)
    found = await load_own(asker, schedule)
    form = ScheduleForm(request.POST if request.method == "POST" else None, initial=initial_of(found.draft))
    is_saved = request.method == "POST" and "dates" not in request.POST
    if not is_saved or not form.is_valid():
        return await _show_form(request, form=form, asker=asker, is_refused=is_saved, schedule=found, has_zone=True)
    await owning.change(asker, schedule, draft=form.draft)
    messages.success(request, gettext("“{name}” is saved.").format(name=form.draft.name))
    return _see("schedule", schedule)


async def _show_form(
    request: HttpRequest, *, form: ScheduleForm, asker: Asker, is_refused: bool, **context: Any
) -> HttpResponse:
    """Show the form with the dates that it comes to; who only asks for these is told of no mistake elsewhere."""
    days = form.find_days()
    user = user_id_of(asker["user"])
    context |= {
        "form": form,
        "is_refused": is_refused,
        "zone": days.time_zone if days else "UTC",
        "dates": await sync_to_async(next_dates)(days, user=user) if days else (),
        "has_days": days is not None,
    }
    return await render_page(
        request, template="agent/schedule_form.html", context=context, status=422 if is_refused else 200
    )


@login_required
@require_safe
async def show_plan(request: HttpRequest, schedule: UUID) -> HttpResponse:
    """Show what one of the user's own schedules would read now, without reading it."""
    asker = await load_asker(request)
    found = await load_own(asker, schedule)
    recipe = recipes.find(found.draft.recipe)
    if recipe is None:
        raise Http404
    held, message = await load_held(asker)
    statuses, unknown = await load_statuses(request)
    granted = next((grant.tools for grant in held or () if grant.id == found.grant), ())
    plan = await sync_to_async(load_plan)(found.user, recipe=recipe, statuses=statuses, granted=granted)
    message = message or unknown
    context = {"schedule": found, "recipe": recipe, "plan": plan, "vault_message": message}
    return await render_page(
        request, template="agent/schedule_plan.html", context=context, status=503 if message else 200
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
async def delete(request: HttpRequest, schedule: UUID) -> HttpResponse:
    """Say what goes and what stays when one of the user's own schedules is deleted; a POST deletes it."""
    asker = await load_asker(request)
    found = await load_own(asker, schedule)
    if request.method != "POST":
        return await render_page(request, template="agent/schedule_delete.html", context={"schedule": found})
    try:
        await owning.delete(asker, schedule)
    except ScheduleNotFoundError:
        # Deleted meanwhile, in another tab.
        raise Http404 from None
    except VaultError as error:
        return refuse(request, error=error, schedule=schedule)
    messages.success(
        request, gettext("“{name}” is deleted, and its permission to read with it.").format(name=found.draft.name)
    )
    return _see("schedules")


@login_required
@require_POST
async def act(request: HttpRequest, schedule: UUID, what: str) -> HttpResponse:
    """Pause, resume, copy or run one of the user's own schedules, and lead to its page."""
    acts: dict[str, tuple[Callable[[Asker, UUID], Awaitable[object]], str]] = {
        "pause": (owning.pause, gettext("“{name}” is paused: nothing is due until you resume it.")),
        "resume": (owning.resume, gettext("“{name}” goes on. What was due meanwhile is not caught up on.")),
        "run": (owning.run_now, gettext("A briefing by “{name}” begins. It stands first in the history below.")),
        "copy": (copying.copy, gettext("This is a copy of “{name}”. It may read nothing before you allow it.")),
    }
    if what not in acts:
        raise Http404
    asker = await load_asker(request)
    found = await load_own(asker, schedule)
    if what == "pause" and request.POST.get("for") == "date":
        return await _pause_until(request, asker=asker, schedule=found)
    change, said = acts[what]
    try:
        made = await change(asker, schedule)
    except TooManySchedulesError:
        messages.error(request, gettext(_TOO_MANY).format(number=store.MAX_SCHEDULES))
        return _see("schedule", schedule)
    messages.success(request, said.format(name=found.draft.name))
    return (
        _see("edit_schedule", made.id) if isinstance(made, Schedule) and what == "copy" else _see("schedule", schedule)
    )


async def _pause_until(request: HttpRequest, *, asker: Asker, schedule: Schedule) -> HttpResponse:
    zone = ZoneInfo(schedule.draft.time_zone)
    try:
        until = pauses.end_of("date", day=request.POST.get("until", ""), now=timezone.now(), zone=zone)
    except PauseError as error:
        messages.error(request, str(error))
        return _see("schedule", schedule.id)
    await owning.pause(asker, schedule.id, until=until)
    said = gettext("“{name}” is paused until {day}, and goes on by itself then.")
    day = date_format(until.astimezone(zone), gettext("j F Y"))
    messages.success(request, said.format(name=schedule.draft.name, day=day))
    return _see("schedule", schedule.id)


async def _is_attended() -> bool:
    return (await sync_to_async(leading.find_attendance)(now=timezone.now())).is_attended


async def load_own(asker: Asker, schedule: UUID) -> Schedule:
    """Return a schedule of who asks.

    Raises:
        Http404: It is not theirs.
    """
    load = partial(store.load, schedule, user=user_id_of(asker["user"]))
    try:
        return await sync_to_async(load)()
    except ScheduleNotFoundError:
        raise Http404 from None


async def load_held(asker: Asker) -> tuple[tuple[Grant, ...] | None, str]:
    """Return the user's grants by the vault's word of now, or None and a sentence that says why."""
    try:
        return await grants.list_grants(**asker), ""
    except SessionEndedError:
        return None, gettext(SESSION_ENDED)
    except VaultError:
        return None, gettext(_VAULT_DOWN)


def refuse(request: HttpRequest, *, error: VaultError, schedule: UUID) -> HttpResponse:
    """Say that the vault did not confirm a change, on the page of its schedule."""
    words = SESSION_ENDED if isinstance(error, SessionEndedError) else _NOT_CONFIRMED
    messages.error(request, gettext(words))
    return _see("schedule", schedule)


def _see(page: str, *ids: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"agent:{page}", args=ids), status=303)
