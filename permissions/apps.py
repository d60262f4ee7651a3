"""The permissions app: pages and policy; its tables hold preferences, and the vault what must hold."""

from django.apps import AppConfig

from audit import saved, vocabulary


class PermissionsConfig(AppConfig):
    """Tells the audit what the services are called, and keeps searches for it."""

    name = "permissions"

    def ready(self) -> None:
        """Register the services, and who keeps searches."""
        from permissions import searches  # noqa: PLC0415  (an app imports its modules once apps are ready)
        from permissions.services import SERVICES  # noqa: PLC0415  (an app imports its modules once apps are ready)

        vocabulary.register_services(SERVICES, told=lambda service: service.name)
        saved.keep_in(searches)
