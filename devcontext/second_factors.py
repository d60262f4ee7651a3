"""Seals what a second factor stands on, the secrets of authenticator apps and recovery codes, under the content keys.

A thief of the database alone could otherwise compute everybody's codes. Passkeys need none of it: what is stored of
one is public.
"""

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from joserfc import jwe
from joserfc.jwk import KeySet, OctKey

from agent import content_keys


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth carries no types
    """Keeps secrets as JWE (RFC 7516, `dir` with A256GCM); the header names the number of the content key."""

    def encrypt(self, text: str) -> str:
        """Return `text` sealed by the first content key."""
        newest = _keys().keys[0]
        return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM", "kid": newest.kid}, text.encode(), newest)

    def decrypt(self, encrypted_text: str) -> str:
        """Return what was sealed.

        Raises:
            JoseError: It was changed, or its key is not at hand.
        """
        plaintext = jwe.decrypt_compact(encrypted_text, _keys()).plaintext
        # SECURITY: an empty secret would have codes that anybody can compute.
        assert plaintext
        return plaintext.decode()


def _keys() -> KeySet:
    keys = content_keys.parse(settings.CONTENT_KEYS)
    return KeySet([OctKey.import_key(key, {"kid": str(number)}) for number, key in keys.items()])
