"""The roles of `deploy/*.sql` on a real server: each process can do its work, and nothing to the others' data."""

import os
import re
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
from audit.events import Event
from devcontext import local_keys
from devcontext.local_postgres import serve_postgres

ROOT = Path(__file__).resolve().parents[2]
DATABASES = {"default": "devcontext", "vault": "devcontext_vault", "audit": "devcontext_audit"}
# One for both processes, as docs/deployment.md says; each has a folder of its own.
PERSONAL_KEY = personal_keys.new_entry()
# Something that only the process itself does.
OWN = {"web": "AGENT_RUN_STARTED", "vault": "VAULT_EXCHANGE_GRANTED"}
RECORD = """
from audit.events import Entry, Event
from audit.record import record
print(record(Entry(event=Event.{event}, user="user:1", account="alice-gh")))
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
        passwords = [f"-v{role}_password={role}" for role in ("web", "vault", "audit", "retention")]
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
    done = migrated.manage(role, "shell", "--no-imports", "-v0", "-c", RECORD.format(event=OWN[role]))
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
        record = RECORD.format(event=OWN[role])
        assert migrated.manage(role, "shell", "--no-imports", "-v0", "-c", record).returncode == 0
    done = migrated.manage("vault", "shell", "--no-imports", "-v0", "-c", SEAL)
    assert int(done.stdout) >= 2, done.stderr
    verified = migrated.manage("vault", "audit_verify")
    assert (verified.returncode, "nothing was changed" in verified.stdout) == (0, True), verified.stderr


@pytest.mark.parametrize("table", ["leaf", "node", "checkpoint"])
def test_the_web_process_adds_nothing_to_the_log(migrated: Server, table: str) -> None:
    with psycopg.connect(migrated.url_of("web", "audit")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(f"INSERT INTO audit_{table} DEFAULT VALUES")


def test_both_record_who_somebody_is_sealed_and_the_web_process_alone_erases_it(migrated: Server) -> None:
    for role in ("vault", "web"):
        record = RECORD.format(event=OWN[role]).replace("user:1", "user:7")
        done = migrated.manage(role, "shell", "--no-imports", "-v0", "-c", record)
        assert int(done.stdout) > 0, done.stderr
    assert migrated.manage("vault", "audit_rotate_personal_key").returncode == 1
    rotated = migrated.manage("web", "audit_rotate_personal_key")
    assert rotated.returncode == 0, rotated.stderr
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
    assert migrated.manage("web", "shell", "--no-imports", "-v0", "-c", RECORD.format(event=OWN["web"])).stdout
    with psycopg.connect(migrated.url_of("audit", "audit")) as connection, pytest.raises(InsufficientPrivilege) as met:
        connection.execute("DELETE FROM audit_event")
    assert "audit events are append-only" in str(met.value)


@pytest.mark.parametrize(
    ("role", "database"),
    [
        *(("web", "vault"), ("vault", "default"), ("audit", "vault"), ("audit", "default")),
        *(("retention", "vault"), ("retention", "default")),
    ],
)
def test_no_role_opens_a_database_that_is_not_its_own(migrated: Server, role: str, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(migrated.url_of(role, database))


COPY = """
    INSERT INTO audit_event (occurred_at, event, outcome, "user", provider, reason, run, tool, tool_call, client,
        connection, account, scope_asked, scope_granted, exchange, token_fingerprint, method, path, provider_request_id)
    VALUES (now(), %s, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '')
"""


def recordable(server: Server, role: str) -> set[str]:
    """Return the events that a role may record, each tried on its own; none of them stays."""
    found = set()
    with psycopg.connect(server.url_of(role, "audit")) as connection:
        for event in Event:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(COPY, [event.value])
            except InsufficientPrivilege:
                continue
            found.add(event.value)
    return found


def named_in(*apps: str) -> set[str]:
    """Return the events that the code of these apps records or looks for, by their names in it."""
    files = [path for app in apps for path in (ROOT / app).rglob("*.py") if "sandbox" not in path.parts]
    names = {name for path in files for name in re.findall(r"\bEvent\.([A-Z_]+)\b", path.read_text(encoding="utf-8"))}
    return {event.value for event in Event if event.name in names}


# What the app `audit` records itself, by the process that does so.
BY_AUDIT = {
    "web": {
        *(Event.AUDIT_EVENTS_EXPORTED, Event.AUDIT_EVENTS_VIEWED),
        *(Event.AUDIT_PERSONAL_ROTATED, Event.AUDIT_SUBJECT_ERASED),
    },
    "vault": {Event.AUDIT_KEY_ROTATED},
    "retention": {Event.AUDIT_RETENTION_FAILED, Event.AUDIT_RETENTION_STARTED, Event.AUDIT_RETENTION_SUCCEEDED},
}


@pytest.mark.parametrize(
    ("role", "apps"), [("web", ("agent", "permissions", "devcontext")), ("vault", ("vault",)), ("retention", ())]
)
def test_each_role_records_what_its_own_process_does_and_nothing_else(
    migrated: Server, role: str, apps: tuple[str, ...]
) -> None:
    """Who has taken over one process cannot make up what the other one did."""
    assert recordable(migrated, role) == named_in(*apps) | BY_AUDIT[role]


def test_every_event_is_recorded_by_exactly_one_role(migrated: Server) -> None:
    roles = [recordable(migrated, role) for role in ("web", "vault", "retention")]
    assert set.union(*roles) == set(Event)
    assert sum(map(len, roles)) == len(Event)


def test_a_process_that_is_both_records_for_both(migrated: Server) -> None:
    """As docs/deployment.md has it made: a role that is a member of both."""
    with psycopg.connect(f"{migrated.url}postgres", autocommit=True) as connection:
        connection.execute("CREATE ROLE devcontext_embedded LOGIN IN ROLE devcontext_web, devcontext_vault")
    assert recordable(migrated, "embedded") == recordable(migrated, "web") | recordable(migrated, "vault")


def test_the_vault_cannot_say_what_the_agent_did(migrated: Server) -> None:
    done = migrated.manage("vault", "shell", "--no-imports", "-v0", "-c", RECORD.format(event=OWN["web"]))
    assert "AuditUnavailableError" in done.stderr


REMOVE = """
from audit import log_keys, retention
print(retention.remove_older(log_keys.current(), days=0).events)
"""


@pytest.fixture
def grown(migrated: Server) -> Server:
    """Let the log have a segment that can go, and one that stays."""
    for command in (RECORD.format(event=OWN["vault"]), SEAL) * 2:
        done = migrated.manage("vault", "shell", "--no-imports", "-v0", "-c", command)
        assert done.returncode == 0, done.stderr
    return migrated


def test_the_role_of_retention_removes_what_had_its_time_and_the_vault_does_not(grown: Server) -> None:
    refused = grown.manage("vault", "shell", "--no-imports", "-v0", "-c", REMOVE)
    assert "AuditUnavailableError" in refused.stderr
    done = grown.manage("vault", "shell", "--no-imports", "-v0", "-c", REMOVE, audit_role="retention")
    assert int(done.stdout) >= 1, done.stderr
    verified = grown.manage("vault", "audit_verify")
    assert (verified.returncode, "removed for their age" in verified.stdout) == (0, True), verified.stderr


def test_a_vault_that_is_a_member_of_retention_removes_too(grown: Server) -> None:
    """As docs/deployment.md has it, for AUDIT_RETENTION_DAYS."""
    with psycopg.connect(f"{grown.url}postgres", autocommit=True) as connection:
        connection.execute("GRANT devcontext_retention TO devcontext_vault")
    done = grown.manage("vault", "shell", "--no-imports", "-v0", "-c", REMOVE)
    with psycopg.connect(f"{grown.url}postgres", autocommit=True) as connection:
        connection.execute("REVOKE devcontext_retention FROM devcontext_vault")
    assert int(done.stdout) >= 1, done.stderr


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM audit_event", "DELETE FROM audit_leaf", "DELETE FROM audit_removal", "TRUNCATE audit_leaf"],
)
def test_the_role_of_retention_meets_the_triggers(grown: Server, statement: str) -> None:
    with psycopg.connect(grown.url_of("retention", "audit")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("role", ["web", "vault", "audit"])
def test_who_may_not_remove_cannot_say_that_it_was_done(grown: Server, role: str) -> None:
    with psycopg.connect(grown.url_of(role, "audit")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("INSERT INTO audit_removal VALUES (1, 0, 1, now(), '', '')")
