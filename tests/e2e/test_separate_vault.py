"""A vault of its own: what the web process then does not have, and what people are told while the vault is away."""

import base64
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from devcontext.process import ownership
from tests.e2e.installation import Installation, running
from tests.e2e.journey import SERVICES, UPSTREAM_TOKENS, ask, audit_rows, sign_in, visiting

# All of them with the visitor: pytest groups tests by browser, and one that needs none would be taken out of its turn.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("visitor")]

# How every sealed record begins, see `vault.sealing`.
SEALED = b"DCV1"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("installation"), is_vault_apart=True) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """One browser for all steps; a page without the vault is a 503, of which the browser complains."""
    async with visiting(browser, installation.app_url, expected="status of 503") as page:
        yield page


def tables(database: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def environment_of(installation: Installation, name: str) -> bytes:
    """Return the environment of a running process as the kernel knows it."""
    return Path(f"/proc/{installation.processes[name].pid}/environ").read_bytes()


def key_texts(path: Path) -> list[bytes]:
    """Return the spellings in which something could hold the installation's one key-encryption key."""
    version, _, text = path.read_bytes().strip().partition(b":")
    raw = base64.b64decode(text, validate=True)
    assert (version, len(raw)) == (b"1", 32)
    return [text, raw, raw.hex().encode(), base64.urlsafe_b64encode(raw).rstrip(b"=")]


async def test_brief_connects_the_demo_user_through_the_vaults_own_address(installation: Installation) -> None:
    done = installation.manage("app", "brief", "-v", "2", "what did I work on yesterday?")
    assert done.returncode == 0, done.stderr
    for name in SERVICES.values():
        assert f"{name}: ✓" in done.stderr


async def test_the_pages_know_what_was_connected(visitor: Page) -> None:
    await sign_in(visitor)
    await visitor.goto("/settings/permissions/")
    await expect(visitor.locator("main").get_by_text("Connected", exact=True)).to_have_count(3)


async def test_the_web_process_holds_no_token_no_record_and_no_key(installation: Installation) -> None:
    """Each pattern is shown to find what it looks for where it belongs."""
    vault = installation.written_bytes(folder=installation.vault_folder)
    web = installation.written_bytes(folder=installation.web_folder)
    keys = key_texts(installation.vault_folder / "keys" / "vault.key")
    assert len(web) > 100_000
    assert SEALED in vault
    assert any(key in vault for key in keys)
    assert SEALED not in web
    assert UPSTREAM_TOKENS.search(web) is None
    assert not [key for key in keys if key in web]


async def test_each_environment_holds_what_is_its_own(installation: Installation) -> None:
    web, vault = environment_of(installation, "app"), environment_of(installation, "vault")
    names = {line.partition(b"=")[0].decode() for line in web.split(b"\0")}
    assert "VAULT_URL" in names
    assert not names & {name for secret in ownership.VAULT_ONLY for name in (secret, f"{secret}_FILE")}
    assert not [key for key in key_texts(installation.vault_folder / "keys" / "vault.key") if key in web]
    assert b"PUBLIC KEY" in vault
    assert b"PRIVATE KEY" not in vault


async def test_the_vault_holds_no_user_no_session_and_no_key_that_signs(
    visitor: Page, installation: Installation
) -> None:
    cookies = {cookie["name"]: cookie["value"] for cookie in await visitor.context.cookies()}
    vault = installation.written_bytes(folder=installation.vault_folder)
    assert cookies["session"].encode() in installation.written_bytes("default", folder=installation.web_folder)
    assert cookies["session"].encode() not in vault
    # Its own key signs checkpoints of the audit; none of those that sign for users is there.
    assert vault.count(b"BEGIN PRIVATE KEY") == 1
    signing = [path.read_bytes().splitlines()[1] for path in installation.web_folder.rglob("*-signing.pem")]
    assert signing
    assert not [line for line in signing if line in vault]
    mine = tables(installation.vault_folder / "vault.sqlite3")
    assert {name.partition("_")[0] for name in mine} <= {"vault", "django", "sqlite"}
    assert "django_session" not in mine
    assert not {name for name in tables(installation.web_folder / "default.sqlite3") if name.startswith("vault")}


async def test_a_revoke_while_the_vault_is_away_is_not_called_done(visitor: Page, installation: Installation) -> None:
    await visitor.goto("/settings/permissions/")
    installation.kill("vault")
    await visitor.get_by_role("region", name="Slack").get_by_role("button", name="Revoke").click()
    await expect(visitor.get_by_text("The token vault did not confirm the change.")).to_be_visible()
    await expect(visitor.locator("main").get_by_text("The token vault does not answer").first).to_be_visible()
    await expect(visitor.get_by_text("Slack is revoked")).to_have_count(0)
    await expect(visitor.locator("main").get_by_text("Connected", exact=True)).to_have_count(0)


async def test_a_question_while_the_vault_is_away_reads_nothing_and_says_why(visitor: Page) -> None:
    await visitor.goto("/")
    run = await ask(visitor, "what did I work on yesterday?")
    sentence = re.compile("The token vault cannot be used right now")
    await expect(visitor.locator("[data-run]").last.get_by_text(sentence).first).to_be_visible()
    await expect(visitor.locator("[data-run] a.evidence")).to_have_count(0)
    rows = await audit_rows(visitor, f"run={run}")
    assert rows
    assert not [row for row in rows if "token exchanged" in row]


async def test_connecting_while_the_vault_is_away_is_one_sentence(visitor: Page) -> None:
    await visitor.goto("/auth/connect/slack")
    await visitor.get_by_role("button", name=re.compile("Continue to")).click()
    await expect(visitor.get_by_text("The token vault does not answer, so nothing was connected.")).to_be_visible()


async def test_when_the_vault_is_back_everything_is_as_it_was(visitor: Page, installation: Installation) -> None:
    """The revoke that was not confirmed did not happen, and nothing has to be connected again."""
    installation.start("vault")
    await visitor.goto("/settings/permissions/")
    await expect(visitor.locator("main").get_by_text("Connected", exact=True)).to_have_count(3)
    await visitor.goto("/")
    run = await ask(visitor, "what did I work on yesterday?")
    exchanges = [row for row in await audit_rows(visitor, f"run={run}") if "token exchanged" in row]
    assert len(exchanges) == 3
