"""The user's own policy: what each tool may do, and what is left out of every answer. A change ends in a redirect."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from audit.errors import AuditUnavailableError
from permissions import needs, questions, store
from permissions.errors import AllowanceNotFoundError
from permissions.exclusions_form import ExclusionsForm, initial_of
from permissions.pages import go_back, load_service
from permissions.policy import Mode
from permissions.subjects import subject_of

_NOT_KEPT = gettext_noop(
    "The change could not be recorded, so it was not made. Until it can be, the AI reads nothing. Try again."
)


@require_POST
@login_required
def set_tools(request: HttpRequest, provider: str) -> HttpResponse:
    """Let each tool of a service read, ask first, or not read; one of which nothing usable is said is blocked."""
    service = load_service(provider)
    modes = {tool: _mode_of(request.POST.get(tool, "")) for tool in needs.tools_of(provider)}
    try:
        is_changed = store.set_modes(_user_of(request), provider=provider, modes=modes)
    except AuditUnavailableError:
        messages.error(request, gettext(_NOT_KEPT))
    else:
        said = gettext("What the AI may read of {name} is saved, and counts from the next read on.")
        messages.success(request, said.format(name=service.name) if is_changed else gettext("Nothing was changed."))
    return go_back(request)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def exclusions(request: HttpRequest) -> HttpResponse:
    """Show what is left out, or keep what was sent; a mistake is shown with status 422."""
    user = _user_of(request)
    if request.method != "POST":
        form = ExclusionsForm(initial=initial_of(store.list_exclusions(user)))
        return render(request, "permissions/exclusions.html", {"form": form})
    form = ExclusionsForm(request.POST)
    if not form.is_valid():
        return render(request, "permissions/exclusions.html", {"form": form}, status=422)
    try:
        store.set_exclusions(user, exclusions=form.chosen)
    except AuditUnavailableError:
        messages.error(request, gettext(_NOT_KEPT))
        return render(request, "permissions/exclusions.html", {"form": form}, status=503)
    messages.success(request, gettext("What is left out is saved, and counts from the next read on."))
    return HttpResponseRedirect(reverse("permissions:exclusions"), status=303)


@require_POST
@login_required
def end_allowance(request: HttpRequest, allowance: int) -> HttpResponse:
    """Take back what was allowed for one conversation; what is gone, or somebody else's, is not found."""
    try:
        questions.end_allowance(allowance, user=_user_of(request))
    except AllowanceNotFoundError:
        raise Http404 from None
    except AuditUnavailableError:
        messages.error(request, gettext(_NOT_KEPT))
    else:
        messages.success(request, gettext("Taken back: you are asked again from the next read on."))
    return go_back(request)


def _mode_of(said: str) -> Mode:
    return Mode(said) if said in set(Mode) else Mode.BLOCK


def _user_of(request: HttpRequest) -> str:
    assert request.user.pk is not None
    return subject_of(request.user.pk)
