"""The composition root as a Django app: it brings the system checks and the commands."""

from django.apps import AppConfig


class DevContextConfig(AppConfig):
    """Registers the checks that refuse insecure settings, and what follows from a sign-in, a sign-out and the like."""

    name = "devcontext"

    def ready(self) -> None:
        """Register the checks and the receivers."""
        from agent.schedules import scheduler  # noqa: PLC0415  (with apps ready)
        from devcontext import account_changes, checks  # noqa: F401, PLC0415  (they register on import)

        scheduler.call_by(_call_worker)


def _call_worker() -> None:
    from devcontext.tasks import call_worker  # noqa: PLC0415  (Celery is loaded where it is needed)

    call_worker()
