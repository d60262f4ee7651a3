"""Deletes an account for good: connections, conversations, preferences, and what is personal in the audit.

The vault comes first: who cannot be erased there keeps the account, and can try again. A user who is deleted in another
way, such as from a shell, is forgotten as well (`devcontext.account_changes`).
"""

import logging

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib import messages
from django.contrib.auth import alogout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from audit import erasure
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions.confirmation import recently_confirmed
from permissions.subjects import subject_of
from vault.client import VaultError
from vault.client import sessions as vault

logger = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@recently_confirmed
async def delete_account(request: HttpRequest) -> HttpResponse:
    """Say what a deletion deletes and keeps, and do it once the user has typed their name."""
    user = await request.auser()
    assert isinstance(user, User)
    name = user.email or user.get_username()
    if request.method != "POST":
        return await _page(request, name=name)
    if request.POST.get("name", "").strip().casefold() != name.casefold():
        return await _page(request, name=name, error=gettext("That is not the name. Nothing was deleted."), status=400)
    try:
        await _delete(user)
    except (AuditUnavailableError, VaultError):
        error = gettext("The token vault or the audit does not answer. The account is still there: try again later.")
        return await _page(request, name=name, error=error, status=503)
    await alogout(request)
    await sync_to_async(messages.success)(
        request, gettext("Your account is deleted. The services are asked to take their tokens back.")
    )
    return redirect("account_login")


async def _delete(user: User) -> None:
    assert user.pk is not None
    subject = subject_of(user.pk)
    # Before anything is gone: a deletion that nobody can see afterwards does not happen.
    await sync_to_async(record)(Entry(event=Event.ACCOUNT_USER_DELETED, user=subject))
    await vault.forget_subject(user=subject)
    # The rest hangs on the user's row, or follows from its signal.
    await User.objects.filter(pk=user.pk).adelete()


def forget(user_id: int) -> None:
    """Forget a user whose row is gone: at the vault, then in the audit. Sync; what fails is logged."""
    subject = subject_of(user_id)
    try:
        async_to_sync(vault.forget_subject)(user=subject)
    except VaultError:
        logger.error("account.deletion.vault_failed", extra={"user": subject})  # noqa: TRY400  (no traceback tells more)
    try:
        erasure.erase(subject)
    except AuditUnavailableError:
        # `manage.py audit_erase_user` does it once the audit is back.
        logger.error("account.deletion.audit_failed", extra={"user": subject})  # noqa: TRY400  (no traceback tells more)


@sync_to_async
def _page(request: HttpRequest, *, name: str, error: str = "", status: int = 200) -> HttpResponse:
    return render(request, "account/delete.html", {"name": name, "error": error}, status=status)
