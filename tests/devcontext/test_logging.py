"""Logs and error pages carry no token, even if somebody tries."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter

from devcontext.logging import LineFormatter, RedactTokens

# Named here, away from the lines of source that an error page quotes.
POSTED_CODE = "posted-code"
TOKENS = [
    "ghu_16C7e42F292c6912E7710c838347Ae178B4a",
    "ghr_1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498",
    "github_pat_11AAAAAAA0abcdefghijkl",
    "ya29.a0AfH6SMBx-abc_DEF",
    "1//0gabc-DEF_ghi",
    "xoxp-1234567890-abcdef",
    "xoxe.xoxp-1-Mi0yLTk",
    "xoxe-1-My0xLTEt",
    "sk-ant-api03-abc_DEF",
    "dcs_0gabc-DEF_ghi",
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c2VyOjEifQ.c2lnbmF0dXJl",
]


def line(*, message: str = "event", **extra: Any) -> str:
    record = logging.LogRecord("devcontext", logging.INFO, __file__, 1, message, (), None)
    vars(record).update(extra)
    RedactTokens().filter(record)
    return LineFormatter().format(record)


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_leaves_neither_by_message_nor_by_extra(token: str) -> None:
    text = line(message=f"got {token} back", upstream=f"Bearer {token}")
    assert token not in text
    assert text.count("[token]") == 2


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_in_a_traceback_is_taken_out(token: str) -> None:
    try:
        raise ValueError(token)
    except ValueError as error:
        record = logging.LogRecord("devcontext", logging.ERROR, __file__, 1, "event", (), None)
        record.exc_info = (type(error), error, error.__traceback__)
    assert token not in LineFormatter().format(record)


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("head", "/connect/slack/callback?code=LIVECODE&state=LIVESTATE", 405),
        ("get", "/nowhere/?code=LIVECODE", 404),
    ],
)
def test_an_address_that_is_refused_is_logged_without_its_query(
    client: Client, capsys: pytest.CaptureFixture[str], method: str, address: str, status: int
) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.getLogger("django.request").addHandler(handler)
    try:
        assert getattr(client, method)(address).status_code == status
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    said = capsys.readouterr().err
    assert "LIVE" not in said
    assert "django.request" in said


def test_ids_are_kept() -> None:
    assert line(message="agent.run_failed", run="42").endswith("agent.run_failed run=42")


def test_no_error_page_shows_a_variable(rf: RequestFactory, settings: Any) -> None:
    settings.DEBUG = True
    try:
        upstream_token = "ghu_in_a_local_variable"
        raise ValueError(len(upstream_token))
    except ValueError as error:
        reporter = ExceptionReporter(rf.post("/", {"code": POSTED_CODE}), type(error), error, error.__traceback__)
    page = reporter.get_traceback_html()
    assert POSTED_CODE not in page
    # The source line is shown, its value would be quoted with &#x27; in the table of variables.
    assert "&#x27;ghu_in_a_local_variable&#x27;" not in page


# As Celery's programs set up their logs, once Django stands.
LOG_IN_A_WORKER = """
import logging
import django
from devcontext.celery import app
django.setup()
app.log.setup(loglevel="INFO", redirect_stdouts=True)
logging.getLogger("agent").warning("event", extra={"upstream": "ghu_16C7e42F292c6912E7710c838347Ae178B4a"})
"""


def test_worker_and_beat_log_as_every_process_does(tmp_path: Path) -> None:
    """Celery puts handlers of its own in place of those that take tokens out, unless it is told not to."""
    done = subprocess.run(
        [sys.executable, "-c", LOG_IN_A_WORKER],
        cwd=Path(__file__).resolve().parents[2],
        env={"DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "devcontext.settings.web", "LOG_LEVEL": "WARNING"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.rstrip().endswith("WARNING agent event upstream=[token]")
