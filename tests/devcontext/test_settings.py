"""What a process is made of follows from its environment: stand-ins only for what is not configured."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import Conninfo

from devcontext.settings import base

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import django, json; django.setup()
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.core.checks import run_checks
def has_demo_login():
    try: return bool(reverse("demo_login"))
    except NoReverseMatch: return False
print(json.dumps({
    "providers": {slug: [p.is_sandbox, p.api_url] for slug, p in settings.PROVIDERS.items()},
    "is_demo": settings.IS_DEMO, "has_demo_login": has_demo_login(),
    "is_model_simulated": settings.IS_MODEL_SIMULATED, "claude": settings.ANTHROPIC_BASE_URL,
    "has_model": settings.HAS_MODEL, "model": settings.CLAUDE_MODEL,
    "secrets": [p.client_secret for p in settings.PROVIDERS.values()],
    "databases": sorted(settings.DATABASES), "apps": settings.INSTALLED_APPS,
}))
"""
SANDBOX = "http://127.0.0.1:8765"
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "x" * 60,
    "ALLOWED_HOSTS": "devcontext.example",
    "APP_URL": "https://devcontext.example",
}


def show(data: Path, **environment: str) -> dict[str, Any]:
    """Start a web process with this environment and return what it is made of."""
    defaults = {"DATA_DIR": str(data), "SANDBOX_URL": SANDBOX, "DJANGO_SETTINGS_MODULE": "devcontext.settings.web"}
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=os.environ | defaults | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def test_with_nothing_configured_everything_is_a_stand_in(tmp_path: Path) -> None:
    found = show(tmp_path)
    assert {slug: is_sandbox for slug, (is_sandbox, _) in found["providers"].items()} == {
        "github": True,
        "google-calendar": True,
        "slack": True,
    }
    assert found["is_demo"]
    assert found["has_demo_login"]
    assert found["claude"] == f"{SANDBOX}/claude"
    assert found["databases"] == ["audit", "default", "vault"]


def test_credentials_make_a_provider_real_and_end_the_demo(tmp_path: Path) -> None:
    found = show(tmp_path, GITHUB_CLIENT_ID="Iv1.abc", GITHUB_CLIENT_SECRET="shh")
    assert found["providers"]["github"] == [False, "https://api.github.com"]
    assert found["providers"]["slack"][0] is True
    assert not found["is_demo"]
    assert not found["has_demo_login"]


def test_an_anthropic_key_makes_the_model_real(tmp_path: Path) -> None:
    found = show(tmp_path, ANTHROPIC_API_KEY="sk-ant-test")
    assert not found["is_model_simulated"]
    assert found["has_model"]
    assert found["claude"] == "https://api.anthropic.com"


def test_a_model_that_is_switched_off_is_neither_claude_nor_the_stand_in(tmp_path: Path) -> None:
    found = show(tmp_path, ANTHROPIC_API_KEY="sk-ant-test", CLAUDE="none")
    assert (found["has_model"], found["is_model_simulated"], found["model"]) == (False, False, "")


def test_without_a_key_in_earnest_there_is_no_model_and_the_app_starts(tmp_path: Path) -> None:
    found = show(tmp_path, **PRODUCTION, SUBJECT_SIGNING_KEY_FILE=str(_signing_key(tmp_path)), ANTHROPIC_API_KEY="")
    assert (found["has_model"], found["is_model_simulated"]) == (False, False)


def test_without_debug_nothing_is_a_stand_in(tmp_path: Path) -> None:
    found = show(tmp_path, **PRODUCTION, SUBJECT_SIGNING_KEY_FILE=str(_signing_key(tmp_path)))
    assert found["providers"] == {}
    assert not found["is_demo"]
    assert not found["has_demo_login"]
    assert not found["is_model_simulated"]


def test_a_web_process_with_its_vault_elsewhere_holds_no_secret_of_it(tmp_path: Path) -> None:
    found = show(tmp_path, VAULT_URL="http://127.0.0.1:8800", GITHUB_CLIENT_ID="Iv1.abc", GITHUB_CLIENT_SECRET="shh")
    assert "shh" not in found["secrets"]
    assert found["databases"] == ["audit", "default"]
    assert "vault" not in found["apps"]


def _signing_key(folder: Path) -> Path:
    show(folder)
    return folder / "keys" / "subject-signing.pem"


def test_a_database_server_that_went_away_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a revoke would wait for minutes for an audit that cannot answer; libpq itself sets no limit."""
    monkeypatch.setenv("AUDIT_DATABASE_URL", "postgresql://audit@db.example/audit?sslmode=require&connect_timeout=2")
    options = base.database("audit", "AUDIT_DATABASE_URL")["OPTIONS"]
    assert (options["sslmode"], str(options["connect_timeout"])) == ("require", "2"), "what the URL says comes first"
    monkeypatch.setenv("AUDIT_DATABASE_URL", "postgresql://audit@db.example/audit")
    options = base.database("audit", "AUDIT_DATABASE_URL")["OPTIONS"]
    assert options["connect_timeout"] == 5
    assert options["tcp_user_timeout"] == 10_000
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    assert set(options) <= known
