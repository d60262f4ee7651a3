"""Runs a command with the three databases on a PostgreSQL server of its own, gone at the end.

`python -m tests.postgres pytest tests/vault/test_client.py`.
"""

import os
import subprocess
import sys

from devcontext.local_postgres import serve_postgres

_VARIABLES = {"DATABASE_URL": "main", "VAULT_DATABASE_URL": "vault", "AUDIT_DATABASE_URL": "audit"}


def main(command: list[str]) -> int:
    """Run `command` on a server of its own and return its exit code."""
    with serve_postgres() as url:
        environment = os.environ | {variable: f"{url}{name}" for variable, name in _VARIABLES.items()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
