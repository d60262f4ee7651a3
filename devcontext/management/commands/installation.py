"""`manage.py installation`: says where to click, what is real here and what is a stand-in."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from devcontext import demo
from permissions.services import SERVICES


class Command(BaseCommand):
    """Print this installation's address and what it is made of."""

    # `./dev up` has migrated before, which checks and warns; twice would read like two warnings.
    requires_system_checks = ()
    help = "Show the address of this installation and which of its services are stand-ins."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        self.stdout.write(f"\nDevContext is at {settings.APP_URL}")
        if settings.IS_DEMO:
            self.stdout.write("Sign in with the button “Continue as demo user”, or sign up with any e-mail address.")
        for slug, service in SERVICES.items():
            self.stdout.write(f"  {service.name:<16} {_describe(slug)}")
        self.stdout.write(f"  {'Claude':<16} {_describe_model()}")
        if settings.VAULT_URL:
            self.stdout.write(f"The token vault is a process of its own at {settings.VAULT_URL}.")
        if world := demo.find_world(settings.SANDBOX_URL):
            self.stdout.write(f"The stand-ins hold: {world.label}.")
        self.stdout.write("Stop with Ctrl-C.\n")


def _describe(slug: str) -> str:
    provider = settings.PROVIDERS.get(slug)
    if provider is None:
        return "not configured"
    return f"stand-in at {settings.SANDBOX_URL}" if provider.is_sandbox else "real, with your credentials"


def _describe_model() -> str:
    if not settings.HAS_MODEL:
        return "none: briefings are written from their facts alone"
    return f"stand-in at {settings.SANDBOX_URL}" if settings.IS_MODEL_SIMULATED else str(settings.CLAUDE_MODEL)
