"""How django-allauth signs people in here: each sign-in and sign-out is audited, no third-party token is ever kept."""

from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import filter_users_by_email
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from agent import conversations, memory
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from devcontext import sessions
from permissions.subjects import subject_of

# allauth gives a new account the name before its e-mail address's "@"; it never makes one with a colon.
DEMO_USERNAME = "demo:maya"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Audits sessions, and who tried in vain to begin one."""

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign in, and record it; without its audit row there is no session."""
        record(Entry(event=Event.ACCOUNT_SESSION_STARTED, user=subject_of(user.pk)))
        if request.user.is_authenticated and request.user.pk != user.pk:
            # Django drops the session of whoever was signed in here before, and tells nobody.
            sessions.end_session(request.session, user=request.user)
        super().login(request, user)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record that a password was wrong; there is no session, so nothing waits for the audit.

        SECURITY: an address that nobody has leaves an event as well, of no user: else the time that the answer takes
        would tell which addresses have an account. Django-allauth limits how often this can happen.
        """
        super().authentication_failed(request, **credentials)
        user = next(iter(filter_users_by_email(credentials.get("email") or "", is_active=True)), None)
        with suppress(AuditUnavailableError):
            record(Entry(event=Event.ACCOUNT_SESSION_DENIED, user=subject_of(user.pk) if user else ""))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Lead who has asked nothing yet and said nothing of their week to the first steps; an explicit `next` wins.

        A sign-up leads there by itself, but not where an address has to be confirmed first: that ends with a sign-in.
        """
        user = request.user.pk
        if user is not None and not conversations.has_any(user) and not memory.has_week_settings(user):
            return reverse("agent:welcome")
        return str(super().get_login_redirect_url(request))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the ways to say again who one is; the demo user has no password and says it with their button."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not settings.IS_DEMO or user.get_username() != DEMO_USERNAME:
            return methods
        button = {"id": "demo", "description": gettext("Continue as demo user"), "url": reverse("demo_reauthenticate")}
        return [button, *methods]

    def logout(self, request: HttpRequest) -> None:
        """End the session, then record it: signing out never waits for the audit, which logs what it cannot take."""
        user_id = request.user.pk
        super().logout(request)
        if user_id is not None:
            with suppress(AuditUnavailableError):
                record(Entry(event=Event.ACCOUNT_SESSION_ENDED, user=subject_of(user_id)))


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Forgets the provider's token before anything can store it."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Drop the token.

        SECURITY: with SOCIALACCOUNT_STORE_TOKENS off allauth still serializes the whole login, token included, into
        the session while it waits for an e-mail confirmation or a second factor.
        """
        sociallogin.token = None
