"""The audit app: it brings its table and the check that the table is still append-only."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Registers the system check of the append-only triggers."""

    name = "audit"

    def ready(self) -> None:
        """Register the system check."""
        from audit import checks  # noqa: F401, PLC0415  (checks register on import, once apps are ready)
