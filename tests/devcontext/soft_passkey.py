"""A passkey in software: it answers a page as a browser's device does.

Source: W3C WebAuthn Level 3, sections 6 and 7.
"""

import hashlib
import json
import os
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

# Where Django's test client asks.
_ORIGIN, _PARTY = "http://testserver", hashlib.sha256(b"testserver").digest()
_FLAG = AuthenticatorData.FLAG
_NO_MODEL = bytes(16)


class SoftPasskey:
    """A passkey of `user`, which is not yet known to the account."""

    def __init__(self, user: User) -> None:
        """Make its key and its id, which are random."""
        self.user = user
        self.id = os.urandom(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def add(self) -> None:
        """Have the account know it."""
        public = ES256.from_cryptography_key(self._key.public_key())
        attested = AttestedCredentialData.create(_NO_MODEL, self.id, public)
        data = AuthenticatorData.create(_PARTY, _FLAG.UP | _FLAG.UV | _FLAG.AT, 0, attested)
        response = {
            "clientDataJSON": CollectedClientData.create("webauthn.create", b"challenge", _ORIGIN).b64,
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }
        WebAuthn.add(self.user, "Phone", self._credential(response) | {"clientExtensionResults": {}})

    def answer(self, challenge: str, *, of: User | None = None) -> dict[str, str]:
        """Return the form that a browser posts, signed; it says that the passkey is `of` another user."""
        client = CollectedClientData.create("webauthn.get", challenge, _ORIGIN)
        data = AuthenticatorData.create(_PARTY, _FLAG.UP | _FLAG.UV, 1)
        signature = self._key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": client.b64,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(user_pk_to_url_str(of or self.user).encode()),
        }
        return {"credential": json.dumps(self._credential(response))}

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        encoded = websafe_encode(self.id)
        return {"id": encoded, "rawId": encoded, "type": "public-key", "response": response}
