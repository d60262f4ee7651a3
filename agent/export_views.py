"""An answer to take along: as text for JavaScript that copies it, as a page with the text without, a chat as a file."""

import re
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from agent import conversations, store
from agent.briefing import renderings
from agent.briefing.document import parse
from agent.briefing.lengths import Length
from agent.errors import ContentClosedError, RunNotFoundError
from agent.types import RunAnswer

_NAMES = {"slack": "Slack", "markdown": "Markdown", "speech": "To say"}
_TYPES = ["text/html", "text/plain"]


@login_required
@require_safe
async def export(request: HttpRequest, run: UUID, form: str) -> HttpResponse:
    """Return the answer of one of the user's own runs in a form of `renderings.FORMATS`; `?length=` shortens it.

    A client that prefers `text/plain` gets the text itself.
    """
    try:
        length = Length(request.GET.get("length", Length.FULL))
    except ValueError:
        raise Http404 from None
    if form not in renderings.FORMATS:
        raise Http404
    user = await request.auser()
    assert user.pk is not None
    return await sync_to_async(_answer)(request, user=user.pk, run=run, form=form, length=length)


def _answer(request: HttpRequest, *, user: int, run: UUID, form: str, length: Length) -> HttpResponse:
    try:
        answer = store.load_answer(run, user=user)
    except (RunNotFoundError, ContentClosedError):
        raise Http404 from None
    if not answer.text:
        raise Http404
    text = renderings.render(parse(answer.text, evidence=answer.evidence), form=form, length=length)
    if request.get_preferred_type(_TYPES) == "text/plain":
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    else:
        forms = [(name, _links(run, form=one, current=(form, length))) for one, name in _NAMES.items()]
        response = render(
            request, "agent/export.html", {"text": text, "forms": forms, "conversation": answer.conversation}
        )
    patch_vary_headers(response, ["Accept"])
    return response


def _links(run: UUID, *, form: str, current: tuple[str, Length]) -> list[dict[str, Any]]:
    address = reverse("agent:export", args=(run, form))
    return [
        {"href": f"{address}?length={length}", "length": length.capitalize(), "is_current": (form, length) == current}
        for length in Length
    ]


@login_required
@require_safe
def export_chat(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Return one of the user's own conversations as a Markdown file: each question as a heading, then its answer."""
    user = request.user.pk
    assert user is not None
    try:
        row, runs = conversations.load_conversation(conversation, user=user)
        answers = [store.load_answer(run, user=user) for run in runs]
    except (RunNotFoundError, ContentClosedError):
        raise Http404 from None
    parts = [f"# {_line(row.title)}", *(_part(answer) for answer in answers)]
    text = "\n\n".join(parts) + "\n"
    name = f"devcontext-{row.started_at:%Y-%m-%d}-{str(row.id)[:8]}.md"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)


def _part(answer: RunAnswer) -> str:
    asked = f"## {_line(answer.question)}\n\n*Asked {answer.started_at:%Y-%m-%d %H:%M} UTC*"
    return f"{asked}\n\n{answer.text or '*There is no answer.*'}"


def _line(text: str) -> str:
    """Return `text` on one line, with nothing in it that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", " ".join(text.split()))
