"""The keys of a process that holds the vault: those that encrypt its secrets, and those that sign the audit's log.

From the environment, or in files of their own.
"""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from devcontext import env, local_keys
from devcontext.settings.base import DATA_DIR, DEBUG
from vault.keys import file

# By version: `VAULT_KEYS="1:<base64>,2:<base64>"`, each of 32 random bytes; or the path of a file with one per line.
VAULT_KEYS = env.text("VAULT_KEYS")
VAULT_KEYS_FILE = env.text("VAULT_KEYS_FILE")
if VAULT_KEYS and VAULT_KEYS_FILE:
    raise ImproperlyConfigured("Set VAULT_KEYS or VAULT_KEYS_FILE, not both.")
if DEBUG and not VAULT_KEYS and not VAULT_KEYS_FILE:
    local_keys.make_folder(DATA_DIR / "keys")
    _path = DATA_DIR / "keys" / "vault.key"
    file.ensure(_path)
    VAULT_KEYS_FILE = str(_path)
# New secrets are sealed with this version; 0 means the newest. Set while a new key is handed out to several machines.
VAULT_KEY_VERSION = env.integer("VAULT_KEY_VERSION", 0)
# Records that were sealed with an older version are refused, even if its key is still configured.
VAULT_MIN_KEY_VERSION = env.integer("VAULT_MIN_KEY_VERSION", 1)

# Ed25519 private keys (PEM, PKCS#8) that sign the checkpoints of the audit's log, the current one first, then public
# ones that signed earlier ones; see docs/operations.md.
AUDIT_LOG_KEY = env.secret("AUDIT_LOG_KEY") or (DEBUG and local_keys.audit_log_key(DATA_DIR / "keys")) or ""
# Sealed segments whose events are all older go, on the day (`audit.retention_daily`); 0 keeps them for ever.
AUDIT_RETENTION_DAYS = env.integer("AUDIT_RETENTION_DAYS", 0)
# Where the newest checkpoint is kept outside the database.
AUDIT_PIN_FILE = Path(env.text("AUDIT_PIN_FILE", str(DATA_DIR / "audit.pin")))
