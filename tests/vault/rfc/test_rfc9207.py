"""Authorization Server Issuer Identification: Google says who it is in `iss`."""

from typing import Any

import httpx
import pytest

from tests.vault.conftest import subject
from tests.vault.rfc.requirement import requires
from tests.vault.upstream import Upstream
from vault.embedded import EmbeddedVault

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])


async def answer(http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream, **changes: str) -> dict[str, str]:
    """Consent at Google, change what comes back, and return what the callback hands to the app."""
    url = await vault.start_connect(subject_token=subject(), provider="google-calendar")
    query: dict[str, Any] = upstream.consent(url) | changes
    response = await http.get("/connect/google-calendar/callback", params=query)
    return dict(httpx.URL(response.headers["location"]).params)


@requires("2.4", "The client compares iss with the issuer it sent the request to, and rejects another.")
@pytest.mark.parametrize("issuer", ["https://attacker.example", "", "null"])
async def test_2_4_another_issuer(
    http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream, issuer: str
) -> None:
    assert await answer(http, vault, upstream, iss=issuer) == {"error": "invalid_state"}
    assert not upstream.calls


@requires("2.4", "The comparison is that of simple strings (RFC 3986 section 6.2.1).")
@pytest.mark.parametrize("spelling", ["{}/", "{}?", " {}", "{}#", "{}:80"])
async def test_2_4_no_other_spelling(
    http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream, spelling: str
) -> None:
    assert "nonce" in await answer(http, vault, upstream, iss=upstream.url)
    assert await answer(http, vault, upstream, iss=spelling.format(upstream.url)) == {"error": "invalid_state"}


@requires("2.4", "An error response from another issuer is rejected too, and its error is not acted on.")
async def test_2_4_errors_too(http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream) -> None:
    forged = await answer(http, vault, upstream, error="access_denied", iss="https://attacker.example")
    assert forged == {"error": "invalid_state"}
    assert await answer(http, vault, upstream, error="access_denied", iss=upstream.url) == {"error": "access_denied"}


@requires("4", "Each provider has a redirect URI of its own, so that an answer cannot be mixed up with another's.")
async def test_4_mix_up(http: httpx.AsyncClient, vault: EmbeddedVault, upstream: Upstream) -> None:
    url = await vault.start_connect(subject_token=subject(), provider="google-calendar")
    response = await http.get("/connect/slack/callback", params=upstream.consent(url))
    assert response.headers["location"].endswith("?error=invalid_state")
    assert not upstream.calls
