"""Lets these tests talk to a provider on loopback."""

import pytest

from agent.tool import ReadContext
from tests.agent.api.fixtures import Open, calls, open_http, read_context, upstream
from tests.agent.api.upstream import Upstream
from tests.agent.tools.github_answers import GitHub

__all__ = ["calls", "github", "open_http", "read_context", "upstream"]


@pytest.fixture
def github(upstream: Upstream, open_http: Open, read_context: ReadContext) -> GitHub:
    """GitHub on loopback."""
    return GitHub(upstream, open_http, read_context)
