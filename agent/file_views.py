"""What leaves as a file: a conversation or one answer as HTML, a conversation as Markdown. Each is put on record."""

import re
from datetime import UTC
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agent import conversations, memory, sharing, store, transcript
from agent.briefing import renderings
from agent.briefing.document import parse
from agent.briefing.lengths import Length
from agent.errors import ContentClosedError, RunNotFoundError
from agent.sharing import Shared
from agent.types import RunAnswer
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of


@login_required
@require_safe
def save_answer(request: HttpRequest, run: UUID) -> HttpResponse:
    """Return one of the user's own runs as one HTML file; 503 where it cannot be put on record."""
    user = request.user.pk
    assert user is not None
    try:
        shared = _load(run, user=user)
    except (RunNotFoundError, ContentClosedError):
        raise Http404 from None
    name = f"devcontext-{shared.started_at:%Y-%m-%d}-{str(run)[:8]}.html"
    title = shared.told.question or _("A question")
    text = _render(request, user=user, title=title, runs=[shared])
    recorded = Entry(
        event=Event.AGENT_ANSWER_EXPORTED, user=subject_of(user), run=shared.told.copy_of or str(run), reason="html"
    )
    return _file(text, kind="html", name=name, recorded=recorded)


@login_required
@require_safe
def save_chat(request: HttpRequest, conversation: UUID, form: str) -> HttpResponse:
    """Return one of the user's own conversations as a file, `html` or `markdown`; 503 where it cannot be recorded."""
    user = request.user.pk
    assert user is not None
    try:
        row, runs = conversations.load_conversation(conversation, user=user)
        if form == "html":
            text = _render(request, user=user, title=row.title, runs=[_load(run, user=user) for run in runs])
        else:
            text = _markdown(row.title, answers=[store.load_answer(run, user=user) for run in runs])
    except (RunNotFoundError, ContentClosedError):
        raise Http404 from None
    name = f"devcontext-{row.started_at:%Y-%m-%d}-{str(row.id)[:8]}.{'html' if form == 'html' else 'md'}"
    recorded = Entry(event=Event.AGENT_CHAT_EXPORTED, user=subject_of(user), reason=form)
    return _file(text, kind=form, name=name, recorded=recorded)


def _file(text: str, *, kind: str, name: str, recorded: Entry) -> HttpResponse:
    try:
        record(recorded)
    except AuditUnavailableError:
        sentence = _("The audit timeline cannot be written right now, so nothing was saved. Try again in a moment.")
        return HttpResponse(sentence, status=503, content_type="text/plain; charset=utf-8")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=f"text/{kind}; charset=utf-8", headers=headers)


def _load(run: UUID, *, user: int) -> Shared:
    row = store.load_run(run, user=user)
    told = transcript.tell(frame for _seq, frame in store.list_frames(run, user=user, after=0))
    return Shared(run=row.id, started_at=row.started_at, told=told)


def _render(request: HttpRequest, *, user: int, title: str, runs: list[Shared]) -> str:
    zone = memory.load_week(user, browser_zone=ZoneInfo(str(UTC))).time_zone
    with timezone.override(zone):
        return sharing.render(request, title=title, runs=runs, made_at=timezone.now())


def _markdown(title: str, *, answers: list[RunAnswer]) -> str:
    return "\n\n".join([f"# {_line(title)}", *map(_part, answers)]) + "\n"


def _part(answer: RunAnswer) -> str:
    asked = f"## {_line(answer.question)}\n\n*Asked {answer.started_at:%Y-%m-%d %H:%M} UTC*"
    # SECURITY: not the model's own words: a viewer of the file would load a picture that they name. Links lead to
    # evidence, as long as that is kept.
    text = renderings.render(parse(answer.text, evidence=answer.evidence), form="markdown", length=Length.FULL)
    return f"{asked}\n\n{text or '*There is no answer.*'}"


def _line(text: str) -> str:
    """Return `text` on one line, with nothing in it that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", " ".join(text.split()))
