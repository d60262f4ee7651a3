"""Which process a secret belongs to when the vault is a process of its own. Needs no settings: it decides about them.

Each name stands for the variable and for `<name>_FILE`. A database's address carries its password.
"""

from devcontext.providers import PLACES

VAULT_ONLY = (
    "VAULT_SECRET_KEY",
    "VAULT_KEYS",
    "AUDIT_LOG_KEY",
    "VAULT_DATABASE_URL",
    *(place.client_secret_variable for place in PLACES.values()),
)
# Both processes write the audit; the sandbox does not.
SHARED = ("AUDIT_PERSONAL_KEY",)
WEB_ONLY = (
    "SECRET_KEY",
    "SUBJECT_SIGNING_KEY",
    "CONTENT_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "ANTHROPIC_API_KEY",
    "EMAIL_HOST_PASSWORD",
)
