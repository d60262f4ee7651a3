"""The agent as a Django app."""

from django.apps import AppConfig

from audit import vocabulary
from permissions import needs


class AgentConfig(AppConfig):
    """Conversations, runs and their events; tells the audit what the tools read, and the pages what they need."""

    name = "agent"

    def ready(self) -> None:
        """Name what the tools read and need."""
        from agent.tools import TOOLS, needed_scopes  # noqa: PLC0415  (an app imports its modules once apps are ready)

        vocabulary.name_reads(lambda: {name: tool.reads for name, tool in TOOLS.items() if tool.provider})
        needs.name_needs(needed_scopes)
