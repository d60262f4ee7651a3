"""The events that came since a page was shown, as a part of that page: the user's own, under the same search."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from audit import address, finding, timeline
from audit.access import refuse, subject_of
from audit.errors import AuditUnavailableError

_NOT_UNDERSTOOD, _UNAVAILABLE = 400, 503


@require_safe
@login_required
def show_newer(request: HttpRequest) -> HttpResponse:
    """Answer with the rows of events with ids above `after` that fit the search of the address, as markup.

    400 where a part of it makes no sense: a page that shows everything instead would be wrong about what is new.
    """
    asked, after = address.read(request), address.read_cursor(request.GET.get("after", ""))
    if after is None or not asked.is_understood:
        return refuse(gettext("A filter in the address was not understood."), status=_NOT_UNDERSTOOD)
    try:
        user = subject_of(request.user)
        found = finding.find_newer(asked.search, user=user, after=after)
        rows = finding.rows_of(found.events, user=user)
        sealed_to = timeline.find_sealed_to()
    except AuditUnavailableError:
        sentence = gettext("The audit database does not answer. Try again in a moment.")
        return refuse(sentence, status=_UNAVAILABLE)
    context = {
        "rows": rows,
        "is_cut": found.next_cursor is not None,
        "selected_run": asked.search.value("run"),
        "sealed_to": sealed_to,
        "unsealed": sum(event.id > sealed_to for event in found.events),
    }
    return render(request, "audit/_newer.html", context)
