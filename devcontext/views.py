"""The demo user's way in, for an installation in which everything is a stand-in."""

from allauth.account.adapter import get_adapter
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

DEMO_EMAIL = "maya@tidewater.example"


def load_demo_user() -> User:
    """Return the demo user, made on first use, without a password."""
    defaults = {"email": DEMO_EMAIL, "first_name": "Maya", "last_name": "Okafor", "password": make_password(None)}
    user, _ = User.objects.get_or_create(username="maya", defaults=defaults)
    return user


@require_POST
def demo_login(request: HttpRequest) -> HttpResponse:
    """Sign the demo user in; `devcontext.urls` has this view only where `settings.IS_DEMO` is true."""
    get_adapter(request).login(request, load_demo_user())
    return redirect("agent:new_chat")
