"""The permissions app: pages and policy; its tables hold preferences, and the vault what must hold."""

from django.apps import AppConfig

from audit import confirming, saved, vocabulary


class PermissionsConfig(AppConfig):
    """Tells the audit what the services are called and how to ask who is there, and keeps searches for it."""

    name = "permissions"

    def ready(self) -> None:
        """Register the services, who keeps searches and who asks."""
        from permissions import searches  # noqa: PLC0415  (an app imports its modules once apps are ready)
        from permissions.confirmation import (  # noqa: PLC0415  (an app imports its modules once apps are ready)
            recently_confirmed,
        )
        from permissions.services import SERVICES  # noqa: PLC0415  (an app imports its modules once apps are ready)

        vocabulary.register_services(SERVICES, told=lambda service: service.name)
        saved.keep_in(searches)
        confirming.ask_by(recently_confirmed)
