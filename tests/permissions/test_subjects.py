"""Names of people and sessions outside the app's database."""

import pytest
from django.contrib.sessions.backends.db import SessionStore

from permissions.subjects import sid_of, subject_of


def test_a_user_is_named_by_id() -> None:
    assert subject_of(7) == "user:7"


def test_a_session_has_a_stable_name_that_does_not_show_its_key() -> None:
    """Whoever reads a sid in a log must not be able to take the session over."""
    key = "k" * 32
    sid = sid_of(SessionStore(session_key=key))
    assert sid == sid_of(SessionStore(session_key=key))
    assert sid != sid_of(SessionStore(session_key="j" * 32))
    assert len(sid) == 32
    assert key not in sid


def test_a_session_that_was_never_saved_has_no_name() -> None:
    with pytest.raises(ValueError, match="never saved"):
        sid_of(SessionStore())
