"""`POST /oauth/receipt`: whoever was given a token can have its event proved, and nobody else."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from audit import log_keys
from audit.seal import Sealer
from tests.vault.asking import ask, error_of, exchange
from tests.vault.conftest import audit_down, request
from tests.vault.registered import register
from vault.client.base import VaultClient

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"


@sync_to_async
def seal() -> None:
    Sealer(log_keys.current(), pin_file=settings.AUDIT_PIN_FILE).seal_next()


async def test_both_vaults_hand_the_receipt_on(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    token = await client.exchange(request())
    assert base64.b64decode(token.receipt).startswith(b"devcontext-audit-receipt/1\n")


async def test_the_answer_and_the_receipt_convince_who_has_only_the_key(
    http: httpx.AsyncClient, connect_user: Connect, tmp_path: Path
) -> None:
    await connect_user()
    receipt = (await exchange(http)).json()["receipt"]
    assert (await ask(http, "/oauth/receipt", receipt=receipt)).json() == {"state": "waiting"}
    await seal()
    answer = await ask(http, "/oauth/receipt", receipt=receipt)
    assert (answer.status_code, answer.json()["state"]) == (200, "sealed")
    assert "no-store" in answer.headers["cache-control"]
    (tmp_path / "answer.json").write_bytes(answer.content)
    (tmp_path / "receipt.txt").write_text(receipt, encoding="utf-8")
    assert await verify(tmp_path) == (0, "1 events fit the signed log of 3; 0 are not sealed yet.\n")
    changed = json.loads(answer.content)
    changed["export"][2]["event"][5] = "slack"
    (tmp_path / "answer.json").write_text(json.dumps(changed), encoding="utf-8")
    code, told = await verify(tmp_path)
    assert (code, told[:7]) == (1, "CHANGED")


@sync_to_async
def verify(folder: Path) -> tuple[int, str]:
    files = (str(folder / "answer.json"), "--receipt", str(folder / "receipt.txt"))
    key = ",".join(map(str, log_keys.current().verifiers))
    command = [sys.executable, "-I", str(TOOL), *files, "--key", key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


async def test_anothers_receipt_tells_nothing(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    receipt = (await exchange(http)).json()["receipt"]
    other = await register()
    answer = await http.post("/oauth/receipt", data=other.in_body | {"receipt": receipt})
    assert error_of(answer) == (400, "invalid_request")


async def test_what_is_no_receipt_is_refused(http: httpx.AsyncClient) -> None:
    for text in ("x", "devcontext-audit-receipt/1\n", "\n" * 5000):
        assert error_of(await ask(http, "/oauth/receipt", receipt=text)) == (400, "invalid_request")
    assert error_of(await ask(http, "/oauth/receipt")) == (400, "invalid_request")
    assert error_of(await http.post("/oauth/receipt", data={"receipt": "x"})) == (401, "invalid_client")


async def test_without_its_event_no_token_leaves_and_no_receipt(http: httpx.AsyncClient, connect_user: Connect) -> None:
    await connect_user()
    async with audit_down():
        assert error_of(await exchange(http)) == (503, "server_error")
