"""JSON Web Key Thumbprint."""

import hashlib
import json
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.vault.asking import b64
from tests.vault.rfc.requirement import requires

REQUIRED = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}


@requires("3", "The thumbprint is the SHA-256 of the required members in lexicographic order, without white space.")
@pytest.mark.parametrize(
    "key", [OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256"), RSAKey.generate_key(2048)], ids=REQUIRED
)
async def test_3_the_kid_is_the_thumbprint(
    http: httpx.AsyncClient, settings: Any, key: OKPKey | ECKey | RSAKey
) -> None:
    settings.SUBJECT_PUBLIC_KEY = key.as_pem(private=False).decode()
    (told,) = (await http.get("/.well-known/jwks.json")).json()["keys"]
    required = json.dumps({name: told[name] for name in REQUIRED[told["kty"]]}, separators=(",", ":"))
    assert told["kid"] == b64(hashlib.sha256(required.encode()).digest())
