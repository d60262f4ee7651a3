"""`CONTENT_KEYS` is understood as a whole or refused with one sentence that repeats nothing of it."""

import base64
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from agent import checks, content_keys

ROOT = Path(__file__).resolve().parents[2]
KEY = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()


@pytest.mark.parametrize("text", [f"2:{KEY},1:{OTHER}", f"2:{KEY}\n1:{OTHER}\n", f" 2:{KEY} , 1:{OTHER} "])
def test_keys_keep_their_order(text: str) -> None:
    assert list(content_keys.parse(text).items()) == [(2, b"k" * 32), (1, b"o" * 32)]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"0:{KEY}",
        f"-1:{KEY}",
        f"4294967296:{KEY}",
        f"x:{KEY}",
        "1:AAAA",
        "1:not base64!",
        f"1:{KEY},1:{OTHER}",
        f"1:{KEY},2:{KEY}",
        f"1:{KEY},2",
        ",",
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CONTENT_KEYS must be") as raised:
        content_keys.parse(text)
    assert KEY not in str(raised.value)


def test_no_keys_are_an_error_of_the_checks(settings: Any) -> None:
    assert checks.check_content_keys() == []
    settings.CONTENT_KEYS = ""
    (found,) = checks.check_content_keys()
    assert isinstance(found, Error)
    assert (found.id, found.msg) == ("agent.E001", "CONTENT_KEYS is not set.")


@pytest.mark.parametrize(("days", "codes"), [(1, []), (0, ["agent.E002"]), (-3, ["agent.E002"])])
def test_content_is_kept_for_a_day_at_least(settings: Any, days: int, codes: list[str]) -> None:
    settings.CONTENT_RETENTION_DAYS = days
    assert [found.id for found in checks.check_retention()] == codes


def test_malformed_keys_stop_the_start(settings: Any) -> None:
    settings.CONTENT_KEYS = "garbage"
    with pytest.raises(ImproperlyConfigured):
        apps.get_app_config("agent").ready()


def make() -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("content_generate_key", stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue()


def test_a_new_key_is_printed_alone_and_fits_before_the_others(settings: Any) -> None:
    settings.CONTENT_KEYS = f"4:{KEY},7:{OTHER}"
    out, err = make()
    assert list(content_keys.parse(f"{out},{settings.CONTENT_KEYS}")) == [8, 4, 7]
    assert out not in err
    settings.CONTENT_KEYS = ""
    assert list(content_keys.parse(make()[0])) == [1]


def test_a_new_key_beside_malformed_ones_is_one_sentence(settings: Any) -> None:
    settings.CONTENT_KEYS = "garbage"
    with pytest.raises(CommandError, match="CONTENT_KEYS must be"):
        make()


def test_it_runs_in_production_before_there_is_a_key(tmp_path: Path) -> None:
    variables = {"DEBUG": "0", "SECRET_KEY": "x" * 60, "DATA_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "manage.py", "content_generate_key"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(content_keys.parse(done.stdout.strip())) == [1]
