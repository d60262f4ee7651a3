"""JSON Web Key: the keys that the vault publishes."""

from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.vault.rfc.requirement import requires


async def keys(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await http.get("/.well-known/jwks.json")).json()["keys"]
    return listed


@requires("4", "The member names of a key are unique and kty is there.")
async def test_4_kty(http: httpx.AsyncClient) -> None:
    """RFC 8037 section 2: `OKP` for Ed25519, whose public key is `x`."""
    (key,) = await keys(http)
    assert (key["kty"], key["crv"], len(key["x"])) == ("OKP", "Ed25519", 43)


@requires("4.2", "use says that the key is for signatures.")
async def test_4_2_use(http: httpx.AsyncClient) -> None:
    assert {key["use"] for key in await keys(http)} == {"sig"}


@requires("4.4", "alg says the one algorithm that the key is used with.")
async def test_4_4_alg(http: httpx.AsyncClient) -> None:
    assert {key["alg"] for key in await keys(http)} == {"Ed25519"}


@requires("4.5", "Keys of one set have different kid values.")
async def test_4_5_kid(http: httpx.AsyncClient) -> None:
    listed = await keys(http)
    assert len({key["kid"] for key in listed}) == len(listed)


@requires("5.1", "A JWK Set is a JSON object whose member keys is an array.")
async def test_5_1_keys(http: httpx.AsyncClient) -> None:
    body = (await http.get("/.well-known/jwks.json")).json()
    assert set(body) == {"keys"}
    assert isinstance(body["keys"], list)
    assert body["keys"]


@requires("9.2", "Private keys must be protected from disclosure: no private member is published.")
@pytest.mark.parametrize(
    "key",
    [OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256"), RSAKey.generate_key(2048)],
    ids=lambda key: key.key_type,
)
async def test_9_2_nothing_private(http: httpx.AsyncClient, settings: Any, key: OKPKey | ECKey | RSAKey) -> None:
    """Not even that of a private key that was configured by mistake."""
    settings.SUBJECT_PUBLIC_KEY = key.as_pem(private=True).decode()
    (told,) = await keys(http)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & set(told)
    assert key.as_dict(private=False).items() <= told.items()


@requires("5", "A set holds several keys: while a signing key is rotated, the previous one and the current one.")
async def test_5_several_keys(http: httpx.AsyncClient, settings: Any) -> None:
    new = ECKey.generate_key("P-256").as_pem(private=False).decode()
    settings.SUBJECT_PUBLIC_KEY = new + settings.SUBJECT_PUBLIC_KEY
    assert [key["alg"] for key in await keys(http)] == ["ES256", "Ed25519"]
    metadata = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "Ed25519"]
