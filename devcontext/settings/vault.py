"""The vault process: keeps the upstream tokens and the keys that seal them; knows no users, no sessions, no agent."""

from devcontext import env, local_keys
from devcontext.process import ownership
from devcontext.settings import providers
from devcontext.settings.base import *  # noqa: F403
from devcontext.settings.base import DATA_DIR, DEBUG, SANDBOX_URL, database
from devcontext.settings.keys import *  # noqa: F403

IS_VAULT_EMBEDDED = False
# What the web process has and this one must not.
FOREIGN_SECRETS = ownership.WEB_ONLY

SECRET_KEY = env.secret("VAULT_SECRET_KEY") or (DEBUG and local_keys.session_key(DATA_DIR / "keys")) or ""
ROOT_URLCONF = "vault.urls"
ASGI_APPLICATION = "vault.asgi.application"
INSTALLED_APPS = ["django.contrib.contenttypes", "devcontext.process", "vault", "audit"]
MIDDLEWARE = [
    "devcontext.tls.TLSOrThisMachine",
    "devcontext.middleware.TransportSecurity",
    "devcontext.middleware.NoFrames",
    "devcontext.middleware.SecurityHeaders",
]
# Requests in the clear are refused (`TLSOrThisMachine`), not redirected.
SECURE_SSL_REDIRECT = False
# W001, W002: both of Django's middlewares are there under our names; their headers are tested.
# W003: no cookie is read here; callers authenticate each request, so there is nothing for a forged one to ride on.
# W008: see above.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003", "security.W008"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.dummy"},
    "vault": database("vault", "VAULT_DATABASE_URL"),
    "audit": database("audit", "AUDIT_DATABASE_URL"),
}
PROVIDERS = providers.load(sandbox_url=SANDBOX_URL, with_secrets=True)
# Ed25519 public key (PEM) of the process that mints subject and actor tokens.
SUBJECT_PUBLIC_KEY = env.secret("SUBJECT_PUBLIC_KEY") or (
    local_keys.find_public_key(DATA_DIR / "keys") if DEBUG else ""
)
