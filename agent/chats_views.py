"""The history: conversations by day, searched, renamed, pinned, deleted and brought back. Changes are POSTs."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from itertools import groupby, islice
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from agent import conversations, memory, search
from agent.briefing import recipes
from agent.errors import RunNotFoundError
from agent.paging import instant_of, page_of
from permissions.services import SERVICES

_Row = TypeVar("_Row")
# As many as a person looks through before they narrow the search.
_MAX_FOUND = 50


@login_required
@require_safe
def show_chats(request: HttpRequest) -> HttpResponse:
    """Show the user's conversations by day, or with `?q=` what a search finds in them."""
    user = request.user.pk
    assert user is not None
    zone = memory.load_week(user, browser_zone=ZoneInfo(str(UTC))).time_zone
    text = request.GET.get("q", "").replace("\0", "").strip()[: search.MAX_QUERY_CHARACTERS]
    found = (
        _search(user, text=text, zone=zone)
        if text
        else _list(user, before=instant_of(request.GET.get("before", "")), zone=zone)
    )
    context = {"q": text, "deleted": _find_deleted(request, user=user), "service_example": next(iter(SERVICES))}
    with timezone.override(zone):
        return render(request, "agent/chats.html", context | found)


def _list(user: int, *, before: datetime | None, zone: ZoneInfo) -> dict[str, Any]:
    page = page_of(conversations.list_page(user, before=before), at=lambda row: row.updated_at)
    return {
        "pinned": [] if before else conversations.list_pinned(user),
        "days": _by_day(page.rows, at=lambda row: row.updated_at, zone=zone),
        "next_before": page.next_before,
        "is_older": before is not None,
    }


def _search(user: int, *, text: str, zone: ZoneInfo) -> dict[str, Any]:
    query = search.parse(text, zone=zone, recipes=recipes.RECIPES, services=SERVICES)
    found = list(islice(search.find(conversations.list_said(user, query=query), query=query), _MAX_FOUND + 1))
    return {
        "found_days": _by_day(found[:_MAX_FOUND], at=lambda one: one.said.started_at, zone=zone),
        "is_cut": len(found) > _MAX_FOUND,
        "mistakes": query.mistakes,
    }


def _by_day(rows: Iterable[_Row], *, at: Callable[[_Row], datetime], zone: ZoneInfo) -> list[tuple[date, list[_Row]]]:
    """Return the rows under the days on which they happened; they come newest first."""
    days = groupby(rows, key=lambda row: at(row).astimezone(zone).date())
    return [(day, list(of_day)) for day, of_day in days]


def _find_deleted(request: HttpRequest, *, user: int) -> Any:
    try:
        return conversations.find_deleted(UUID(request.GET.get("deleted", "")), user=user)
    except ValueError:
        return None


@login_required
@require_POST
def change(request: HttpRequest, conversation: UUID, what: str) -> HttpResponse:
    """Rename, pin, unpin, delete or restore one of the user's own conversations, and lead back to the history."""
    user = request.user.pk
    assert user is not None
    changes: dict[str, tuple[Callable[[], None], str]] = {
        "rename": (
            lambda: conversations.rename(conversation, user=user, title=request.POST.get("title", "")),
            gettext("The chat has its new name."),
        ),
        "pin": (lambda: conversations.pin(conversation, user=user, is_pinned=True), gettext("The chat is pinned.")),
        "unpin": (
            lambda: conversations.pin(conversation, user=user, is_pinned=False),
            gettext("The chat is not pinned any more."),
        ),
        "delete": (lambda: conversations.delete(conversation, user=user), ""),
        "restore": (lambda: conversations.restore(conversation, user=user), gettext("The chat is back.")),
    }
    if what not in changes:
        raise Http404
    act, sentence = changes[what]
    try:
        act()
    except RunNotFoundError:
        raise Http404 from None
    if sentence:
        messages.success(request, sentence)
    kept = {"q": request.POST.get("q", ""), "deleted": str(conversation) if what == "delete" else ""}
    query = urlencode({name: value for name, value in kept.items() if value})
    return HttpResponseRedirect(f"{reverse('agent:chats')}{'?' if query else ''}{query}", status=303)
