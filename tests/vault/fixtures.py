"""The vault's providers, for every test that asks for them."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from devcontext.settings import providers
from tests.vault.upstream import Upstream, serve


@pytest.fixture
def upstream(settings: Settings) -> Iterator[Upstream]:
    """Return the providers, which the vault reaches over HTTP on this machine."""
    with serve(Upstream()) as upstream:
        settings.PROVIDERS = providers.load(sandbox_url=upstream.url, with_secrets=True)
        yield upstream
