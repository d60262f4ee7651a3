"""The demo user's way in, for an installation in which everything is a stand-in."""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from devcontext import demo

DEMO_EMAIL = "maya@tidewater.example"
# Django's own columns of a user.
_MAX_NAME = 150


def load_demo_user() -> User:
    """Return the demo user, made on first use, without a password, under the name that the sandbox knows them by."""
    defaults = {"email": DEMO_EMAIL, "first_name": "Maya", "last_name": "Okafor", "password": make_password(None)}
    user, _ = User.objects.get_or_create(username="maya", defaults=defaults)
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
    return redirect("agent:new_chat")
