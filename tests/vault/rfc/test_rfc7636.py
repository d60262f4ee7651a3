"""Proof Key for Code Exchange: the vault as the client of GitHub and Google."""

import re

import httpx
import pytest
from asgiref.sync import sync_to_async

from tests.vault.conftest import subject
from tests.vault.rfc.requirement import requires
from tests.vault.upstream import Upstream
from vault import connect
from vault.embedded import EmbeddedVault
from vault.store import flows

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])


async def start(vault: EmbeddedVault, provider: str = "github") -> httpx.QueryParams:
    return httpx.URL(await vault.start_connect(subject_token=subject(), provider=provider)).params


@requires("4.1", "The code verifier is 43 to 128 unreserved characters.")
async def test_4_1_the_verifiers_characters(vault: EmbeddedVault, upstream: Upstream) -> None:
    state = (await start(vault))["state"]
    flow = await sync_to_async(flows.take_flow)(state=state)
    assert flow
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", flow.code_verifier)


@requires("4.2", "A client that can use S256 must use S256; the challenge is 43 characters of base64url.")
@pytest.mark.parametrize("provider", ["github", "google-calendar"])
async def test_4_2_s256(vault: EmbeddedVault, upstream: Upstream, provider: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", (await start(vault, provider))["code_challenge"])


@requires("4.3", "The client sends code_challenge with code_challenge_method S256.")
@pytest.mark.parametrize("provider", ["github", "google-calendar"])
async def test_4_3_the_method_is_said(vault: EmbeddedVault, upstream: Upstream, provider: str) -> None:
    assert (await start(vault, provider))["code_challenge_method"] == "S256"


@requires("4.5", "The client sends the verifier of this very flow with the code.")
@pytest.mark.parametrize("provider", ["github", "google-calendar"])
async def test_4_5_the_verifier_fits(vault: EmbeddedVault, upstream: Upstream, provider: str) -> None:
    """The provider of these tests redeems a code for the verifier of its challenge alone."""
    url = await vault.start_connect(subject_token=subject(), provider=provider)
    assert "nonce=" in await connect.finish(provider, query=upstream.consent(url))
    url = await vault.start_connect(subject_token=subject(), provider=provider)
    answer = upstream.consent(url)
    upstream.codes[answer["code"]].query["code_challenge"] = "A" * 43
    assert (await connect.finish(provider, query=answer)).endswith("?error=provider")


@requires("7.1", "The verifier cannot be guessed: it is new for each flow, with 256 random bits or more.")
async def test_7_1_entropy(vault: EmbeddedVault, upstream: Upstream) -> None:
    states = [(await start(vault))["state"] for _ in range(4)]
    taken = [await sync_to_async(flows.take_flow)(state=state) for state in states]
    verifiers = {flow.code_verifier for flow in taken if flow}
    assert len(verifiers) == 4
    assert min(len(verifier) for verifier in verifiers) * 6 >= 256
