"""The inbox: what schedules told their owner, unread ones marked in words. Opening one marks it as read."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from agent import memory
from agent.delivery import store
from agent.delivery.errors import ChannelNotFoundError
from agent.delivery.types import Delivery
from agent.delivery.wording import inbox_entry
from agent.paging import instant_of, page_of
from agent.schedules import store as schedules


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def show_inbox(request: HttpRequest) -> HttpResponse:
    """Show what schedules told the user, the newest first by pages; a POST marks all of it as read."""
    user = request.user.pk
    assert user is not None
    if request.method == "POST":
        store.see_all(user, now=timezone.now())
        return HttpResponseRedirect(reverse("agent:inbox"), status=303)
    names = {schedule.id: schedule.draft.name for schedule in schedules.list_schedules(user)}
    before = instant_of(request.GET.get("before", ""))
    page = page_of(store.list_inbox(user, before=before), at=_came_at)
    context = {
        "entries": [inbox_entry(one, name=names.get(one.schedule, "")) for one in page.rows],
        "has_unread": store.count_unread(user) > 0,
        "next_before": page.next_before,
        "is_older": before is not None,
        "zone": memory.load_week(user, browser_zone=ZoneInfo("UTC")).time_zone,
    }
    return render(request, "agent/inbox.html", context)


def _came_at(delivery: Delivery) -> datetime:
    # What is in the inbox has arrived there.
    assert delivery.ended_at is not None
    return delivery.ended_at


@login_required
@require_safe
@never_cache
def count_unread(request: HttpRequest) -> JsonResponse:
    """Answer with how much of the user's inbox is unread, for a page that is open."""
    assert request.user.pk is not None
    return JsonResponse({"unread": store.count_unread(request.user.pk)})


@login_required
@require_safe
def read(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Mark one of the user's own inbox as read, and lead to its briefing."""
    assert request.user.pk is not None
    try:
        found = store.see(delivery, user=request.user.pk, now=timezone.now())
    except ChannelNotFoundError:
        raise Http404 from None
    address = reverse("agent:run", args=(found.run,)) if found.run else reverse("agent:inbox")
    return HttpResponseRedirect(address, status=303)
