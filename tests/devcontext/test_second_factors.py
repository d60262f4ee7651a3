"""What a second factor stands on lies sealed in the database, and opens with the keys that are at hand alone."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import User
from joserfc.errors import JoseError
from pytest_django.fixtures import Settings

from agent import content_keys
from devcontext.second_factors import MFAAdapter


@pytest.mark.django_db
def test_an_authenticator_apps_secret_is_not_stored_in_the_open() -> None:
    secret = generate_totp_secret()
    TOTP.activate(User.objects.create_user("alice"), secret)
    row = Authenticator.objects.get()
    assert secret not in str(row.data)
    assert MFAAdapter().decrypt(row.data["secret"]) == secret


def test_an_older_key_opens_what_it_sealed(settings: Settings) -> None:
    sealed = MFAAdapter().encrypt("secret")
    settings.CONTENT_KEYS = f"{content_keys.new_entry(7)},{settings.CONTENT_KEYS}"
    assert MFAAdapter().decrypt(sealed) == "secret"


def test_without_its_key_nothing_opens(settings: Settings) -> None:
    sealed = MFAAdapter().encrypt("secret")
    settings.CONTENT_KEYS = content_keys.new_entry(7)
    with pytest.raises(JoseError):
        MFAAdapter().decrypt(sealed)


def test_what_was_changed_does_not_open() -> None:
    head, _, tag = MFAAdapter().encrypt("secret").rpartition(".")
    with pytest.raises(JoseError):
        MFAAdapter().decrypt(f"{head}.{'B' if tag[0] == 'A' else 'A'}{tag[1:]}")
