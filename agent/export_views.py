"""An answer to copy: as text for JavaScript that copies it, as a page with the text without."""

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from agent import store
from agent.briefing import renderings
from agent.briefing.document import parse
from agent.briefing.lengths import Length
from agent.errors import ContentClosedError, RunNotFoundError

_LENGTHS = {
    Length.FULL: gettext_noop("Full"),
    Length.SHORT: gettext_noop("Short"),
    Length.HEADLINE: gettext_noop("Headline"),
}
_NAMES = {
    "slack": "Slack",
    "markdown": "Markdown",
    "text": gettext_noop("Plain text"),
    "speech": gettext_noop("To say"),
}
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
        forms = [(gettext(name), _links(run, form=one, current=(form, length))) for one, name in _NAMES.items()]
        response = render(
            request, "agent/export.html", {"text": text, "forms": forms, "conversation": answer.conversation}
        )
    patch_vary_headers(response, ["Accept"])
    return response


def _links(run: UUID, *, form: str, current: tuple[str, Length]) -> list[dict[str, Any]]:
    address = reverse("agent:export", args=(run, form))
    return [
        {
            "href": f"{address}?length={length}",
            "length": gettext(_LENGTHS[length]),
            "is_current": (form, length) == current,
        }
        for length in Length
    ]
