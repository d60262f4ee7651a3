"""What the views of this app share: who asks, which service an address names, and rendering off the event loop."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_noop

from permissions.services import SERVICES
from permissions.subjects import load_auth_time, sid_of, subject_of
from permissions.types import Service
from vault.client import Asker

# What a page says when this session is signed in here and ended at the vault, as after the account was switched off.
SESSION_ENDED = gettext_noop(
    "This session has ended, so nothing of your services is shown or changed. Sign out and in again."
)


async def load_asker(request: HttpRequest) -> Asker:
    """Return who is signed in; for views behind `login_required`."""
    user = await request.auser()
    assert user.pk is not None
    session = request.session
    return Asker(user=subject_of(user.pk), sid=sid_of(session), auth_time=await load_auth_time(session))


def load_service(provider: str) -> Service:
    """Return the service named in an address.

    Raises:
        Http404: There is no such service.
    """
    try:
        return SERVICES[provider]
    except KeyError:
        raise Http404 from None


async def render_page(
    request: HttpRequest, *, template: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """Render in a worker thread: the shell reads `request.user`, which may ask the database."""
    return await sync_to_async(render)(request, template, context, status=status)


def see_page() -> HttpResponseRedirect:
    """Return the redirect that ends a change: 303, so that a reload does not repeat it."""
    return HttpResponseRedirect(reverse("permissions:page"), status=303)


def go_back(request: HttpRequest) -> HttpResponseRedirect:
    """Return the redirect that ends a change: to the page on which it was made, if the form names one of ours."""
    page = request.POST.get("next", "")
    # SECURITY: a path of this host and nothing else, so that no form can lead a user away from here.
    if not page.startswith("/") or not url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        return see_page()
    return HttpResponseRedirect(page, status=303)
