"""The process that seals: it seals what is recorded while it lives and at its end, and goes on after every failure."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from audit import append_only, checkpoint, log_keys, sealer, verify
from audit.events import Event
from audit.models import AuditCheckpoint, AuditEvent
from devcontext.local_keys import public_key_of
from tests.audit.sealing import NAME, PEM, keys, pinned, record_many
from tests.broken import table_away_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["audit"])


@pytest.fixture(autouse=True)
def _configured(settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_LOG_NAME, settings.AUDIT_LOG_KEY = NAME, PEM
    settings.AUDIT_PIN_FILE = tmp_path / "audit.pin"


async def size() -> int:
    newest = await AuditCheckpoint.objects.order_by("-size").afirst()
    return newest.size if newest else 0


async def until_sealed(count: int) -> None:
    async with asyncio.timeout(30):
        while await size() < count:  # noqa: ASYNC110  (another process seals in earnest: nothing here tells of it)
            await asyncio.sleep(0.01)


async def test_events_are_sealed_while_it_lives_and_at_its_end(tmp_path: Path) -> None:
    async with sealer.running():
        await sync_to_async(record_many)(3)
        await until_sealed(3)
        await sync_to_async(record_many)(2)
    assert await size() == 5
    report = await sync_to_async(verify.verify)(keys(), pinned=pinned(tmp_path))
    assert (report.findings, report.unsealed) == ((), 0)


async def test_a_new_key_signs_at_once_and_the_log_says_so(settings: Any, tmp_path: Path) -> None:
    async with sealer.running():
        await sync_to_async(record_many)(1)
    new = checkpoint.new_pem()
    settings.AUDIT_LOG_KEY = new + public_key_of(PEM)
    for _ in range(2):
        async with sealer.running():
            pass
    events = [event.event async for event in AuditEvent.objects.order_by("id")]
    assert events == [Event.AGENT_RUN_STARTED, Event.AUDIT_KEY_ROTATED]
    report = await sync_to_async(verify.verify)(log_keys.current(), pinned=pinned(tmp_path))
    assert (report.findings, report.leaves) == ((), 2)


async def test_it_seals_nothing_after_a_log_that_was_rewritten_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async with sealer.running():
        await sync_to_async(record_many)(3)

    def rewrite() -> None:
        append_only.remove(connections["audit"])
        with connections["audit"].cursor() as cursor:
            cursor.execute("UPDATE audit_leaf SET hash = nonce WHERE position = 1")
        append_only.install(connections["audit"])
        record_many(1)

    await sync_to_async(rewrite)()
    async with sealer.running():
        pass
    assert await size() == 3
    (told,) = [entry for entry in caplog.records if entry.name == "audit.sealer"]
    assert (told.levelno, told.getMessage()) == (logging.ERROR, "audit.sealer.refused")
    assert told.reason == "The first 3 leaves are not those of their checkpoint."  # type: ignore[attr-defined]  # from `extra`


async def test_a_database_that_is_away_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "_PAUSE_AFTER_FAILURE_SECONDS", 0.01)

    await sync_to_async(record_many)(1)
    async with AsyncExitStack() as away:
        await away.enter_async_context(table_away_async("audit", table="audit_checkpoint"))
        async with sealer.running():
            await asyncio.sleep(0.05)
            await away.aclose()
            await until_sealed(1)
    assert await size() == 1


@pytest.mark.parametrize("key", ["", "no key"])
async def test_without_a_key_nothing_is_sealed_and_the_process_runs(
    settings: Any, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    settings.AUDIT_LOG_KEY = key
    await sync_to_async(record_many)(1)
    async with sealer.running():
        pass
    assert await size() == 0
    assert "audit.sealer.no_key" in caplog.text


async def test_who_can_only_check_signs_nothing(settings: Any) -> None:
    settings.AUDIT_LOG_KEY = ""
    settings.AUDIT_LOG_VERIFIERS = str(keys().verifiers[0])
    await sync_to_async(record_many)(1)
    async with sealer.running():
        pass
    assert await size() == 0
