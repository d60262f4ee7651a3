"""The Django app that web and vault have in common; it imports no app of either."""

from django.apps import AppConfig


class ProcessConfig(AppConfig):
    """Registers the checks that every process must pass."""

    name = "devcontext.process"

    def ready(self) -> None:
        """Register the system checks."""
        from devcontext.process import checks  # noqa: F401, PLC0415  (checks register on import, once apps are ready)
