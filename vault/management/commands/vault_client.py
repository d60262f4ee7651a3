"""`manage.py vault_client`: registers the programs that may exchange tokens. A secret is printed once."""

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault import clients, wire
from vault.errors import InvalidClientError, VaultError
from vault.store import clients as store
from vault.store.clients import Registration

# The last part of a grant type's URN is enough to type.
_GRANT_TYPES = {urn.rpartition(":")[2]: urn for urn in wire.GRANT_TYPES}
_MAX_NAME_CHARACTERS = 100


class Command(BaseCommand):
    """Register, list, rotate, disable and enable clients."""

    help = "Manage the programs that may exchange tokens at the vault."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="register a program and print its secret")
        create.add_argument("name", type=_name, help="what people call it")
        create.add_argument(
            "--allow",
            action="append",
            required=True,
            type=_allowance,
            metavar="PROVIDER[=SCOPE,…]",
            help="a service it may have; with scopes, only a connection that carries no others",
        )
        create.add_argument(
            "--grant-type",
            action="append",
            choices=sorted(_GRANT_TYPES),
            help="what it may ask for; token-exchange (RFC 8693) when left out",
        )
        actions.add_parser("list", help="list the registered programs")
        rotate = actions.add_parser("rotate", help="print a new secret for a program")
        rotate.add_argument("client")
        rotate.add_argument(
            "--overlap-hours",
            type=_hours,
            default=clients.DEFAULT_OVERLAP,
            help="for how long the secret before it works on; 0 ends it at once (default: 24)",
        )
        for action, text in (("disable", "shut a program out"), ("enable", "let a disabled program in again")):
            actions.add_parser(action, help=text).add_argument("client")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the subcommand."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except InvalidClientError:
            raise CommandError("There is no client with this id.") from None
        except VaultError as error:
            raise CommandError(f"Nothing was changed: {error}") from None

    def _create(self, options: dict[str, Any]) -> None:
        allowed = dict(options["allow"])
        if len(allowed) != len(options["allow"]):
            raise CommandError("Name each service once, with all its scopes.")
        grant_types = frozenset(_GRANT_TYPES[name] for name in options["grant_type"] or ["token-exchange"])
        registration, secret = clients.register(options["name"], allowed=allowed, grant_types=grant_types)
        self.stdout.write(f"client_id      {registration.id}")
        self._show(secret)

    def _list(self, _options: dict[str, Any]) -> None:
        for registration in store.list_all():
            self.stdout.write(_line(registration))

    def _rotate(self, options: dict[str, Any]) -> None:
        self._show(clients.rotate(options["client"], overlap=options["overlap_hours"]))

    def _disable(self, options: dict[str, Any]) -> None:
        clients.disable(options["client"])
        self.stdout.write("Disabled: its next request is refused.")

    def _enable(self, options: dict[str, Any]) -> None:
        clients.enable(options["client"])
        self.stdout.write("Enabled.")

    def _show(self, secret: str) -> None:
        self.stdout.write(f"client_secret  {secret}")
        self.stdout.write("The secret is not shown again.")


def _line(registration: Registration) -> str:
    allowed = " ".join(
        provider if scopes is None else f"{provider}={','.join(sorted(scopes))}"
        for provider, scopes in sorted(registration.allowed.items())
    )
    grants = ",".join(sorted(urn.rpartition(":")[2] for urn in registration.grant_types))
    state = "enabled" if registration.is_enabled else "disabled"
    changed = f" rotated {registration.rotated_at:%Y-%m-%d}" if registration.rotated_at else ""
    created = f"created {registration.created_at:%Y-%m-%d}"
    return f"{registration.id}  {state}  {registration.name}  [{allowed}]  {grants}  {created}{changed}"


def _name(text: str) -> str:
    if not text.strip() or len(text) > _MAX_NAME_CHARACTERS or not text.isprintable():
        raise ArgumentTypeError(f"a name has 1 to {_MAX_NAME_CHARACTERS} printable characters")
    return text.strip()


def _allowance(text: str) -> tuple[str, frozenset[str] | None]:
    provider, has_scopes, scopes = text.partition("=")
    if provider not in settings.PROVIDERS:
        raise ArgumentTypeError(f"one of {', '.join(settings.PROVIDERS)}")
    if not has_scopes:
        return provider, None
    names = frozenset(name for name in scopes.split(",") if name)
    if not names:
        raise ArgumentTypeError("name the scopes after =, or leave = out")
    return provider, names


def _hours(text: str) -> timedelta:
    try:
        overlap = timedelta(hours=float(text))
    except (ValueError, OverflowError):
        raise ArgumentTypeError("a number of hours") from None
    if not timedelta() <= overlap <= timedelta(days=30):
        raise ArgumentTypeError("between 0 and 720 hours")
    return overlap
