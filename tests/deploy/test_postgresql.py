"""The roles of `deploy/*.sql` on a real server: each process can do its work, and nothing to the others' data."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from audit import personal_keys
from devcontext import local_keys
from devcontext.local_postgres import serve_postgres

ROOT = Path(__file__).resolve().parents[2]
DATABASES = {"default": "devcontext", "vault": "devcontext_vault", "audit": "devcontext_audit"}
# One for both processes, as docs/deployment.md says; each has a folder of its own.
PERSONAL_KEY = personal_keys.new_entry()
RECORD = """
from audit.events import Entry, Event
from audit.record import record
print(record(Entry(event=Event.AGENT_RUN_STARTED, user="user:1")))
"""


@dataclass(frozen=True)
class Server:
    """A server on which the roles were made, and the folder of the two processes."""

    url: str
    folder: Path

    def url_of(self, role: str, database: str) -> str:
        return f"{self.url}{DATABASES[database]}".replace("//postgres@", f"//devcontext_{role}@")

    def run_sql(self, name: str, *, url: str) -> None:
        program = shutil.which("psql")
        assert program, "install postgresql-client"
        passwords = [f"-v{role}_password={role}" for role in ("web", "vault", "audit")]
        subprocess.run([program, url, "-q", *passwords, "-f", ROOT / "deploy" / name], check=True)

    def manage(self, role: str, *command: str, audit_role: str = "") -> subprocess.CompletedProcess[str]:
        """Run a Django command as one of the two processes, with the settings that docs/deployment.md gives it."""
        own = {
            "web": {
                "DATABASE_URL": self.url_of("web", "default"),
                "VAULT_URL": "http://127.0.0.1:8002",
                "DJANGO_SETTINGS_MODULE": "devcontext.settings.web",
            },
            "vault": {
                "VAULT_DATABASE_URL": self.url_of("vault", "vault"),
                "SUBJECT_PUBLIC_KEY": local_keys.public_key_of(local_keys.signing_key(self.folder / "web" / "keys")),
                "DJANGO_SETTINGS_MODULE": "devcontext.settings.vault",
            },
        }[role]
        environment = {
            "VAULT_ISSUER": "http://127.0.0.1:8002",
            "AUDIT_DATABASE_URL": self.url_of(audit_role or role, "audit"),
            "DATA_DIR": str(self.folder / role),
            "AUDIT_PERSONAL_KEY": PERSONAL_KEY,
        }
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=os.environ | environment | own,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve_postgres(is_durable=False) as url:
        made = Server(url=url, folder=tmp_path_factory.mktemp("processes"))
        made.run_sql("postgresql.sql", url=f"{url}postgres")
        yield made


@pytest.fixture(scope="module")
def migrated(server: Server) -> Server:
    """Bring all databases up to date in the order of docs/deployment.md."""
    refused = server.manage("web", "migrate_all")
    assert refused.returncode == 1
    assert refused.stderr.endswith("may not change the tables of audit. Migrate it as its owner first.\n")
    assert "Traceback" not in refused.stderr
    owned = server.manage("vault", "migrate", "audit", "--database", "audit", audit_role="audit")
    assert owned.returncode == 0, owned.stderr
    server.run_sql("postgresql-audit.sql", url=server.url_of("audit", "audit"))
    for role in ("web", "vault"):
        done = server.manage(role, "migrate_all")
        assert (done.returncode, done.stderr) == (0, "")
    return server


@pytest.mark.parametrize("role", ["web", "vault"])
def test_each_process_appends_to_the_audit(migrated: Server, role: str) -> None:
    done = migrated.manage(role, "shell", "--no-imports", "-v0", "-c", RECORD)
    assert int(done.stdout) > 0, done.stderr


SEAL = """
import tempfile
from pathlib import Path
from audit import log_keys
from audit.seal import Sealer
print(Sealer(log_keys.current(), pin_file=Path(tempfile.mkdtemp()) / "pin").seal_next())
"""


def test_the_vault_seals_what_both_recorded_and_verifies_it(migrated: Server) -> None:
    for role in ("web", "vault"):
        assert migrated.manage(role, "shell", "--no-imports", "-v0", "-c", RECORD).returncode == 0
    done = migrated.manage("vault", "shell", "--no-imports", "-v0", "-c", SEAL)
    assert int(done.stdout) >= 2, done.stderr
    verified = migrated.manage("vault", "audit_verify")
    assert (verified.returncode, "nothing was changed" in verified.stdout) == (0, True), verified.stderr


@pytest.mark.parametrize("table", ["leaf", "node", "checkpoint"])
def test_the_web_process_adds_nothing_to_the_log(migrated: Server, table: str) -> None:
    with psycopg.connect(migrated.url_of("web", "audit")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(f"INSERT INTO audit_{table} DEFAULT VALUES")


CONNECTED = """
from audit.events import Entry, Event
from audit.record import record
print(record(Entry(event=Event.VAULT_CONNECTION_CONNECTED, user="user:7", account="alice-gh")))
"""


def test_both_record_who_somebody_is_sealed_and_the_web_process_alone_erases_it(migrated: Server) -> None:
    for role in ("vault", "web"):
        done = migrated.manage(role, "shell", "--no-imports", "-v0", "-c", CONNECTED)
        assert int(done.stdout) > 0, done.stderr
    erase = ("audit_erase_user", "user:7", "--yes")
    assert migrated.manage("vault", *erase).returncode == 1
    done = migrated.manage("web", *erase)
    assert (done.returncode, done.stdout) == (0, "user:7 is erased.\n"), done.stderr
    with psycopg.connect(migrated.url_of("web", "audit")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("DELETE FROM audit_subject_key")


@pytest.mark.parametrize("role", ["web", "vault"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET reason = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "DROP TABLE audit_event",
        "UPDATE audit_leaf SET nonce = nonce",
        "DELETE FROM audit_checkpoint",
        "TRUNCATE audit_node",
        "DROP TRIGGER audit_event_append_only ON audit_event",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('audit', 'x', now())",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
    ],
)
def test_no_process_changes_what_was_recorded(migrated: Server, role: str, statement: str) -> None:
    with psycopg.connect(migrated.url_of(role, "audit")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement)


def test_the_audits_owner_meets_its_triggers(migrated: Server) -> None:
    with psycopg.connect(migrated.url_of("audit", "audit")) as connection, pytest.raises(InsufficientPrivilege) as met:
        connection.execute("DELETE FROM audit_event")
    assert "audit events are append-only" in str(met.value)


@pytest.mark.parametrize(
    ("role", "database"),
    [("web", "vault"), ("vault", "default"), ("audit", "vault"), ("audit", "default")],
)
def test_no_role_opens_a_database_that_is_not_its_own(migrated: Server, role: str, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(migrated.url_of(role, database))
