"""The first page of a new account: what can be read, connect one service, the working week, a dry run, a briefing."""

from dataclasses import asdict
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agent import memory
from agent.briefing import recipes
from agent.plan_views import load_plan, load_statuses
from agent.views import chat
from agent.week_form import WeekForm
from permissions.types import ServiceStatus
from vault.client import ConnectionState

_STANDUP = recipes.RECIPES["standup"]


async def show_front(request: HttpRequest) -> HttpResponse:
    """Show the chat to who is signed in, and what DevContext is to a visitor."""
    user = await request.auser()
    if user.is_authenticated or request.method not in {"GET", "HEAD"}:
        return await chat(request)
    return await sync_to_async(render)(request, "agent/landing.html")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
async def show_welcome(request: HttpRequest) -> HttpResponse:
    """Show the steps of a first briefing, or keep the working week; a mistake is shown with status 422."""
    user = await request.auser()
    assert user.pk is not None
    form = WeekForm(request.POST) if request.method == "POST" else None
    if form is not None and await sync_to_async(form.is_valid)():
        await sync_to_async(memory.save_week_settings)(user.pk, chosen=form.chosen)
        messages.success(request, gettext("Your working week is saved."))
        return HttpResponseRedirect(f"{reverse('agent:welcome')}#plan", status=303)
    statuses, message = await load_statuses(request)
    shown = await sync_to_async(_context)(user.pk, statuses=statuses, form=form)
    shown["vault_message"] = message
    return await sync_to_async(render)(request, "agent/welcome.html", shown, status=422 if form else 200)


def _context(user: int, *, statuses: tuple[ServiceStatus, ...], form: WeekForm | None) -> dict[str, Any]:
    return {
        "statuses": statuses,
        "connected": [status for status in statuses if status.state is not ConnectionState.NOT_CONNECTED],
        "form": form or WeekForm(initial=asdict(memory.load_week_settings(user))),
        "plan": load_plan(user, recipe=_STANDUP, statuses=statuses),
        "recipe": _STANDUP,
    }
