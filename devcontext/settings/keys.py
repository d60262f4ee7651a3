"""The key-encryption keys of a process that holds the vault: from the environment, or in a file of their own."""

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
