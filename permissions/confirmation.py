"""Asks people to say again who they are before what a stranger at their unlocked screen must not do.

Connecting, widening, disconnecting and saving the audit as a file are behind it; the switch is not, since taking the
AI's access away must never wait.
"""

import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from permissions.subjects import load_confirmed_at

_Answer = TypeVar("_Answer", bound=HttpResponseBase)
# What a form of these pages sends and its page takes in its address, too.
_KEPT = ("reconnects", "connection", "leave_out")


def recently_confirmed(
    view: Callable[..., Coroutine[Any, Any, _Answer]],
) -> Callable[..., Coroutine[Any, Any, _Answer | HttpResponseRedirect]]:
    """Let only a user in who proved who they are within `ACCOUNT_REAUTHENTICATION_TIMEOUT`; for signed-in users.

    Others are sent to the page that asks, and come back to the page with the form: a change is never made up for.
    """

    @wraps(view)
    async def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> _Answer | HttpResponseRedirect:
        age_seconds = time.time() - await load_confirmed_at(request.session)
        if 0 <= age_seconds < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
            return await view(request, *args, **kwargs)
        address = f"{reverse('account_reauthenticate')}?{urlencode({'next': _page_of(request)})}"
        return HttpResponseRedirect(address, status=303)

    return wrapper


def _page_of(request: HttpRequest) -> str:
    if request.method != "POST":
        return request.get_full_path()
    kept = urlencode({name: request.POST.getlist(name) for name in _KEPT if request.POST.get(name)}, doseq=True)
    return f"{request.path}?{kept}" if kept else request.path
