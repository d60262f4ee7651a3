"""Pages of an installation on one machine: the demo user's way in, and the sheet of all components."""

import re
from pathlib import Path

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import BaseReauthenticateView
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_POST, require_safe

from devcontext import demo
from devcontext.accounts import DEMO_USERNAME
from permissions.services import SERVICES

DEMO_EMAIL = "maya@tidewater.example"
# Django's own columns of a user.
_MAX_NAME = 150
_SPRITE = "icons.svg"
# What a tool call looks like in its lane: state, icon, note.
_CALL_STATES = (
    ("running", "spinner", "reading 12 of 30"),
    ("done", "check", "14 items · 812 ms"),
    ("blocked", "blocked", "blocked"),
    ("failed", "failed", "failed"),
    ("cut", "stop", "stopped"),
)


def load_demo_user() -> User:
    """Return the demo user, made on first use, without a password, under the name that the sandbox knows them by."""
    defaults = {"email": DEMO_EMAIL, "first_name": "Maya", "last_name": "Okafor", "password": make_password(None)}
    user, _ = User.objects.get_or_create(username=DEMO_USERNAME, defaults=defaults)
    world = demo.find_world(settings.SANDBOX_URL)
    if world and world.me and world.me != user.get_full_name():
        first, _, last = world.me.partition(" ")
        user.first_name, user.last_name = first[:_MAX_NAME], last[:_MAX_NAME]
        user.save(update_fields=["first_name", "last_name"])
    return user


@require_POST
def demo_login(request: HttpRequest) -> HttpResponse:
    """Sign the demo user in; `devcontext.urls` has this view only where `settings.IS_DEMO` is true."""
    get_adapter(request).login(request, load_demo_user())
    UserSession.objects.create_from_request(request)
    return redirect("agent:new_chat")


def components_context() -> dict[str, object]:
    """Return what the sheet shows besides its own words."""
    found = finders.find(_SPRITE)
    text = Path(found).read_text(encoding="utf-8") if found else ""
    return {
        "icons": re.findall(r'<symbol id="([^"]+)"', text),
        "sprite": static(_SPRITE),
        "call_states": _CALL_STATES,
        "example": next(iter(SERVICES)),
    }


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Show every component in every state; `devcontext.urls` has this view only where `DEBUG` is on."""
    return render(request, "debug/components.html", components_context())


class DemoReauthenticateView(BaseReauthenticateView):  # type: ignore[misc]  # allauth carries no types
    """Lets the demo user say again who they are, which takes a button; nobody else is let near it."""

    form_class = Form
    template_name = "account/demo_reauthenticate.html"

    def form_valid(self, form: Form) -> HttpResponse:
        """Note it, and go on to where the user came from."""
        # Django-allauth's own pages look at its records; what follows from one here is `devcontext.account_changes`'s.
        record_authentication(self.request, self.request.user, method="demo", reauthenticated=True)
        resumed: HttpResponse = super().form_valid(form)
        return resumed


demo_reauthenticate = login_required(DemoReauthenticateView.as_view())
