"""The offline verifier: it accepts what was sealed, and finds every change of an export. It shares no code with us."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django.fixtures import Settings

from audit import append_only, checkpoint, export, receipt
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.record import append
from tests.audit.sealing import NAME, PEM, keys, pinned, record_many, sealer
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit"])

TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"
KEY = str(keys().verifiers[0])
Lines = list[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the pin of a log in which two people's events take turns, and two events that are not sealed."""
    own = sealer(tmp_path)
    for turn in range(8):
        record_many(3, user=f"user:{1 + turn % 2}")
        own.seal_next()
        if turn == 4:
            (tmp_path / "kept").write_text(pinned(tmp_path)[0], encoding="utf-8")
    record_many(2)
    return tmp_path


def exported(user: str = "", *, pins: list[str] | None = None) -> Lines:
    return [json.loads(line) for line in export.lines(keys(), user=user, pinned=pins or [])]


def run(folder: Path, lines: Lines, *arguments: str) -> tuple[int, str]:
    path = folder / "export.ndjson"
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", str(TOOL), str(path), *arguments], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_is_one_file_of_at_most_300_lines_that_imports_nothing_of_ours() -> None:
    source = TOOL.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    assert {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))} <= {
        *sys.stdlib_module_names,
        "cryptography",
    }


def test_a_whole_export_fits(folder: Path) -> None:
    code, told = run(
        folder, exported(), "--key", KEY, "--pin", str(folder / "audit.pin"), "--pin", str(folder / "kept")
    )
    assert (code, told) == (0, "24 events fit the signed log of 24; 2 are not sealed yet.\n")


def test_one_persons_export_fits_and_holds_nobody_elses(folder: Path) -> None:
    lines = exported("user:1", pins=[(folder / "kept").read_text(encoding="utf-8")])
    assert {line["event"][4] for line in lines if "event" in line} == {"user:1"}
    code, told = run(folder, lines, "--key", KEY, "--pin", str(folder / "kept"))
    assert (code, told) == (0, "12 events fit the signed log of 24; 2 are not sealed yet.\n")


def test_without_a_key_of_ones_own_it_says_what_that_means(folder: Path) -> None:
    code, told = run(folder, exported())
    assert code == 0
    assert told.endswith("The key came with the export. Get it from the operator, and give it with --key.\n")


def events(lines: Lines) -> list[int]:
    return [number for number, line in enumerate(lines) if line["type"] == "event"]


def edit(lines: Lines) -> Lines:
    lines[events(lines)[5]]["event"][6] = "rewritten"
    return lines


def delete(lines: Lines) -> Lines:
    del lines[events(lines)[5]]
    return lines


def delete_and_renumber(lines: Lines) -> Lines:
    left = delete(lines)
    for position, number in enumerate(events(left)):
        left[number]["position"] = position
    return left


def insert(lines: Lines) -> Lines:
    copied = json.loads(json.dumps(lines[events(lines)[-1]]))
    copied["event"][0] += 1
    copied["position"] += 1
    return [*lines[: events(lines)[-1] + 1], copied, *lines[events(lines)[-1] + 1 :]]


def reorder(lines: Lines) -> Lines:
    first, second = events(lines)[3:5]
    lines[first], lines[second] = lines[second], lines[first]
    return lines


def swap_contents(lines: Lines) -> Lines:
    first, second = events(lines)[3:5]
    lines[first]["event"][1], lines[second]["event"][1] = lines[second]["event"][1], lines[first]["event"][1]
    return lines


def truncate(lines: Lines) -> Lines:
    return lines[: events(lines)[-3]]


def replace_checkpoint(lines: Lines) -> Lines:
    forged = checkpoint.load_keys(checkpoint.new_pem(), name=keys().name)
    for line in lines:
        if line["type"] == "checkpoint":
            line["note"] = forged.sign(size=24, root=bytes(32))
    return lines


WHOLE = [edit, delete, delete_and_renumber, insert, reorder, swap_contents, truncate, replace_checkpoint]


@pytest.mark.parametrize("change", WHOLE)
def test_a_changed_whole_export_is_found(folder: Path, change: Callable[[Lines], Lines]) -> None:
    code, told = run(folder, change(exported()), "--key", KEY)
    assert (code, told[:9]) == (1, "CHANGED: ")


@pytest.mark.parametrize("change", [edit, insert, reorder, swap_contents, replace_checkpoint])
def test_a_changed_export_of_a_person_is_found(folder: Path, change: Callable[[Lines], Lines]) -> None:
    code, told = run(folder, change(exported("user:1")), "--key", KEY)
    assert (code, told[:9]) == (1, "CHANGED: ")


@pytest.mark.parametrize("user", ["", "user:1"])
def test_a_log_that_was_set_back_is_found_by_the_checkpoint_that_was_kept(folder: Path, user: str) -> None:
    """Cut at an older checkpoint, so that it fits by itself."""
    newest = (folder / "audit.pin").read_text(encoding="utf-8")
    lines = exported(user, pins=[newest])
    if not user:
        lines = [line for line in lines if line["type"] == "header" or line.get("position", 99) < 3]
        lines.insert(1, {"schema": export.SCHEMA, "type": "checkpoint", "note": exported()[1]["note"]})
        assert run(folder, lines, "--key", KEY)[0] == 0
    else:
        lines = [line for line in lines if line["type"] != "consistency"]
    code, told = run(folder, lines, "--key", KEY, "--pin", str(folder / "audit.pin"))
    assert (code, told[:9]) == (1, "CHANGED: ")


def test_a_broken_proof_of_going_on_is_found(folder: Path) -> None:
    lines = exported("user:1", pins=[(folder / "kept").read_text(encoding="utf-8")])
    (proof,) = (line for line in lines if line["type"] == "consistency")
    proof["path"][0] = proof["path"][1]
    code, told = run(folder, lines, "--key", KEY, "--pin", str(folder / "kept"))
    assert (code, told) == (1, "CHANGED: The log does not go on from the 15 leaves that you kept.\n")


@pytest.mark.parametrize(
    "lines",
    [[], [[]], [{}], [{"schema": "another/1", "type": "header"}], [{"schema": export.SCHEMA, "type": "header"}]],
)
def test_what_is_no_export_cannot_be_checked(folder: Path, lines: Lines) -> None:
    code, told = run(folder, lines, "--key", KEY)
    assert (code, told.startswith("This cannot be checked")) == (2, True)


def test_a_key_that_is_none_cannot_be_used(folder: Path) -> None:
    assert run(folder, exported(), "--key", "nonsense")[0] == 2
    other = checkpoint.load_keys(checkpoint.new_pem(), name=keys().name).verifiers[0]
    assert run(folder, exported(), "--key", str(other))[0] == 1


def test_the_command_writes_an_export(folder: Path, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_VERIFIERS = "", KEY
    call_command("audit_export", "--user", "user:2", "--pin", str(folder / "kept"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert run(folder, lines, "--key", KEY, "--pin", str(folder / "kept"))[0] == 0


@pytest.mark.parametrize("user", ["user:2", ""])
def test_an_export_is_on_record_before_its_first_line(
    user: str, folder: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever is given somebody's events leaves a trace that the person can read."""
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_VERIFIERS = "", KEY
    call_command("audit_export", *(["--user", user] if user else ["--all"]))
    event = AuditEvent.objects.get(event=Event.AUDIT_EVENTS_EXPORTED)
    assert (event.user, event.reason) == (user, "operator" if user else "operator_all")
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["type"], last["event"][0]) == ("unsealed", event.id)


def test_without_its_event_nothing_is_exported(folder: Path, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_VERIFIERS = "", KEY
    with table_away("audit", table="audit_event"), pytest.raises(CommandError, match="Nothing is exported"):
        call_command("audit_export", "--all")
    assert capsys.readouterr().out == ""


@pytest.fixture
def receipt_of(folder: Path, settings: Settings) -> Callable[[], tuple[int, Path]]:
    """Records one more event, seals it and returns its id and its receipt in a file."""
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_NAME = PEM, NAME

    def make() -> tuple[int, Path]:
        row = append(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user="user:1"))
        path = folder / "receipt.txt"
        path.write_text(receipt.issue(row), encoding="utf-8")
        sealer(folder).seal_next()
        return row.id, path

    return make


def test_a_receipt_is_kept_by_a_log_that_has_its_event(
    folder: Path, receipt_of: Callable[[], tuple[int, Path]]
) -> None:
    _, path = receipt_of()
    for user in ("", "user:1"):
        code, _ = run(folder, exported(user), "--key", KEY, "--receipt", str(path))
        assert code == 0
    code, told = run(folder, exported("user:2"), "--key", KEY, "--receipt", str(path))
    assert (code, "which you have a receipt of" in told) == (1, True)


def test_a_log_that_never_had_the_event_is_told_by_the_receipt(
    folder: Path, receipt_of: Callable[[], tuple[int, Path]]
) -> None:
    """Who owns log and key can seal another history; not one that this receipt fits."""
    number, path = receipt_of()
    connection = connections["audit"]
    append_only.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET provider = 'slack' WHERE id = %s", [number])
        for table in ("audit_leaf", "audit_node", "audit_checkpoint"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  (names of ours alone)
    append_only.install(connection)
    (folder / "audit.pin").unlink()
    sealer(folder).seal_next()
    assert run(folder, exported(), "--key", KEY)[0] == 0
    code, told = run(folder, exported(), "--key", KEY, "--receipt", str(path))
    assert (code, told) == (1, f"CHANGED: Event {number} is not the one that the receipt was given for.\n")


def test_a_receipt_of_a_strangers_key_is_none(folder: Path, receipt_of: Callable[[], tuple[int, Path]]) -> None:
    _, path = receipt_of()
    note = base64.b64decode(path.read_bytes()).replace(b"/1", b"/2")
    path.write_bytes(base64.b64encode(note))
    code, told = run(folder, exported(), "--key", KEY, "--receipt", str(path))
    assert (code, told[:7]) == (1, "CHANGED")
