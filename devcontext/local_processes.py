"""The processes of an installation on one machine: with what each is started, the vault inside the web or apart.

Apart, each process has a folder of its own and gets the secrets that are its own; only the audit is shared. It needs no
Django settings, since it decides about them.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audit.checkpoint import LOG_NAME, load_keys
from devcontext import env, local_keys
from devcontext.process import ownership

_HOST = "127.0.0.1"
_CELERY = ("-m", "celery", "--quiet", "-A", "devcontext")
_UVICORN = (*("--host", _HOST, "--log-level", "warning", "--no-access-log", "--no-server-header"), "--lifespan", "on")
_WEB = (
    *("devcontext.asgi:application", "--ws", "websockets-sansio", "--ws-max-size", "65536"),
    *("--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "5"),
)
# A refresh under way ends within 20 s; cut off, it could cost a user the grant.
_VAULT = ("vault.asgi:application", "--ws", "none", "--timeout-graceful-shutdown", "25")


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One process: its command line, its whole environment, and the address that answers once it is up, if any."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    ready_url: str


@dataclass(frozen=True, slots=True)
class LocalInstallation:
    """Where an installation lies and listens; `vault_url` is "" where the web process is the vault as well."""

    folder: Path
    port: int
    sandbox_port: int
    vault_url: str = ""

    @property
    def web_folder(self) -> Path:
        """The web process's DATA_DIR; the sandbox's file lies there too, where `brief` looks for it."""
        return self.folder / "web" if self.vault_url else self.folder

    @property
    def sandbox_url(self) -> str:
        """The stand-ins' address."""
        return f"http://{_HOST}:{self.sandbox_port}"

    def sandbox(self, inherited: Mapping[str, str], *, arguments: Iterable[str] = ()) -> Program:
        """Return the stand-ins' process; nothing real is in its hands."""
        command = ("-m", "devcontext.sandbox", "--port", str(self.sandbox_port), "--data")
        return Program(
            name="sandbox",
            command=(sys.executable, *command, str(self.web_folder / "sandbox.sqlite3"), *arguments),
            environment=_without(inherited, ownership.WEB_ONLY + ownership.VAULT_ONLY + ownership.SHARED),
            ready_url=f"{self.sandbox_url}/health",
        )

    def web(self, inherited: Mapping[str, str]) -> Program:
        """Return the web process."""
        environment = {**inherited, "DATA_DIR": str(self.web_folder)}
        if self.vault_url:
            environment = {
                **_without(inherited, ownership.VAULT_ONLY),
                **self._apart(inherited, folder=self.web_folder),
                "VAULT_URL": self.vault_url,
                "AUDIT_LOG_VERIFIERS": self._verifiers(inherited),
            }
        return Program(
            name="app",
            command=(sys.executable, "-m", "uvicorn", *_WEB, "--port", str(self.port), *_UVICORN),
            environment=environment | {"PORT": str(self.port), "DJANGO_SETTINGS_MODULE": "devcontext.settings.web"},
            ready_url=f"http://{_HOST}:{self.port}/accounts/login/",
        )

    def worker(self, inherited: Mapping[str, str]) -> Program:
        """Return Celery's worker, which runs the schedules: a process with the rights of the web process."""
        return self._celery("worker", ("worker", "--concurrency", "2"), inherited=inherited)

    def beat(self, inherited: Mapping[str, str]) -> Program:
        """Return Celery's beat, which tells the worker every minute to look what is due."""
        kept = str(self.web_folder / "beat")
        return self._celery("beat", ("beat", "--schedule", kept), inherited=inherited)

    def _celery(self, name: str, arguments: tuple[str, ...], *, inherited: Mapping[str, str]) -> Program:
        environment = self.web(inherited).environment
        return Program(name=name, command=(sys.executable, *_CELERY, *arguments), environment=environment, ready_url="")

    def vault(self, inherited: Mapping[str, str]) -> Program:
        """Return the process of a vault apart. It is given the public half of the web process's key, made if need be.

        Raises:
            ImproperlyConfigured: That key is malformed, or others can read it.
        """
        signing_key = env.secret("SUBJECT_SIGNING_KEY") or local_keys.signing_key(self.web_folder / "keys")
        port = self.vault_url.rpartition(":")[2]
        return Program(
            name="vault",
            command=(sys.executable, "-m", "uvicorn", *_VAULT, "--port", port, *_UVICORN),
            environment={
                **_without(inherited, (*ownership.WEB_ONLY, "VAULT_URL")),
                **self._apart(inherited, folder=self.folder / "vault"),
                "PORT": str(self.port),
                "DJANGO_SETTINGS_MODULE": "devcontext.settings.vault",
                "SUBJECT_PUBLIC_KEY": local_keys.public_key_of(signing_key),
            },
            ready_url=f"{self.vault_url}/.well-known/oauth-authorization-server",
        )

    def _verifiers(self, inherited: Mapping[str, str]) -> str:
        """Return the public half of the vault's key of the audit's log, made if need be, for the process without it."""
        pem = env.secret("AUDIT_LOG_KEY") or local_keys.audit_log_key(self.folder / "vault" / "keys")
        return ",".join(map(str, load_keys(pem, name=inherited.get("AUDIT_LOG_NAME") or LOG_NAME).verifiers))

    def _apart(self, inherited: Mapping[str, str], *, folder: Path) -> dict[str, str]:
        return {
            "DATA_DIR": str(folder),
            "AUDIT_DIR": str(self.folder),
            "VAULT_ISSUER": inherited.get("VAULT_ISSUER") or self.vault_url,
        }


def separate_folder(folder: Path) -> Path:
    """Return where an installation with its vault apart lies, beside the other kind: they share no user and no key."""
    return folder / "separate"


def local_vault_url(port: int) -> str:
    """Return the address of a vault on this machine.

    SECURITY: by number, since cookies know no ports: to `localhost` browsers would send the app's session along.
    """
    return f"http://{_HOST}:{port}"


def _without(inherited: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    names = {name for secret in secrets for name in (secret, f"{secret}_FILE")}
    return {name: value for name, value in inherited.items() if name not in names}
