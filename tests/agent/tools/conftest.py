"""Lets these tests talk to a provider on loopback."""

from tests.agent.api.fixtures import calls, open_http, read_context, upstream

__all__ = ["calls", "open_http", "read_context", "upstream"]
