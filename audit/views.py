"""The audit timeline page: a signed-in user's own events, filtered by the query string. Read-only."""

import base64
import re
from dataclasses import dataclass, replace

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from audit import log_keys, timeline, vocabulary
from audit.errors import AuditUnavailableError
from audit.events import Outcome
from audit.wording import OUTCOME_NAMES

_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CURSOR = re.compile(r"[0-9]{1,19}")
_BAD_FILTER = gettext_noop("A filter in the address was not understood, so it filters nothing.")
_UNAVAILABLE = gettext_noop(
    "The audit database does not answer. What it holds is not lost; nothing is read for you until it does."
)
_UNAVAILABLE_STATUS = 503
_EMPTY = timeline.Page(rows=(), next_cursor=None)


@dataclass(frozen=True, slots=True)
class _Filters:
    """The query string as understood; `is_understood` is False when a part of it was dropped."""

    service: str = ""
    outcome: str = ""
    run: str = ""
    before: int | None = None
    is_understood: bool = True


@require_safe
@login_required
def show_timeline(request: HttpRequest) -> HttpResponse:
    """Show a page of the user's events; a filter that makes no sense filters nothing and is answered with 400."""
    filters = _read_filters(request)
    page, status, message = _EMPTY, 200, ""
    if not filters.is_understood:
        status, message = 400, gettext(_BAD_FILTER)
    try:
        page, sealed_to = _list_events(request, filters), timeline.find_sealed_to()
    except AuditUnavailableError:
        status, message, sealed_to = _UNAVAILABLE_STATUS, gettext(_UNAVAILABLE), None
    context = {
        "sealed_to": sealed_to,
        "rows": page.rows,
        "next_cursor": page.next_cursor,
        "selected_service": filters.service,
        "selected_outcome": filters.outcome,
        "selected_run": filters.run,
        "services": tuple(vocabulary.services().items()),
        "outcomes": tuple((outcome.value, gettext(name)) for outcome, name in OUTCOME_NAMES.items()),
        "message": message,
        "is_unavailable": status == _UNAVAILABLE_STATUS,
    }
    return render(request, "audit/timeline.html", context, status=status)


@require_safe
@login_required
def show_proof(request: HttpRequest, event_id: int) -> JsonResponse:
    """Answer with what shows an event of the user's to be in the signed log, for the browser to check.

    One 404 for an event that is another's, that is not sealed yet, or that the stored log cannot prove.
    """
    if event_id > timeline.MAX_ID:
        raise Http404
    try:
        proof = timeline.find_proof(event_id, user=_subject(request))
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


def _subject(request: HttpRequest) -> str:
    """`audit` imports no other app, so the subject is named here as `permissions.subjects` names it."""
    return f"user:{request.user.pk}"


def _list_events(request: HttpRequest, filters: _Filters) -> timeline.Page:
    return timeline.list_events(
        user=_subject(request),
        provider=filters.service,
        outcome=filters.outcome,
        run=filters.run,
        before=filters.before,
    )


def _read_filters(request: HttpRequest) -> _Filters:
    asked = {name: request.GET.get(name, "") for name in ("service", "outcome", "run", "before")}
    understood = {
        "service": asked["service"] in vocabulary.services(),
        "outcome": asked["outcome"] in set(Outcome),
        "run": bool(_RUN.fullmatch(asked["run"])),
        "before": bool(_CURSOR.fullmatch(asked["before"])) and int(asked["before"]) <= timeline.MAX_ID,
    }
    kept = {name: value for name, value in asked.items() if understood[name]}
    filters = _Filters(service=kept.get("service", ""), outcome=kept.get("outcome", ""), run=kept.get("run", ""))
    return replace(
        filters,
        before=int(kept["before"]) if "before" in kept else None,
        is_understood=all(understood[name] for name, value in asked.items() if value),
    )
