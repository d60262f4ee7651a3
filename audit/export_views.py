"""The events of a search as a file, CSV or NDJSON: streamed in chunks whatever its size, and put on record."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext, override
from django.views.decorators.http import require_safe

from audit import address, finding
from audit.access import is_auditor, refuse, subject_of
from audit.confirming import confirmed
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.export_lines import FORMS, Lines
from audit.models import AuditEvent
from audit.query import EVERYBODY
from audit.record import record
from audit.search import Search

_NOT_UNDERSTOOD = 400
_UNAVAILABLE = 503


@login_required
@require_safe
async def export_events(request: HttpRequest, form: str, *, is_everybodys: bool = False) -> HttpResponseBase:
    """Return all of the user's events that fit the search of the address, or everybody's to an auditor.

    Who did not prove of late who they are is asked first. 400 where a part of the search makes no sense, since nobody
    would see in the file that it filtered nothing; 503 where the copy cannot be put on record.
    """
    user = await request.auser()
    # Before anybody is asked: to who is no auditor there is no such page.
    if form not in FORMS or (is_everybodys and not await sync_to_async(is_auditor)(user)):
        raise Http404
    return await _export(request, form=form, own=subject_of(user), is_everybodys=is_everybodys)


# SECURITY: the whole timeline at once is more than a stranger at an unlocked screen reads page by page.
@confirmed
async def _export(request: HttpRequest, *, form: str, own: str, is_everybodys: bool) -> HttpResponseBase:
    asked = address.read(request, is_auditor=is_everybodys)
    if asked.search.mistakes or not asked.is_understood:
        sentences = asked.search.mistakes or (gettext("A filter in the address was not understood."),)
        return refuse("\n".join(sentences), status=_NOT_UNDERSTOOD)
    whose = EVERYBODY if is_everybodys else own
    return await sync_to_async(_start)(asked.search, form=form, user=own, whose=whose)


def _start(search: Search, *, form: str, user: str, whose: str) -> HttpResponseBase:
    """Record the export by `user` of the events of `whose` and return the file as it is about to be written."""
    try:
        name = _name(search, form=form, whose=whose)
        # What happens from here on is not part of it, so it ends.
        end = record(
            Entry(event=Event.AUDIT_EVENTS_EXPORTED, user=user, reason="everybody" if whose == EVERYBODY else form)
        )
    except AuditUnavailableError:
        sentence = gettext("The audit database does not answer, so nothing was saved. Try again in a moment.")
        return refuse(sentence, status=_UNAVAILABLE)
    chunks = finding.list_chunks(search, user=whose, before=end)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(
        _stream(chunks, form=form, language=get_language()), content_type=FORMS[form][0], headers=headers
    )


async def _stream(chunks: Iterator[tuple[AuditEvent, ...]], *, form: str, language: str | None) -> AsyncIterator[bytes]:
    """Yield the file, one chunk in memory at a time. A database that fails breaks it off."""
    _, header, lines = FORMS[form]
    yield header().encode()
    write = sync_to_async(partial(_next_lines, chunks, lines, language=language))
    while (text := await write()) is not None:
        yield text.encode(errors="replace")


def _next_lines(chunks: Iterator[tuple[AuditEvent, ...]], lines: Lines, *, language: str | None) -> str | None:
    # A streamed body is made after the language of its request has ended.
    with override(language):
        events = next(chunks, None)
        return None if events is None else lines(events)


def _name(search: Search, *, form: str, whose: str) -> str:
    """Return the file's name, with the days that are in it."""
    today = timezone.now().date()
    since, until = search.day("after"), search.day("before")
    first = since.date() if since else finding.find_first_day(user=whose) or today
    last = min(today, until.date() - timedelta(days=1)) if until else today
    return f"devcontext-audit-{first}-to-{last}.{form}"
