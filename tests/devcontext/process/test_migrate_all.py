"""Each process brings its own databases up to date, also when both start at once and share the audit."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WEB = "devcontext.settings.web"
VAULT = "devcontext.settings.vault"
# Of no private key that anybody kept.
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""
APPS = """
import django, sys; django.setup()
web = {"agent", "allauth", "anthropic", "channels", "permissions"}
print(sorted(web & {name.split(".")[0] for name in sys.modules}))
"""


def start(*arguments: str, settings: str, root: Path) -> subprocess.Popen[str]:
    """Start Python in a process of an installation whose vault is separate and whose audit is shared."""
    is_vault = settings == VAULT
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings,
        "DATA_DIR": str(root / ("vault" if is_vault else "web")),
        "AUDIT_DIR": str(root),
        "VAULT_ISSUER": "http://127.0.0.1:8002",
        **({"SUBJECT_PUBLIC_KEY": PUBLIC_KEY} if is_vault else {"VAULT_URL": "http://127.0.0.1:8002"}),
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


def tables(database: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def migrations(database: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT app, name FROM django_migrations").fetchall()


def test_processes_can_migrate_at_the_same_moment(tmp_path: Path) -> None:
    """Two of each kind, so that some meet in every database whatever the machine's pace."""
    started = [start("manage.py", "migrate_all", settings=kind, root=tmp_path) for kind in (WEB, VAULT, WEB, VAULT)]
    assert [output_of(process) for process in started] == [""] * 4
    for name in ("audit", "vault/vault", "web/default"):
        recorded = migrations(tmp_path / f"{name}.sqlite3")
        assert len(recorded) == len(set(recorded)), "no migration ran twice"
    assert {app for app, _ in migrations(tmp_path / "audit.sqlite3")} == {"audit"}


def test_each_process_has_its_own_tables_and_no_others(tmp_path: Path) -> None:
    for settings in (VAULT, WEB):
        output_of(start("manage.py", "migrate_all", settings=settings, root=tmp_path))
    databases = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.sqlite3")}
    assert databases == {"audit.sqlite3", "vault/vault.sqlite3", "web/default.sqlite3"}
    assert "vault_sealedtoken" in tables(tmp_path / "vault" / "vault.sqlite3")
    assert not {name for name in tables(tmp_path / "vault" / "vault.sqlite3") if name.startswith(("auth", "django_s"))}
    assert not {name for name in tables(tmp_path / "web" / "default.sqlite3") if name.startswith(("vault", "audit"))}
    assert {"audit_event", "django_migrations"} <= tables(tmp_path / "audit.sqlite3")


def test_the_vault_process_makes_no_key_that_signs_tokens(tmp_path: Path) -> None:
    """Who verifies subject tokens must not be able to mint them; what it signs is the audit's log."""
    output_of(start("manage.py", "migrate_all", settings=VAULT, root=tmp_path))
    assert {path.name for path in (tmp_path / "vault" / "keys").iterdir()} == {
        ".gitignore",
        "audit-log.pem",
        "session.key",
        "vault.key",
    }


def test_the_web_process_makes_no_key_that_seals_tokens(tmp_path: Path) -> None:
    output_of(start("manage.py", "migrate_all", settings=WEB, root=tmp_path))
    assert {path.name for path in (tmp_path / "web" / "keys").iterdir()} == {
        ".gitignore",
        "content.key",
        "session.key",
        "subject-signing.pem",
    }


def test_the_vault_process_loads_nothing_of_the_web(tmp_path: Path) -> None:
    assert output_of(start("-c", APPS, settings=VAULT, root=tmp_path)).strip() == "[]"
    assert "agent" in output_of(start("-c", APPS, settings=WEB, root=tmp_path))
