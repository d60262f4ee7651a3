"""How a signed-in user and their session are named to the vault and in the audit, and whether they still are one."""

import time

from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

_AUTH_TIME = "auth_time"
_CONFIRMED_AT = "confirmed_at"


def subject_of(user_id: int) -> str:
    """Return the subject, `user:<id>`, that names a user outside the app's database."""
    return f"user:{user_id}"


def user_id_of(subject: str) -> int:
    """Return the row id of the user whom a subject names.

    Raises:
        ValueError: It names none.
    """
    kind, _, number = subject.partition(":")
    if kind != "user":
        raise ValueError("the subject names no user")
    return int(number)


def sid_of(session: SessionBase) -> str:
    """Return the session's public name: 32 hex digits from which the session key cannot be computed.

    Raises:
        ValueError: The session has no key, so nobody is signed in with it.
    """
    if not session.session_key:
        raise ValueError("a session that was never saved has no name")
    return salted_hmac("devcontext.sid", session.session_key, algorithm="sha256").hexdigest()[:32]


def is_still_signed_in(session: SessionBase, *, user_id: int) -> bool:
    """Tell whether the session still is this user's: not signed out, no new password, not deactivated.

    Sync and in one piece: an open page asks this every second, and `channels.auth.get_user` would open the database
    anew each time.
    """
    # SECURITY: read anew, since `exists` counts a row whose time is over, until somebody clears it away.
    if not session.session_key or not session.load():
        return False
    request = HttpRequest()
    request.session = session
    user = get_user(request)
    return user.is_authenticated and user.pk == user_id


def note_sign_in(session: SessionBase) -> None:
    """Write into the session that its user signed in to it now."""
    session[_AUTH_TIME] = time.time()


def auth_time_of(session: SessionBase) -> float:
    """Return when the user signed in to the session, in seconds since the epoch, for the claim `auth_time`.

    A session that does not know counts as begun before all others: whatever ends sessions ends it.
    """
    return float(session.get(_AUTH_TIME, 0.0))


async def load_auth_time(session: SessionBase) -> float:
    """Return what `auth_time_of` does, for async code: the session may have to be read first."""
    return float(await session.aget(_AUTH_TIME, 0.0))


def note_confirmation(session: SessionBase) -> None:
    """Write into the session that its user proved again now who they are."""
    session[_CONFIRMED_AT] = time.time()


async def load_confirmed_at(session: SessionBase) -> float:
    """Return when the user last proved who they are, by signing in or since, in seconds since the epoch."""
    return max(await load_auth_time(session), float(await session.aget(_CONFIRMED_AT, 0.0)))
