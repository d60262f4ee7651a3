"""One place chooses the vault, and a process whose vault runs elsewhere holds none of its code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from vault.client import transport
from vault.client.http import HTTPVault
from vault.embedded import EmbeddedVault

ROOT = Path(__file__).resolve().parents[3]

WEB_PROCESS = """
import sys
import django
django.setup()
import asyncio
from vault.client import connections, tokens, transport

async def main():
    await connections.list_connections(user="user:1", sid="sid", auth_time=1.0)

try:
    asyncio.new_event_loop().run_until_complete(main())
except Exception as error:
    print(type(error).__name__)
print(*sorted(name for name in sys.modules if name == "vault" or name.startswith("vault.")))
"""


async def test_without_a_url_the_vault_is_in_this_process(settings: Any) -> None:
    settings.VAULT_URL = ""
    client = transport.current()
    assert isinstance(client, EmbeddedVault)
    assert transport.current() is client
    await transport.close()


async def test_with_a_url_the_vault_is_elsewhere(settings: Any) -> None:
    settings.VAULT_URL = "http://127.0.0.1:1"
    client = transport.current()
    assert isinstance(client, HTTPVault)
    await transport.close()
    assert transport.current() is not client
    await transport.close()


def test_a_web_process_with_a_vault_elsewhere_imports_nothing_of_it(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "devcontext.settings.web",
        "DATA_DIR": str(tmp_path),
        "VAULT_URL": "http://127.0.0.1:1",
    }
    output = subprocess.run(
        [sys.executable, "-c", WEB_PROCESS], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    raised, modules = output.splitlines()
    assert raised == "VaultUnavailableError", "the client was used, and nobody answered"
    assert modules.split() == [
        "vault",
        "vault.client",
        "vault.client.base",
        "vault.client.connections",
        "vault.client.grants",
        "vault.client.http",
        "vault.client.sessions",
        "vault.client.subjects",
        "vault.client.tokens",
        "vault.client.transport",
        "vault.errors",
        "vault.jws",
        "vault.tokens",
        "vault.types",
        "vault.wire",
    ]
