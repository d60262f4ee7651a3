"""The permissions app: pages and policy; its tables hold preferences, and the vault what must hold."""

from django.apps import AppConfig

from audit import vocabulary


class PermissionsConfig(AppConfig):
    """Tells the audit what the services are called."""

    name = "permissions"

    def ready(self) -> None:
        """Name the services."""
        from permissions.services import SERVICES  # noqa: PLC0415  (an app imports its modules once apps are ready)

        vocabulary.name_services(lambda: {slug: service.name for slug, service in SERVICES.items()})
