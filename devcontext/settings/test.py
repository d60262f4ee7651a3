"""The web process with an embedded vault as the tests run it: a throw-away folder, fast password hashes.

On SQLite, or on the PostgreSQL that `DATABASE_URL`, `VAULT_DATABASE_URL` and `AUDIT_DATABASE_URL` name, as
`python -m tests.postgres` sets them.
"""

import os
import tempfile

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="devcontext-test-"))

from devcontext.settings.web import *  # noqa: F403
from devcontext.settings.web import VAULT_KEYS
from vault.keys import local

# Another process of a test is given the same ones in its environment.
VAULT_KEYS = VAULT_KEYS or local.new_entry(1)
VAULT_KEYS_FILE = ""
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# pytest-django turns DEBUG off; static files must come from their sources all the same.
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = True
# A test asks as one client what in a minute of use comes from many; the limits have tests of their own.
VAULT_USER_EXCHANGES_PER_MINUTE = VAULT_CLIENT_EXCHANGES_PER_MINUTE = 10_000_000
VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE = 10_000_000
# Nobody pulls the plug on a test: what survives the end of a process needs no wait for the disk.
for _database in DATABASES.values():  # noqa: F405
    # None needs another one: a file of tests that asks for the audit alone runs by itself.
    _database.setdefault("TEST", {})["DEPENDENCIES"] = []
    _options = _database.get("OPTIONS", {})
    if "init_command" in _options:
        _options["init_command"] += " PRAGMA synchronous=OFF;"
