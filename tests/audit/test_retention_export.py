"""Exports after a removal: the offline verifier takes a signed one, and finds every other cut."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import checkpoint, export, removal, retention
from audit.models import AuditCheckpoint
from audit.removal import Removal
from tests.audit.aging import aged_log
from tests.audit.sealing import NAME, keys

pytestmark = pytest.mark.django_db(databases=["default", "audit"])

TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"


@pytest.fixture
def ids(tmp_path: Path) -> list[int]:
    """The ids of a log of 400 events whose first 280 were removed."""
    found = aged_log(tmp_path, days=30, step=40)
    assert retention.remove_older(keys(), days=30).events == 280
    return found


def check(folder: Path, lines: list[dict[str, Any]], *arguments: str) -> tuple[int, str]:
    path = folder / "export.ndjson"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-I", str(TOOL), str(path), "--key", str(keys().verifiers[0]), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("user", ["", "user:1"])
def test_an_export_after_a_removal_fits(ids: list[int], tmp_path: Path, user: str) -> None:
    (tmp_path / "kept").write_text(AuditCheckpoint.objects.get(size=120).note, encoding="utf-8")
    pins = [(tmp_path / "kept").read_text(encoding="utf-8")]
    lines = [json.loads(line) for line in export.lines(keys(), user=user, pinned=pins)]
    code, told = check(tmp_path, lines, "--pin", str(tmp_path / "kept"))
    waiting = 0 if user else 2
    assert code == 0
    assert told == (
        f"120 events fit the signed log of 400; {waiting} are not sealed yet."
        f" Those up to {ids[279]} expired and are gone, as is signed.\n"
    )


def drop_the_note(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] != "removal"]


def drop_an_event_more(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = next(number for number, line in enumerate(lines) if line["type"] == "event")
    return lines[:first] + lines[first + 1 :]


def cut_a_hash(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line | {"hashes": line["hashes"][44:]} if "hashes" in line else line for line in lines]


def forge_the_note(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    forged = checkpoint.load_keys(checkpoint.new_pem(), name=NAME)
    note = removal.sign(Removal(280, 10**6, ""), keys=forged)
    return [line | {"note": note} if line["type"] == "removal" else line for line in lines]


@pytest.mark.parametrize("change", [drop_the_note, drop_an_event_more, cut_a_hash, forge_the_note])
def test_an_export_with_another_cut_is_found(
    ids: list[int], tmp_path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    code, told = check(tmp_path, change([json.loads(line) for line in export.lines(keys())]))
    assert (code, told[:9]) == (1, "CHANGED: ")
