"""A Slack workspace on loopback that the tests of the Slack tools share."""

from typing import Any

import pytest

from agent.tool import ReadContext, ToolResult
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Told, Upstream, told

# 20 November 2026, 15:00 and 16:00 UTC; the window of these tests begins that day.
FRIDAY, LATER = "1795186800.000100", "1795190400.000200"
LAST_WEEK = "1794582000.000300"


def match(text: str, *, ts: str = FRIDAY, user: str = "U2", **channel: Any) -> dict[str, Any]:
    """Return a message that a search found."""
    given = {"id": "C1", "name": "general", "is_private": False, "is_mpim": False}
    link = f"https://acme.slack.com/archives/C1/p{ts.replace('.', '')}"
    return {"channel": given | channel, "permalink": link, "ts": ts, "text": text, "user": user, "username": "app"}


class Slack:
    """Runs a Slack tool against a workspace of these messages."""

    def __init__(self, upstream: Upstream, open_http: Open, context: ReadContext) -> None:
        self.upstream, self.open_http, self.context = upstream, open_http, context
        self.steps: list[tuple[int, int]] = []
        upstream.tell("/api/auth.test", told({"ok": True, "url": "https://acme.slack.com/", "user_id": "U1"}))
        upstream.tell("/api/users.info", told({"ok": True, "user": {"name": "b", "profile": {"display_name": "Bob"}}}))
        channels = [{"id": "C1", "name": "general"}, {"id": "C2", "name": "general-2"}]
        upstream.tell("/api/users.conversations", told({"ok": True, "channels": channels}))

    async def mentions(self, *matches: dict[str, Any], total: int | None = None, **arguments: Any) -> ToolResult:
        """Search mentions."""
        found = {"matches": list(matches), "total": len(matches) if total is None else total}
        self.upstream.tell("/api/search.messages", told({"ok": True, "messages": found}))
        return await self.run("slack_mentions", arguments)

    async def messages(self, *messages: dict[str, Any], has_more: bool = False, **arguments: Any) -> ToolResult:
        """Read a channel; Slack sends the newest first."""
        self.upstream.tell(
            "/api/conversations.history", told({"ok": True, "messages": list(messages), "has_more": has_more})
        )
        return await self.run("slack_channel_messages", {"channel": "general"} | arguments)

    def tell(self, method: str, *bodies: dict[str, Any] | Told) -> None:
        """Answer a method with these, in order, and with the last one again and again."""
        answers = [body if isinstance(body, Told) else told({"ok": True} | body) for body in bodies]
        self.upstream.tell(f"/api/{method}", *answers)

    async def run(self, tool: str, arguments: dict[str, Any]) -> ToolResult:
        """Run a tool."""
        with self.open_http("slack", endpoints=TOOLS[tool].endpoints) as http:
            return await TOOLS[tool].run(TOOLS[tool].arguments(**arguments), http, self.context)

    def asked(self, method: str) -> list[dict[str, str]]:
        """Return the forms that were sent to a method."""
        return [request.form for request in self.upstream.received if request.path == f"/api/{method}"]


@pytest.fixture
def slack(upstream: Upstream, open_http: Open, read_context: ReadContext) -> Slack:
    """Slack on loopback."""
    return Slack(upstream, open_http, read_context)


def refused(error: str) -> Told:
    """Return Slack's refusal."""
    return told({"ok": False, "error": error})


def limited(seconds: int = 60) -> Told:
    """Return the answer to one request too many."""
    return told({"ok": False, "error": "ratelimited"}, status=429, headers={"retry-after": str(seconds)})
