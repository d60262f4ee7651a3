"""The agent as a Django app."""

from django.apps import AppConfig

from audit import vocabulary


class AgentConfig(AppConfig):
    """Conversations, runs and their events; tells the audit what the tools read."""

    name = "agent"

    def ready(self) -> None:
        """Name what the tools read."""
        from agent.tools import TOOLS  # noqa: PLC0415  (an app imports its modules once apps are ready)

        vocabulary.name_reads(lambda: {name: tool.reads for name, tool in TOOLS.items() if tool.provider})
