"""The sandbox's file: tokens outlive a restart, and the file cannot give one back."""

import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from devcontext.sandbox.store import Store
from tests.sandbox.harness import AUTHORIZE, TOKEN, Visitor

PROVIDERS = tuple(AUTHORIZE)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_tokens_and_codes_outlive_a_restart(tmp_path: Path, provider: str) -> None:
    data = tmp_path / "new folder" / "sandbox.sqlite3"
    before = Visitor(data=data)
    pair, code = await before.connect(provider), await before.code(provider)
    after = Visitor(data=data)
    alive = await after.probe(provider, pair["access_token"])
    assert alive.status_code == 200
    assert alive.json().get("ok", True)
    assert "access_token" in (await after.refresh(provider, pair["refresh_token"])).json()
    assert (await after.exchange_code(provider, code)).json().get("error") is None


async def test_a_revocation_outlives_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "sandbox.sqlite3"
    before = Visitor(data=data)
    pair = await before.connect("slack")
    await before.slack(pair["access_token"], "auth.revoke")
    after = await Visitor(data=data).probe("slack", pair["access_token"])
    assert after.json()["error"] == "token_revoked"


async def test_the_file_holds_no_token_code_or_form_token(tmp_path: Path) -> None:
    data = tmp_path / "sandbox.sqlite3"
    visitor = Visitor(data=data)
    secrets = []
    for provider in TOKEN:
        pair = await visitor.connect(provider)
        secrets += [pair["access_token"], pair["refresh_token"], await visitor.code(provider)]
    with sqlite3.connect(data) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert 'INSERT INTO "tokens"' in dump
    assert [secret for secret in secrets if secret in dump] == []


async def test_a_failed_rotation_leaves_the_old_pair(visitor: Visitor) -> None:
    pair = await visitor.connect("github")
    store = visitor.app.state.sandbox.store
    with pytest.raises(RuntimeError):
        _rotate_and_fail(store, now=visitor.clock.now)
    assert (await visitor.probe("github", pair["access_token"])).status_code == 200


def _rotate_and_fail(store: Store, *, now: datetime) -> None:
    with store.transaction():
        store.revoke_all("github", now=now)
        raise RuntimeError
