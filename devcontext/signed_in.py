"""Where somebody is signed in, and how they end it: one's other sessions, or all of them, at the vault too."""

from collections.abc import Iterable
from importlib import import_module

from allauth.account.adapter import get_adapter
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from devcontext import sessions


class UserSessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]  # allauth carries no types
    """Ends sessions as a sign-out does: their runs stop, and the vault honours none of their tokens."""

    def end_sessions(self, user_sessions: Iterable[UserSession]) -> None:
        """End each of them, the vault's part first, while the session can still be read."""
        for user_session in user_sessions:
            session = _open(user_session.session_key)
            if session.get(SESSION_KEY) == str(user_session.user_id):
                sessions.end_session(session, user=user_session.user)
            user_session.end()


@require_POST
@login_required
def end_everywhere(request: HttpRequest) -> HttpResponse:
    """Sign the user out of every browser, this one last, so that it can say so."""
    assert request.user.pk is not None
    user_id = request.user.pk
    sessions.end_all_sessions(user_id)
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        # A session's owner stands in its sealed data alone; not every one is in allauth's list, which is younger.
        if row.get_decoded().get(SESSION_KEY) == str(user_id) and row.session_key != request.session.session_key:
            row.delete()
    UserSession.objects.filter(user_id=user_id).delete()
    get_adapter(request).logout(request)
    messages.success(request, gettext("You are signed out everywhere. Your connections stay as they are."))
    return redirect("account_login")


def _open(key: str) -> SessionBase:
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store(key)
