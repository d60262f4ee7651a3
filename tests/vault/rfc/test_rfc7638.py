"""JSON Web Key Thumbprint."""

import hashlib
import json

import httpx

from tests.vault.asking import b64
from tests.vault.rfc.requirement import requires


@requires("3", "The thumbprint is the SHA-256 of the required members in lexicographic order, without white space.")
async def test_3_the_kid_is_the_thumbprint(http: httpx.AsyncClient) -> None:
    (key,) = (await http.get("/.well-known/jwks.json")).json()["keys"]
    required = json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    assert key["kid"] == b64(hashlib.sha256(required.encode()).digest())
