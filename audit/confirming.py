"""Asks who is there before much of the timeline leaves. Another app knows how and registers itself."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

_askers: list[Callable[[View], View]] = []


def ask_by(asker: Callable[[View], View]) -> None:
    """Have people asked by `asker`, a decorator that lets only those into a view who proved of late who they are."""
    _askers[:] = [asker]


def confirmed(view: View) -> View:
    """Let only those in who proved of late who they are; for signed-in users."""

    @wraps(view)
    async def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        # SECURITY: looked up at each request, so that a process that was told of nobody lets nobody in.
        return await _askers[0](view)(request, *args, **kwargs)

    return wrapper
