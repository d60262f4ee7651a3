"""Names of people and sessions outside the app's database."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from permissions.subjects import is_still_signed_in, sid_of, subject_of


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


@pytest.mark.django_db
def test_a_session_whose_time_is_over_is_nobodys_although_its_row_is_still_there() -> None:
    """Rows stay until somebody clears them; a socket that was opened in time must not outlive its session."""
    alice, browser = User.objects.create_user("alice"), Client()
    browser.force_login(alice)
    session = browser.session
    assert is_still_signed_in(session, user_id=alice.pk)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert Session.objects.exists()
    assert not is_still_signed_in(session, user_id=alice.pk)
