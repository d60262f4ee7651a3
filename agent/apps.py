"""The agent as a Django app."""

from django.apps import AppConfig


class AgentConfig(AppConfig):
    """Conversations, runs and their events."""

    name = "agent"
