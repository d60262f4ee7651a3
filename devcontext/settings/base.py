"""What every process shares: where data lies, the three databases, logging. A fresh clone needs no configuration."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import to_locale

from audit.checkpoint import LOG_NAME
from devcontext import env, local_keys

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / ".data")))
# Where the audit's file lies: a vault of its own has its own DATA_DIR, and shares the audit with the web process.
AUDIT_DIR = Path(env.text("AUDIT_DIR", str(DATA_DIR)))

# On in a fresh clone; `devcontext.checks` refuses every local default once it is off. With it on and no
# ALLOWED_HOSTS, Django answers to this machine's own names only.
DEBUG = env.boolean("DEBUG", default=True)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS")
APP_URL = env.url("APP_URL", f"http://localhost:{env.integer('PORT', 8000)}")
# SECURITY: an upstream token lives in a local variable for the time of one call; no error page shows variables.
DEFAULT_EXCEPTION_REPORTER_FILTER = "devcontext.logging.NoVariablesFilter"

# TLS may end at a proxy: uvicorn believes its X-Forwarded-Proto when FORWARDED_ALLOW_IPS names it.
SECURE_SSL_REDIRECT = SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000

# A stand-in for what is not configured; off for good when DEBUG is off. `./dev up` leaves a note of where its own is.
_sandbox_note = DATA_DIR / "sandbox.url"
_sandbox_default = _sandbox_note.read_text(encoding="utf-8") if _sandbox_note.is_file() else "http://127.0.0.1:8001"
SANDBOX_URL = env.url("SANDBOX_URL", _sandbox_default) if DEBUG else ""

# The vault's name on the wire: `iss` of its metadata and `aud` of the tokens it takes.
VAULT_ISSUER = env.url("VAULT_ISSUER", APP_URL)
# The name of the audit's log. It stands in every checkpoint: it is chosen once and never changed.
AUDIT_LOG_NAME = env.text("AUDIT_LOG_NAME", LOG_NAME)
# Seals the keys of personal fields in the audit: the current one first, the same in every process (`audit.personal`).
AUDIT_PERSONAL_KEY = (
    env.secret("AUDIT_PERSONAL_KEY") or (DEBUG and local_keys.audit_personal_key(AUDIT_DIR / "keys")) or ""
)
# The public keys of that log, as `manage.py audit_key` prints them, for a process that does not sign it.
AUDIT_LOG_VERIFIERS = env.text("AUDIT_LOG_VERIFIERS")
# Set in a web process whose vault runs elsewhere; unset, the vault runs in the web process.
VAULT_URL = env.url("VAULT_URL")

# What the vault lets a caller do in a minute; each of its processes counts for itself. Five runs of a person at once
# make 24 tool calls each, so a user's limit leaves room for as many again; a client's is that of 20 such users. Whoever
# measures the vault sets both higher.
VAULT_USER_EXCHANGES_PER_MINUTE = env.integer("VAULT_USER_EXCHANGES_PER_MINUTE", 300)
VAULT_CLIENT_EXCHANGES_PER_MINUTE = env.integer("VAULT_CLIENT_EXCHANGES_PER_MINUTE", 6000)
# Per client id and address. A program with a wrong secret learns so at its first try; ten leave room for its retries.
VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE = env.integer("VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE", 10)


# libpq waits for minutes, or for ever, for a server whose machine went away, and a revoke would wait as long for the
# audit. Ten seconds are what SQLite waits for a lock below. What DATABASE_URL says comes first.
_PATIENCE = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def database(name: str, variable: str) -> dict[str, Any]:
    """Return Django's settings of one database: the URL in `variable`, or a SQLite file in `DATA_DIR`."""
    url = env.secret(variable)
    if url.startswith("sqlite"):
        # A file by URL would come without the locking and durability set below.
        raise ImproperlyConfigured(f"{variable} must name a PostgreSQL server; for SQLite leave it unset.")
    if url:
        configured: dict[str, Any] = dict(dj_database_url.parse(url))
        return configured | {"OPTIONS": {**_PATIENCE, **configured.get("OPTIONS", {})}}
    folder = AUDIT_DIR if name == "audit" else DATA_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A power cut may cost a page its last event, but never a decision or a rotated token that was already used.
    synchronous = "NORMAL" if name == "default" else "FULL"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": folder / f"{name}.sqlite3",
        "OPTIONS": {
            # A writer takes its lock at BEGIN and waits its turn instead of failing in mid-transaction.
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            # `recursive_triggers` lets the audit table's triggers see the delete inside INSERT OR REPLACE.
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA recursive_triggers=ON;",
        },
    }


DATABASE_ROUTERS = ["devcontext.routers.AppRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
# English is the source, and has no catalogue. On a machine where DevContext is built, `./dev messages` also makes two
# languages that nobody speaks (tools/pseudo_locale.py), beside its data.
LANGUAGE_CODE = "en"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale", *([DATA_DIR / "locale"] if DEBUG else [])]
_PSEUDO = (("en-xa", "[Ëñğļîšĥ]"), ("ar-xb", "[English, right to left]"))
LANGUAGES = [
    ("en", "English"),
    *((code, name) for code, name in _PSEUDO if DEBUG and (DATA_DIR / "locale" / to_locale(code)).is_dir()),
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "devcontext.logging.RedactTokens"}},
    "formatters": {"line": {"()": "devcontext.logging.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "WARNING")},
    # httpx logs whole URLs at INFO; a callback's code and state must not reach a log.
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
