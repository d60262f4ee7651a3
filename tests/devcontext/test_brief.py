"""`manage.py brief` as a stranger runs it: in a fresh folder, nothing configured and nothing running."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    *("run", "text", "window", "tools", "exchanges", "evidence", "grounding", "ignored", "written_by", "coverage"),
    *("usage", "cost_usd", "elapsed_ms", "model", "simulated"),
}


# A vault of its own at an address where nobody listens: the port of "discard".
APART = {"VAULT_URL": "http://127.0.0.1:9", "VAULT_ISSUER": "http://127.0.0.1:9"}


def brief(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its own data folder, and its sandbox on a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    defaults = {
        "DATA_DIR": str(data),
        "SANDBOX_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_CLAUDE_DELAY_MS": "0",
        "DJANGO_SETTINGS_MODULE": "devcontext.settings.web",
    }
    return subprocess.run(
        [sys.executable, "manage.py", "brief", *arguments],
        cwd=ROOT,
        env=os.environ | defaults | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("brief")


def git(folder: Path, *arguments: str, date: str = "") -> None:
    author = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org"}
    committer = {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org"}
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    environment = os.environ | author | committer | dates | {"GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S607


def test_a_briefing_from_nothing_goes_to_stdout_and_what_must_not_be_missed_to_stderr(data: Path) -> None:
    done = brief(data, "Brief me for standup")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Window: Since ")
    assert "\nNEEDS YOU\n" in done.stdout
    assert "[1] http://127.0.0.1:" in done.stdout
    assert "\nCoverage: GitHub " in done.stdout
    assert done.stderr.splitlines()[-1] == "Sandbox: the model is a local stand-in, not Claude."
    assert "✓" not in done.stderr


def test_each_step_is_told_where_it_is_asked_for(data: Path) -> None:
    done = brief(data, "-v", "2", "--recipe", "standup", "--format", "markdown")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("**Window:** Since ")
    assert "\n## Needs you\n" in done.stdout
    assert "](http://127.0.0.1:" in done.stdout
    for name in ("GitHub", "Google Calendar", "Slack"):
        assert f"{name}: ✓" in done.stderr


def test_a_recipe_from_a_day_on_in_a_short_form(data: Path) -> None:
    asked = ["--recipe", "catch-up", "--since", "2026-01-05", "--format", "slack", "--length", "headline"]
    done = brief(data, *asked)
    assert done.returncode == 0, done.stderr
    assert "<http://127.0.0.1:" in done.stdout
    assert len(done.stdout.strip().splitlines()) <= 3


def test_without_a_model_the_facts_are_told_and_why(data: Path) -> None:
    done = brief(data, "--json", CLAUDE="none")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["written_by"], report["model"], report["simulated"]) == ("template", "", False)
    assert report["text"].startswith("**Window:** Since ")
    assert "\nWritten from the facts, without a model. This installation has no model.\n" in report["text"]
    assert report["evidence"]
    assert "This installation has no model." in done.stderr


def test_json_is_one_object_with_all_its_keys(data: Path) -> None:
    done = brief(data, "--json", "what did I work on yesterday?")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert set(report) == KEYS
    assert report["simulated"] is True
    assert len(report["exchanges"]) == 3
    assert [set(tool) for tool in report["tools"]] == [{"name", "provider", "outcome", "ms"}] * 3
    assert [set(item) for item in report["evidence"]] == [{"id", "title", "url"}] * len(report["evidence"])
    assert all(item["url"] in report["text"] for item in report["evidence"])


def test_a_real_repository_fills_the_github_side(data: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    for number in range(1, 4):
        (tmp_path / "file").write_text(str(number))
        git(tmp_path, "add", "file")
        git(tmp_path, "commit", "-q", "-m", f"Straighten the widget (#{number})", date="2026-01-05T10:00:00+00:00")
    done = brief(data, "--json", "--git", str(tmp_path), "--me", "ada@example.org", "what did I work on yesterday?")
    assert done.returncode == 0, done.stderr
    assert "Straighten the widget" in json.loads(done.stdout)["text"]


def test_a_calendar_file_and_a_slack_export_fill_the_other_sides(data: Path, tmp_path: Path) -> None:
    """One run from all that somebody can give of their own; what is cited leads to the sandbox."""
    git(tmp_path, "init", "-q", "-b", "main")
    # The sandbox's world is that of the minute which has begun.
    now = datetime.now(UTC) - timedelta(seconds=90)
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Straighten the widget", date=now.isoformat())
    event = f"BEGIN:VEVENT\nUID:x\nDTSTART;VALUE=DATE:{now:%Y%m%d}\nSUMMARY:Widget fair\nEND:VEVENT"
    (tmp_path / "me.ics").write_text(f"BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n")
    said = {
        "type": "message",
        "user": "U0BO",
        "text": "<@U0ADA> is it straight?",
        "ts": f"{int(now.timestamp())}.000100",
    }
    files = {
        "users.json": [
            {"id": "U0ADA", "name": "ada", "profile": {"email": "ada@example.org"}},
            {"id": "U0BO", "name": "bo"},
        ],
        "channels.json": [{"id": "C0WIDGET", "name": "widgets", "members": ["U0ADA", "U0BO"]}],
        f"widgets/{now:%Y-%m-%d}.json": [said],
    }
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for name, value in files.items():
            archive.writestr(name, json.dumps(value))
    words = ("--git", str(tmp_path), "--ics", str(tmp_path / "me.ics"), "--slack-export", str(tmp_path / "export.zip"))
    done = brief(data, *words, "--me", "ada@example.org", "Brief me for standup")
    assert done.returncode == 0, done.stderr
    label = f"GitHub: your repository {tmp_path.name}; Calendar: your file me.ics; Slack: your export export.zip"
    assert f"Sandbox: {label}, newest message of " in done.stderr
    for words_of in ("Straighten the widget", "Widget fair", "is it straight?"):
        assert words_of in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["--user", "nobody@example.org"], {}, "No active user has this e-mail address."),
        (["--git", "/nowhere", "--me", "ada@example.org"], {}, "/nowhere"),
        (["--git", "/nowhere"], {}, "--git needs --me"),
        (["--me", "ada@example.org"], {}, "give --git, --ics or --slack-export with it."),
        (["--ics", "/nowhere", "--me", "ada@example.org"], {}, "/nowhere is no file that this user may read."),
        (["--slack-export", "/nowhere", "--me", "ada@example.org"], {}, "/nowhere is no file that this user may read."),
        (["--git", "/nowhere", "--me", "ada@example.org"], APART, "a sandbox that a separate vault does not know"),
        (["--since", "soon"], {}, "--since takes a date or a time"),
        ([], {"CLAUDE": "perhaps"}, "CLAUDE must be one of on, none."),
        ([], {"VAULT_URL": "http://127.0.0.1:9"}, "VAULT_ISSUER names the app"),
        ([], APART, "The vault is not available."),
        ([], {"VAULT_KEYS": "not-a-key"}, "VAULT_KEYS"),
        ([], {"VAULT_KEYS": "x", "VAULT_KEYS_FILE": "y"}, "Set VAULT_KEYS or VAULT_KEYS_FILE, not both."),
        ([], {"VAULT_KEYS_FILE": "/dev/null"}, "The key file (VAULT_KEYS_FILE) cannot be read."),
        ([], {"DEBUG": "perhaps"}, "DEBUG must be one of 1, true, yes, 0, false, no."),
        ([], {"SANDBOX_URL": "localhost"}, "SANDBOX_URL must start with http:// or https://."),
    ],
)
def test_what_cannot_work_is_one_sentence_and_a_failure(
    data: Path, arguments: list[str], environment: dict[str, str], sentence: str
) -> None:
    done = brief(data, *arguments, "Brief me", **environment)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["--since", "2026-01-05"], {}, "--since is where a recipe begins"),
        ([], {"CLAUDE": "none"}, "It can answer these: “Brief me for standup”"),
    ],
)
def test_a_free_question_has_neither_a_begin_nor_an_answer_without_a_model(
    data: Path, arguments: list[str], environment: dict[str, str], sentence: str
) -> None:
    done = brief(data, *arguments, "what did I work on yesterday?", **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
