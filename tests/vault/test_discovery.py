"""The documents anybody may read say what is true, and nothing that is secret."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
from joserfc import jws as joserfc_jws
from joserfc.jwk import KeySet, OKPKey

from tests.vault.conftest import actor, subject
from vault import wire
from vault.handler import VaultHandler

METADATA = "/.well-known/oauth-authorization-server"
JWKS = "/.well-known/jwks.json"


async def get(path: str, *, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(app=VaultHandler())
    async with httpx.AsyncClient(base_url="http://vault.test", transport=transport) as client:
        return await client.request(method, path)


async def test_the_metadata_tells_the_truth(settings: Any) -> None:
    """RFC 8414 section 3.2."""
    body = (await get(METADATA)).json()
    assert body["issuer"] == settings.VAULT_ISSUER
    assert body["token_endpoint"] == f"{settings.VAULT_ISSUER}/oauth/token"
    assert body["jwks_uri"] == settings.VAULT_ISSUER + JWKS
    assert wire.GRANT_TYPE in body["grant_types_supported"]
    assert body["token_endpoint_auth_signing_alg_values_supported"] == ["Ed25519"]


async def test_who_looks_where_openid_connect_does_reads_the_same() -> None:
    assert (await get("/.well-known/openid-configuration")).content == (await get(METADATA)).content


@pytest.mark.parametrize("path", [METADATA, "/.well-known/openid-configuration", JWKS])
async def test_the_documents_are_json_and_may_be_kept_for_minutes(path: str) -> None:
    response = await get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["cache-control"] == "public, max-age=300"
    assert (await get(path, method="HEAD")).status_code == 200
    assert (await get(path, method="POST")).status_code == 405


async def test_a_published_key_verifies_our_tokens_and_holds_nothing_private() -> None:
    """RFC 7517 section 9.2."""
    (key,) = (await get(JWKS)).json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    for token in (subject(), actor()):
        opened = joserfc_jws.deserialize_compact(token, KeySet.import_key_set({"keys": [key]}), algorithms=[key["alg"]])
        assert json.loads(opened.payload)["jti"]


async def test_a_key_is_named_by_its_thumbprint() -> None:
    """RFC 7638 section 3: SHA-256 of the required members in lexicographic order."""
    (key,) = (await get(JWKS)).json()["keys"]
    members = json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    digest = hashlib.sha256(members.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def test_a_private_key_that_was_configured_by_mistake_is_not_published(settings: Any) -> None:
    """A system check refuses it as well; a server that skipped the checks must not give it away."""
    key = OKPKey.generate_key("Ed25519")
    settings.SUBJECT_PUBLIC_KEY = key.as_pem(private=True).decode()
    response = await get(JWKS)
    assert "d" not in response.json()["keys"][0]
    assert key.as_dict(private=True)["d"] not in response.text
