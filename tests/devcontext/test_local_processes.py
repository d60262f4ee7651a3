"""Each process of a local installation is given its own folder and its own secrets, and none of the other's."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest

from audit.checkpoint import load_keys
from devcontext import local_keys
from devcontext.local_processes import LocalInstallation, local_vault_url, separate_folder
from devcontext.process import ownership

SECRETS = {
    **{name: f"the {name}" for name in ownership.VAULT_ONLY + ownership.WEB_ONLY if name != "SUBJECT_SIGNING_KEY"},
    **{f"{name}_FILE": "/run/secrets/it" for name in ownership.VAULT_ONLY + ownership.WEB_ONLY},
    "PATH": "/usr/bin",
    "GITHUB_CLIENT_ID": "Iv1.abc",
}


def installation(folder: Path, *, vault_url: str = "") -> LocalInstallation:
    return LocalInstallation(folder=folder, port=8000, sandbox_port=8001, vault_url=vault_url)


def names(*secrets: str) -> set[str]:
    return {name for secret in secrets for name in (secret, f"{secret}_FILE")}


def test_with_the_vault_apart_each_process_gets_its_own_secrets_only(tmp_path: Path) -> None:
    apart = installation(tmp_path, vault_url=local_vault_url(8002))
    web, vault = apart.web(SECRETS).environment, apart.vault(SECRETS).environment
    assert names(*ownership.WEB_ONLY) - {"SUBJECT_SIGNING_KEY"} <= set(web)
    assert not names(*ownership.VAULT_ONLY) & set(web)
    assert names(*ownership.VAULT_ONLY) <= set(vault)
    assert not names(*ownership.WEB_ONLY) & set(vault)
    for environment in (web, vault):
        assert environment["PATH"] == "/usr/bin"
        assert environment["GITHUB_CLIENT_ID"] == "Iv1.abc"


def test_with_the_vault_apart_only_the_audit_is_shared(tmp_path: Path) -> None:
    apart = installation(tmp_path, vault_url=local_vault_url(8002))
    web, vault = apart.web({}).environment, apart.vault({}).environment
    assert web["DATA_DIR"] != vault["DATA_DIR"]
    assert web["AUDIT_DIR"] == vault["AUDIT_DIR"]
    assert web["AUDIT_DIR"] not in (web["DATA_DIR"], vault["DATA_DIR"])


def test_the_vault_gets_the_public_half_of_the_webs_key(tmp_path: Path) -> None:
    apart = installation(tmp_path, vault_url=local_vault_url(8002))
    given = apart.vault({}).environment["SUBJECT_PUBLIC_KEY"]
    assert given == local_keys.find_public_key(tmp_path / "web" / "keys")
    assert "PRIVATE" not in given
    assert not (tmp_path / "vault" / "keys").exists()


def test_the_web_process_gets_the_public_half_of_the_key_that_signs_the_audits_log(tmp_path: Path) -> None:
    apart = installation(tmp_path, vault_url=local_vault_url(8002))
    key = local_keys.audit_log_key(tmp_path / "vault" / "keys")
    (expected,) = load_keys(key, name="log.example").verifiers
    assert apart.web({"AUDIT_LOG_NAME": "log.example"}).environment["AUDIT_LOG_VERIFIERS"] == str(expected)


@pytest.mark.parametrize("name", ["", "https://vault.example"])
def test_both_know_the_vault_by_one_name(tmp_path: Path, name: str) -> None:
    """A token for another name is not taken."""
    apart = installation(tmp_path, vault_url=local_vault_url(8002))
    inherited = {"VAULT_ISSUER": name}
    issuers = {program.environment["VAULT_ISSUER"] for program in (apart.web(inherited), apart.vault(inherited))}
    assert issuers == {name or "http://127.0.0.1:8002"}


def test_browsers_do_not_send_the_apps_cookies_to_the_vault() -> None:
    """Cookies know no ports: what is set for localhost:8000 is sent to localhost:8002."""
    assert "localhost" not in local_vault_url(8002)


def test_an_embedded_vault_is_given_everything(tmp_path: Path) -> None:
    web = installation(tmp_path).web(SECRETS).environment
    assert set(SECRETS) <= set(web)
    assert web["DATA_DIR"] == str(tmp_path)
    assert "VAULT_URL" not in web


@pytest.mark.parametrize("vault_url", ["", local_vault_url(8002)])
def test_the_sandbox_is_given_no_secret(tmp_path: Path, vault_url: str) -> None:
    sandbox = installation(tmp_path, vault_url=vault_url).sandbox(SECRETS)
    assert set(sandbox.environment) == {"PATH", "GITHUB_CLIENT_ID"}


def test_the_two_kinds_of_installation_share_no_folder(tmp_path: Path) -> None:
    embedded, apart = (
        installation(tmp_path),
        installation(separate_folder(tmp_path), vault_url=local_vault_url(8002)),
    )
    folders = [apart.web({}).environment[name] for name in ("DATA_DIR", "AUDIT_DIR")]
    assert embedded.web({}).environment["DATA_DIR"] not in folders


def test_a_program_shows_no_secret(tmp_path: Path) -> None:
    assert "the VAULT_KEYS" not in repr(installation(tmp_path).web(SECRETS))


ROOT = Path(__file__).parents[2]
# Where it listens and how much it logs are the installation's own; all else is a limit or a secret that is kept.
OWN = {"--host", "--port", "--log-level"}


def options_of(command: Iterable[str]) -> dict[str, str]:
    """Return the options of a command that starts uvicorn, by name; "" is the value of one that takes none."""
    words = [*command]
    pairs = zip(words, [*words[1:], "--"], strict=True)
    found = {word: "" if value.startswith("--") else value for word, value in pairs if word.startswith("--")}
    return {name: value for name, value in found.items() if name not in OWN}


@pytest.mark.parametrize(
    ("document", "application"),
    [
        ("README.md", "devcontext.asgi:application"),
        ("docs/deployment.md", "devcontext.asgi:application"),
        ("docs/deployment.md", "vault.asgi:application"),
    ],
)
def test_a_deployment_starts_its_servers_with_the_limits_of_the_launcher(
    document: str, application: str, tmp_path: Path
) -> None:
    """Without `--ws-max-size` a socket takes frames of 16 MiB, and with deflate what a small one unpacks to."""
    apart = installation(tmp_path, vault_url=local_vault_url(8002))
    program = apart.web({}) if application.startswith("devcontext.") else apart.vault({})
    text = (ROOT / document).read_text(encoding="utf-8").replace("\\\n", " ")
    (documented,) = re.findall(rf"^\S*python -m uvicorn {application} .*$", text, re.MULTILINE)
    assert options_of(shlex.split(documented)) == options_of(program.command)
    assert "--ws" in options_of(program.command)
