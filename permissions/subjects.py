"""How a signed-in user and their session are named to the vault and in the audit."""

from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import salted_hmac


def subject_of(user_id: int) -> str:
    """Return the subject, `user:<id>`, that names a user outside the app's database."""
    return f"user:{user_id}"


def sid_of(session: SessionBase) -> str:
    """Return the session's public name: 32 hex digits from which the session key cannot be computed.

    Raises:
        ValueError: The session has no key, so nobody is signed in with it.
    """
    if not session.session_key:
        raise ValueError("a session that was never saved has no name")
    return salted_hmac("devcontext.sid", session.session_key, algorithm="sha256").hexdigest()[:32]
