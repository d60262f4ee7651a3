"""The page of an auditor: what was done for everybody, never what was read or said, nor anything personal.

Each look is on record before anything is shown.
"""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from audit import address, timeline, views
from audit.access import is_auditor, subject_of
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.query import EVERYBODY
from audit.record import record

_UNAVAILABLE = 503


@require_safe
@login_required
def show_everybody(request: HttpRequest) -> HttpResponse:
    """Show a page of everybody's events that fit the search; 404 to who is no auditor, as where there is no page."""
    if not is_auditor(request.user):
        raise Http404
    asked = address.read(request, is_auditor=True)
    chosen = asked.search.value("user")
    page, status, message = timeline.Page(rows=(), next_cursor=None), 200, ""
    try:
        # SECURITY: no look without its row.
        record(
            Entry(
                event=Event.AUDIT_EVENTS_VIEWED,
                user=subject_of(request.user),
                reason=f"user_{chosen}" if chosen else "everybody",
            )
        )
        page = views.list_page(asked, user=EVERYBODY)
    except AuditUnavailableError:
        status = _UNAVAILABLE
        message = gettext("The audit database does not answer, so nothing is shown. Try again in a moment.")
    context = {
        "rows": page.rows,
        "next_cursor": page.next_cursor,
        "looked_back_to": page.looked_back_to,
        "message": message,
        "is_unavailable": status == _UNAVAILABLE,
        "is_everybodys": True,
    }
    return render(request, "audit/everybody.html", context | views.search_context(asked), status=status)
