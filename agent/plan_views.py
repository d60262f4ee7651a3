"""What a recipe would read, before it reads: the plan of its calls, for somebody who wants to know first."""

from collections.abc import Collection, Iterable
from datetime import datetime, time
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from agent import memory
from agent.briefing import recipes
from agent.briefing.recipes import Recipe
from agent.dry_run import Plan, make_plan
from permissions import connections, store
from permissions.pages import SESSION_ENDED, load_asker
from permissions.subjects import subject_of
from permissions.types import ServiceStatus
from vault.client import SessionEndedError, VaultError

_VAULT_DOWN = _("The token vault does not answer, so what may be read is not known right now.")


@login_required
@require_safe
async def show_plan(request: HttpRequest, recipe: str) -> HttpResponse:
    """Show which calls a recipe would make now, with their arguments, scopes and what stands in their way."""
    found = recipes.find(recipe)
    if found is None:
        raise Http404
    user = await request.auser()
    assert user.pk is not None
    statuses, message = await load_statuses(request)
    context = {
        "recipe": found,
        "recipes": recipes.RECIPES.values(),
        "plan": await sync_to_async(load_plan)(user.pk, recipe=found, statuses=statuses),
        "vault_message": message,
    }
    return await sync_to_async(render)(request, "agent/plan.html", context, status=503 if message else 200)


async def load_statuses(request: HttpRequest) -> tuple[tuple[ServiceStatus, ...], str]:
    """Return the vault's word on every service, or none and a sentence that says why."""
    try:
        return await connections.list_statuses(**await load_asker(request), is_fresh=True), ""
    except SessionEndedError:
        return (), str(SESSION_ENDED)
    except VaultError:
        return (), str(_VAULT_DOWN)


def load_plan(
    user: int, *, recipe: Recipe, statuses: Iterable[ServiceStatus], granted: Collection[str] | None = None
) -> Plan:
    """Return the plan of `recipe` for this user now, or by the `granted` tools of a schedule; reads nothing. Sync."""
    # Who chose no zone has that of their browser in a run; the page is made before the browser could say which.
    week = memory.load_week(user, browser_zone=ZoneInfo("UTC"))
    now = timezone.now().astimezone(week.time_zone)
    today_began_at = datetime.combine(now.date(), time.min, tzinfo=now.tzinfo)
    past = memory.load_past(user, recipe=recipe.name, today_began_at=today_began_at)
    modes = store.list_modes(subject_of(user))
    return make_plan(recipe, statuses=statuses, modes=modes, week=week, now=now, last_at=past.last_at, granted=granted)
