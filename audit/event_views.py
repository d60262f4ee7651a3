"""One event with everything that its owner may see of it: as a page, and as the part that its row is opened with."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from audit import finding, timeline
from audit.access import refuse, subject_of
from audit.errors import AuditUnavailableError

_UNAVAILABLE = 503


@require_safe
@login_required
def show_event(request: HttpRequest, event_id: int, *, template: str) -> HttpResponse:
    """Show an event of the user's by that template; one 404 for another's and for what is not there."""
    if event_id > timeline.MAX_ID:
        raise Http404
    try:
        row = finding.find_row(event_id, user=subject_of(request.user))
        sealed_to = timeline.find_sealed_to()
    except AuditUnavailableError:
        sentence = gettext("The audit database does not answer. Try again in a moment.")
        return refuse(sentence, status=_UNAVAILABLE)
    if row is None:
        raise Http404
    return render(request, template, {"row": row, "sealed_to": sealed_to})
