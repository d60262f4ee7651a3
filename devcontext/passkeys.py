"""Forms that take a passkey, as django-allauth has them; one that does not fit is on record.

Django-allauth announces a wrong code (`devcontext.account_changes`), and nothing of a passkey.
"""

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import auth
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from devcontext.account_changes import record_denied_factor


class _OnRecord(AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth carries no types
    """Records a passkey that was refused; nothing was opened by it, so nothing waits for the audit."""

    def clean_credential(self) -> Authenticator:
        """Return the passkey that fits.

        Raises:
            ValidationError: None does, or it was tried too often.
        """
        credential = self.cleaned_data["credential"]
        # What no browser sends is refused before it counts as an attempt: without a limit it would fill the audit.
        passkey = auth.parse_authentication_response(credential).raw_id
        try:
            return super().clean_credential()
        except ValidationError as error:
            # As with codes, what came too often to be looked at is not on record.
            if error.code == "incorrect_code":
                user = self.user or _find_owner(credential, passkey=passkey)
                record_denied_factor(user.pk if user else None, kind=Authenticator.Type.WEBAUTHN.value)
            raise


class Authenticate(_OnRecord):
    """A passkey after the password."""


class Login(_OnRecord, LoginWebAuthnForm):  # type: ignore[misc]  # allauth carries no types
    """A passkey alone."""


class Reauthenticate(_OnRecord, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth carries no types
    """A passkey of who is signed in and says it again."""


def _find_owner(credential: dict[str, object], *, passkey: bytes) -> User | None:
    """Return the user that an answer without a password names.

    SECURITY: anybody can name anybody in it, so only who also knows the id of a passkey of theirs, which is random and
    told to nobody before the password, leaves an event in their timeline. Others leave one of no user.
    """
    try:
        user: User = auth.extract_user_from_response(credential)
    except ValidationError:
        return None
    return user if auth.get_authenticator_by_credential_id(user, passkey) else None
