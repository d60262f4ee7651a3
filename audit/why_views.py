"""The page that tells why something was read. The question's words are its owner's, and nobody else is shown them."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from audit import asked, timeline, why
from audit.access import refuse, subject_of
from audit.errors import AuditUnavailableError

_UNAVAILABLE = 503


@require_safe
@login_required
def show_why(request: HttpRequest, event_id: int) -> HttpResponse:
    """Show why an event of a run of the user's came to be; one 404 for another's and for what is in no run."""
    user = subject_of(request.user)
    if event_id > timeline.MAX_ID:
        raise Http404
    try:
        found = why.find_why(event_id, user=user)
    except AuditUnavailableError:
        sentence = gettext("The audit database does not answer. Try again in a moment.")
        return refuse(sentence, status=_UNAVAILABLE)
    if found is None:
        raise Http404
    question = asked.question_of(found.event.run, user=user)
    return render(request, "audit/why.html", {"why": found, "question": question})
