"""Lets these tests talk to a provider on loopback."""

from tests.agent.api.fixtures import calls, context, open_http, upstream

__all__ = ["calls", "context", "open_http", "upstream"]
