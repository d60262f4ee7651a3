"""The chat page, new or with a conversation; the runs themselves come over the run socket."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from agent import conversations, memory
from agent.beginning import Beginning, offer
from agent.briefing import recipes
from agent.completion import SIGNS
from agent.errors import RunNotFoundError
from agent.runner import end_dead_runs


@login_required
@require_safe
async def chat(request: HttpRequest, conversation: UUID | None = None) -> HttpResponse:
    """Show the composer, and the runs of `conversation` if one is named."""
    user = await request.auser()
    assert user.pk is not None
    context = await sync_to_async(_load)(user.pk, conversation)
    context |= {"recipes": list_cards(), "completions": [tool.completion for tool in SIGNS.values()]}
    # Rendering reads the session and the user, which is database work.
    return await sync_to_async(render)(request, "agent/chat.html", context)


def list_cards() -> tuple[tuple[str, str, str, str], ...]:
    """Return (name, title, summary, question) of every recipe; the question is what the model is asked, in English."""
    return tuple(
        (recipe.name, gettext(recipe.title), gettext(recipe.summary), recipe.question)
        for recipe in recipes.RECIPES.values()
    )


def _load_beginning(user: int) -> Beginning:
    # Who chose no zone has that of their browser; the page is made before the browser could say which.
    settings = memory.load_week_settings(user)
    week = memory.week_of(settings, browser_zone=ZoneInfo("UTC"))
    return offer(week, now=timezone.now(), has_zone=bool(settings.time_zone))


def _load(user: int, conversation: UUID | None) -> dict[str, Any]:
    end_dead_runs()
    if conversation is None:
        return {"conversation": None, "run_ids": [], "beginning": _load_beginning(user)}
    try:
        row, runs = conversations.load_conversation(conversation, user=user)
    except RunNotFoundError:
        raise Http404 from None
    return {"conversation": row, "run_ids": [str(run) for run in runs]}
