"""The process that removes what has expired: by itself where it is told to, and never where it is not."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from audit import append_only, retention_daily
from audit.models import AuditEvent
from tests.audit.sealing import NAME, PEM, record_many, sealer

pytestmark = pytest.mark.django_db(transaction=True, databases=["audit"])


@pytest.fixture(autouse=True)
def _configured(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AUDIT_LOG_NAME, settings.AUDIT_LOG_KEY = NAME, PEM
    settings.AUDIT_RETENTION_DAYS = 30
    monkeypatch.setattr(retention_daily, "_FIRST_SECONDS", (0.0, 0.0))


def sealed(folder: Path) -> None:
    """Seal four old events in two segments, and two young ones."""
    record_many(4)
    connection = connections["audit"]
    append_only.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET occurred_at = '2020-01-01 00:00:00.000000'")
    append_only.install(connection)
    record_many(2)
    while sealer(folder).seal_next(limit=2):
        pass


async def test_what_had_its_time_goes_while_the_process_lives(tmp_path: Path) -> None:
    await sync_to_async(sealed)(tmp_path)
    async with retention_daily.running(), asyncio.timeout(30):
        while await AuditEvent.objects.acount() != 4:  # noqa: ASYNC110  (a thread of its own: nothing here tells of it)
            await asyncio.sleep(0.01)


async def test_without_a_limit_nothing_is_looked_for(tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_RETENTION_DAYS = 0
    await sync_to_async(sealed)(tmp_path)
    tasks = asyncio.all_tasks()
    async with retention_daily.running():
        assert asyncio.all_tasks() == tasks
    assert await AuditEvent.objects.acount() == 6


async def test_a_log_that_was_rewritten_is_left_alone_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await sync_to_async(sealed)(tmp_path)

    def rewrite() -> None:
        append_only.remove(connections["audit"])
        with connections["audit"].cursor() as cursor:
            cursor.execute("UPDATE audit_leaf SET hash = nonce WHERE position = 1")
        append_only.install(connections["audit"])

    await sync_to_async(rewrite)()
    async with retention_daily.running(), asyncio.timeout(30):
        while not caplog.records:  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.01)
    (told,) = caplog.records
    assert (told.name, told.levelno) == ("audit.retention_daily", logging.ERROR)
    assert told.getMessage() == "audit.retention.refused"
    assert await AuditEvent.objects.acount() == 6
