"""A run's own page: question, answer, what was read and how; it needs no script and prints well. And its fork."""

from datetime import UTC
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agent import forks, memory, receipts, store, transcript
from agent.errors import ContentClosedError, RunNotFoundError
from permissions import questions
from permissions.subjects import subject_of


@login_required
@require_safe
def show_run(request: HttpRequest, run: UUID) -> HttpResponse:
    """Show one of the user's own runs, as far as it has come."""
    user = request.user.pk
    assert user is not None
    try:
        row = store.load_run(run, user=user)
        told = transcript.tell(frame for _seq, frame in store.list_frames(run, user=user, after=0))
    except (RunNotFoundError, ContentClosedError):
        raise Http404 from None
    zone = memory.load_week(user, browser_zone=ZoneInfo(str(UTC))).time_zone
    can_answer = {str(question) for question in questions.find_open(run, user=subject_of(user))}
    calls = list(told.calls.values())
    receipts.look_up(calls)
    asking = [call for call in calls if call.question in can_answer]
    context = {"run": row, "told": told, "calls": calls, "asking": asking}
    with timezone.override(zone):
        return render(request, "agent/run.html", context)


@login_required
@require_POST
def fork_run(request: HttpRequest, run: UUID) -> HttpResponse:
    """Begin a new conversation with what was asked and answered up to one of the user's own runs, and lead to it."""
    user = request.user.pk
    assert user is not None
    try:
        conversation = forks.fork(run, user=user)
    except (RunNotFoundError, ContentClosedError):
        raise Http404 from None
    messages.success(request, _("This is a new chat, up to that answer. The other one stays as it is."))
    return HttpResponseRedirect(reverse("agent:chat", args=(conversation,)), status=303)
