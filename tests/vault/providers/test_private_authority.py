"""The vault believes an enterprise's own authority for that GitHub's hosts, and for no other provider's."""

from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.agent.api.upstream import Upstream, told
from tests.authority import make_authority
from vault.errors import UpstreamError
from vault.providers import registry

TOKENS = {"access_token": "ghu_new", "refresh_token": "ghr_new", "expires_in": 28800}


async def test_a_token_is_refreshed_with_githubs_own_authority(tmp_path: Path, settings: Settings) -> None:
    ca_file, tls = make_authority(tmp_path)
    async with Upstream.running(tls=tls) as server:
        server.tell("/token", told(TOKENS))
        known = replace(settings.PROVIDERS["github"], token_url=f"{server.url}/token", ca_file=str(ca_file))
        settings.PROVIDERS = {"github": known}
        assert (await registry.load("github").refresh(refresh_token="ghr_old")).access_token == "ghu_new"


@pytest.mark.parametrize("provider", ["github", "slack"])
async def test_no_secret_leaves_without_it(tmp_path: Path, settings: Settings, provider: str) -> None:
    """GitHub's authority says nothing about another host, and without it nobody vouches for GitHub."""
    ca_file, tls = make_authority(tmp_path)
    async with Upstream.running(tls=tls) as server, Upstream.running(tls=tls) as elsewhere:
        settings.PROVIDERS = {
            "github": replace(settings.PROVIDERS["github"], token_url=f"{elsewhere.url}/token", ca_file=str(ca_file)),
            provider: replace(settings.PROVIDERS[provider], token_url=f"{server.url}/token"),
        }
        with pytest.raises(UpstreamError) as raised:
            await registry.load(provider).refresh(refresh_token="ghr_old")
        assert (raised.value.code, server.received) == ("unreachable", [])
