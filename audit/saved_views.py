"""Saves the search of the timeline under a name and deletes one: plain forms that lead back to what it finds."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from audit import saved, timeline, vocabulary
from audit.access import subject_of
from audit.saved import MAX_NAME_CHARACTERS, MAX_SAVED
from audit.search import looks_like_token, parse


@require_POST
@login_required
def save_search(request: HttpRequest) -> HttpResponse:
    """Keep the search `q` under `name`, in the place of the one that is called so."""
    name, search = _name_in(request.POST.get("name", "")), parse(request.POST.get("q", ""), services=_services())
    if not name or looks_like_token(name):
        said = gettext("Give the search a name of at most {number} characters.").format(number=MAX_NAME_CHARACTERS)
    elif not search.parts or search.mistakes:
        # SECURITY: what may be a token is a mistake as well, and is not kept.
        said = gettext("There is nothing to save, or a part of the search is not understood.")
    elif not saved.keeper().save_search(subject_of(request.user), name=name, text=search.text):
        said = gettext("You have {number} saved searches. Delete one to save another.").format(number=MAX_SAVED)
    else:
        messages.success(request, gettext("“{name}” is saved.").format(name=name))
        return _see(search.text)
    messages.error(request, said)
    return _see(search.text)


@require_POST
@login_required
def delete_search(request: HttpRequest, number: int) -> HttpResponse:
    """Delete one of the user's saved searches and show what it found, so that it can be saved anew; 404 for others'."""
    deleted = None
    if number <= timeline.MAX_ID:
        deleted = saved.keeper().delete_search(subject_of(request.user), number=number)
    if deleted is None:
        raise Http404
    said = gettext("“{name}” is deleted. Here is what it searched for; save it again to keep it.")
    messages.success(request, said.format(name=deleted.name))
    return _see(deleted.text)


def _name_in(text: str) -> str:
    """Return a name on one line, "" for what is none or too long."""
    name = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return name if len(name) <= MAX_NAME_CHARACTERS else ""


def _services() -> tuple[str, ...]:
    return tuple(vocabulary.services())


def _see(text: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('audit:timeline')}?{urlencode({'q': text})}", status=303)
