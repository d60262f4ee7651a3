"""The inbox: what schedules told their owner, unread ones marked in words. Opening one marks it as read."""

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
from agent.delivery.wording import inbox_entry
from agent.schedules import store as schedules


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def show_inbox(request: HttpRequest) -> HttpResponse:
    """Show what schedules told the user, the newest first; a POST marks all of it as read."""
    user = request.user.pk
    assert user is not None
    if request.method == "POST":
        store.see_all(user, now=timezone.now())
        return HttpResponseRedirect(reverse("agent:inbox"), status=303)
    names = {schedule.id: schedule.draft.name for schedule in schedules.list_schedules(user)}
    entries = [inbox_entry(one, name=names.get(one.schedule, "")) for one in store.list_inbox(user)]
    zone = memory.load_week(user, browser_zone=ZoneInfo("UTC")).time_zone
    context = {"entries": entries, "has_unread": any(one["is_unread"] for one in entries), "zone": zone}
    return render(request, "agent/inbox.html", context)


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
