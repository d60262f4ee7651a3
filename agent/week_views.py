"""The page of the working week. A change is a POST and ends in a redirect."""

from dataclasses import asdict

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agent import memory
from agent.week_form import WeekForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_week(request: HttpRequest) -> HttpResponse:
    """Show the user's working week, or keep what they chose; a mistake is shown with status 422."""
    assert request.user.pk is not None
    if request.method != "POST":
        form = WeekForm(initial=asdict(memory.load_week_settings(request.user.pk)))
        return render(request, "agent/working_week.html", {"form": form})
    form = WeekForm(request.POST)
    if not form.is_valid():
        return render(request, "agent/working_week.html", {"form": form}, status=422)
    memory.save_week_settings(request.user.pk, chosen=form.chosen)
    messages.success(request, gettext("Your working week is saved."))
    return HttpResponseRedirect(reverse("agent:working_week"), status=303)
