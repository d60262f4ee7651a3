"""The composition root as a Django app: it brings the system checks and the commands."""

from django.apps import AppConfig


class DevContextConfig(AppConfig):
    """Registers the checks that refuse insecure settings."""

    name = "devcontext"

    def ready(self) -> None:
        """Register the system checks."""
        from devcontext import checks  # noqa: F401, PLC0415  (checks register on import, once apps are ready)
