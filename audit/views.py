"""The audit timeline page: a signed-in user's own events, filtered by the query string. Read-only."""

import base64
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from audit import address, finding, log_keys, overview, saved, timeline, vocabulary
from audit.access import is_auditor, subject_of
from audit.address import Asked
from audit.charts import find_span
from audit.errors import AuditUnavailableError
from audit.overview import Overview
from audit.search import MAX_CHARACTERS, Search
from audit.suggestions import completions
from audit.wording import OUTCOME_NAMES

_BAD_FILTER = gettext_noop("A filter in the address was not understood, so it filters nothing.")
_UNAVAILABLE = gettext_noop(
    "The audit database does not answer. What it holds is not lost; nothing is read for you until it does."
)
_OK, _UNAVAILABLE_STATUS = 200, 503
_EMPTY = timeline.Page(rows=(), next_cursor=None)


@require_safe
@login_required
def show_timeline(request: HttpRequest) -> HttpResponse:
    """Show a page of the user's events; what makes no sense filters nothing and is told, in the address with a 400."""
    asked = address.read(request)
    page, status, message, sealed_to, drawn = _EMPTY, _OK, "", None, None
    if not asked.is_understood:
        status, message = 400, gettext(_BAD_FILTER)
    try:
        page, sealed_to = list_page(asked, user=subject_of(request.user)), timeline.find_sealed_to()
        drawn = _load_overview(request, asked)
    except AuditUnavailableError:
        status, message = _UNAVAILABLE_STATUS, gettext(_UNAVAILABLE)
    context = {
        "sealed_to": sealed_to,
        "unsealed": sum(row.id > (sealed_to or 0) for row in page.rows),
        "rows": page.rows,
        "next_cursor": page.next_cursor,
        "looked_back_to": page.looked_back_to,
        "message": message,
        "is_unavailable": status == _UNAVAILABLE_STATUS,
        "may_see_everybody": is_auditor(request.user),
        "saved": saved.keeper().list_searches(subject_of(request.user)),
        "can_be_saved": bool(asked.search.parts) and not asked.search.mistakes,
        "is_followed": asked.before is None and asked.on is None and status == _OK,
    }
    context |= search_context(asked) | overview.overview_context(drawn)
    return render(request, "audit/timeline.html", context, status=status)


def search_context(asked: Asked) -> dict[str, Any]:
    """Return what the search form and its chips show."""
    search = asked.search
    return {
        "q": search.text,
        "on": asked.on,
        "mistakes": search.mistakes,
        "chips": [(part, search.without(part)) for part in search.parts],
        "services": [_choice(search, "service", value, name) for value, name in vocabulary.services().items()],
        "outcomes": [_choice(search, "outcome", value, gettext(name)) for value, name in OUTCOME_NAMES.items()],
        "selected_service": search.value("service"),
        "selected_outcome": search.value("outcome"),
        "is_token": bool(search.value("token")),
        "selected_run": search.value("run"),
        "max_characters": MAX_CHARACTERS,
    }


def _choice(search: Search, name: str, value: str, label: str) -> tuple[str, str, str]:
    """Return the value, what it is called, and the search with it, or without it where it is chosen."""
    return value, label, search.replacing(name, value="" if search.value(name) == value else value)


@require_safe
@login_required
def list_completions(request: HttpRequest, *, for_auditor: bool = False) -> JsonResponse:
    """Answer with what the search field completes, as `audit.suggestions.completions`; 404 as an auditor's page has."""
    if for_auditor and not is_auditor(request.user):
        raise Http404
    return JsonResponse(completions(is_auditor=for_auditor))


@require_safe
@login_required
def show_proof(request: HttpRequest, event_id: int) -> JsonResponse:
    """Answer with what shows an event of the user's to be in the signed log, for the browser to check.

    One 404 for an event that is another's, that is not sealed yet, or that the stored log cannot prove.
    """
    if event_id > timeline.MAX_ID:
        raise Http404
    try:
        proof = timeline.find_proof(event_id, user=subject_of(request.user))
    except AuditUnavailableError:
        return JsonResponse({"message": gettext(_UNAVAILABLE)}, status=_UNAVAILABLE_STATUS)
    if proof is None:
        raise Http404
    return JsonResponse(
        {
            "event": proof.event,
            "nonce": proof.leaf.nonce.hex(),
            "position": proof.leaf.position,
            "path": [base64.b64encode(node).decode() for node in proof.path],
            "note": proof.note,
            "verifiers": _verifiers(),
        }
    )


def _verifiers() -> list[str]:
    """Return the log's public keys as this process was given them."""
    try:
        return [str(verifier) for verifier in log_keys.current().verifiers]
    except ImproperlyConfigured:
        return []


def _load_overview(request: HttpRequest, asked: Asked) -> Overview | None:
    """Return the charts of the newest page; an older one is for reading."""
    if asked.before is not None or asked.on is not None:
        return None
    span = find_span(request.GET.get("range", ""))
    return overview.load_overview(asked.search, user=subject_of(request.user), span=span)


def list_page(asked: Asked, *, user: str) -> timeline.Page:
    """Return the page of the timeline of `user`, or of everybody, that is asked for.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    return finding.list_page(asked.search, user=user, before=asked.start(user=user))
