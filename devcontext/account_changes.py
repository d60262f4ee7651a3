"""What follows from a sign-in, a sign-out, a new password, a deactivation and a deletion, whoever brings them about.

Django and django-allauth announce these by signals; a form, the shell and a command all come by here. A change that
never saves the user (`QuerySet.update`, SQL) does not.
"""

from contextlib import suppress
from typing import Any

from allauth.account.signals import authentication_step_completed, password_changed, password_set
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from devcontext import account_deletion, sessions
from permissions.subjects import note_confirmation, note_sign_in, subject_of

_DECISIVE = frozenset({"password", "is_active"})


@receiver([user_logged_in, password_changed, password_set])
def _sign_in(request: HttpRequest, **_kwargs: Any) -> None:
    """Note when it was; who has just changed a password here goes on in a session that begins anew."""
    note_sign_in(request.session)


@receiver(authentication_step_completed)
def _confirm(request: HttpRequest, *, reauthenticated: bool = False, **_kwargs: Any) -> None:
    """Note that who is signed in has just said again who they are, in whichever way."""
    if reauthenticated:
        note_confirmation(request.session)


@receiver(authentication_failed)
def _refuse(user: User, authenticator: Authenticator, **_kwargs: Any) -> None:
    """Record that a code was wrong; django-allauth announces those alone, and `devcontext.passkeys` tells the rest."""
    record_denied_factor(user.pk, kind=str(authenticator.type))


def record_denied_factor(user_id: int | None, *, kind: str) -> None:
    """Record that something else than a password was wrong; it opened nothing, so nothing waits for the audit.

    `kind` is one of django-allauth's types of authenticators; without `user_id` it is of no user.
    """
    with suppress(AuditUnavailableError):
        user = subject_of(user_id) if user_id is not None else ""
        record(Entry(event=Event.ACCOUNT_FACTOR_DENIED, user=user, reason=kind))


@receiver(user_logged_out)
def _sign_out(request: HttpRequest, user: User | None, **_kwargs: Any) -> None:
    if user is not None and request.session.session_key:
        sessions.end_session(request.session, user=user)


@receiver(pre_save, sender=User)
def _compare(instance: Any, update_fields: frozenset[str] | None, **_kwargs: Any) -> None:
    """Note on the user whether this save ends their sessions: a new password, or no leave to sign in any more."""
    instance.ends_sessions = False
    if instance.pk is None or (update_fields is not None and not _DECISIVE & set(update_fields)):
        return
    before = User.objects.filter(pk=instance.pk).values("password", "is_active").first()
    if before is not None:
        is_deactivated = before["is_active"] and not instance.is_active
        instance.ends_sessions = is_deactivated or before["password"] != instance.password


@receiver(post_save, sender=User)
def _save(instance: Any, **_kwargs: Any) -> None:
    if instance.ends_sessions:
        sessions.end_all_sessions(instance.pk)


@receiver(post_delete, sender=User)
def _delete(instance: User, **_kwargs: Any) -> None:
    user_id = instance.pk
    sessions.end_all_sessions(user_id)
    transaction.on_commit(lambda: account_deletion.forget(user_id), using="default")
