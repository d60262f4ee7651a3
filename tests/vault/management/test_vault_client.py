"""The command registers clients with the vault's own settings and with those of a web process that is the vault."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from vault import clients, wire
from vault.errors import InvalidClientError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> str:
    """Run the command and return what it printed."""
    out = StringIO()
    call_command("vault_client", *arguments, stdout=out)
    return out.getvalue()


def printed(text: str, name: str) -> str:
    return next(line.split()[1] for line in text.splitlines() if line.startswith(name))


def create(*arguments: str) -> tuple[str, str]:
    text = run("create", "Reporter", *arguments)
    return printed(text, "client_id"), printed(text, "client_secret")


def test_a_client_is_registered_and_its_secret_printed_once() -> None:
    client, secret = create("--allow", "github", "--allow", "slack=users:read,channels:read")
    registration = clients.authenticate(client, secret=secret).registration
    assert registration is not None
    assert registration.allowed == {"github": None, "slack": frozenset({"users:read", "channels:read"})}
    assert registration.grant_types == {wire.GRANT_TYPE}
    listed = run("list")
    assert client in listed
    assert "[github slack=channels:read,users:read]" in listed
    assert secret not in listed


def test_both_grant_types_can_be_allowed() -> None:
    chosen = [f"--grant-type={urn.rpartition(':')[2]}" for urn in wire.GRANT_TYPES]
    client, secret = create("--allow=github", *chosen)
    registration = clients.authenticate(client, secret=secret).registration
    assert registration is not None
    assert registration.grant_types == set(wire.GRANT_TYPES)


def test_a_client_is_rotated_disabled_and_enabled() -> None:
    client, first = create("--allow=github")
    second = printed(run("rotate", client, "--overlap-hours", "0"), "client_secret")
    with pytest.raises(InvalidClientError):
        clients.authenticate(client, secret=first)
    assert "rotated" in run("list")
    run("disable", client)
    assert "disabled" in run("list")
    with pytest.raises(InvalidClientError):
        clients.authenticate(client, secret=second)
    run("enable", client)
    assert clients.authenticate(client, secret=second).id == client


def test_the_secret_before_works_for_a_day_unless_said_otherwise() -> None:
    client, first = create("--allow=github")
    run("rotate", client)
    assert clients.authenticate(client, secret=first).id == client


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "Reporter"],
        ["create", "Reporter", "--allow=gitlab"],
        ["create", "Reporter", "--allow=slack="],
        ["create", "Reporter", "--allow=slack=users:read", "--allow=slack"],
        ["create", " ", "--allow=github"],
        ["create", "two\nlines", "--allow=github"],
        ["create", "Reporter", "--allow=github", "--grant-type=password"],
        ["rotate", "cli_unknown"],
        ["rotate", "cli_unknown", "--overlap-hours=-1"],
        ["rotate", "cli_unknown", "--overlap-hours=nan"],
        ["disable", "cli_unknown"],
        ["enable", "cli_unknown"],
        ["drop", "cli_unknown"],
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert run("list") == ""


@pytest.mark.parametrize("settings_module", ["devcontext.settings.vault", "devcontext.settings.web"])
def test_it_runs_with_the_settings_of_the_vault_and_of_the_web(settings_module: str, tmp_path: Path) -> None:
    # In files of its own, whatever the databases of the tests are.
    inherited = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")}
    environment = inherited | {"DJANGO_SETTINGS_MODULE": settings_module, "DATA_DIR": str(tmp_path)}
    if settings_module.endswith("vault"):
        environment["SUBJECT_PUBLIC_KEY"] = settings.SUBJECT_PUBLIC_KEY

    def manage(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    for database in ("vault", "audit"):
        manage("migrate", "--database", database, "--verbosity", "0")
    created = manage("vault_client", "create", "Reporter", "--allow", "github")
    assert printed(created, "client_id") in manage("vault_client", "list")
