"""The lock of a decision holds the very row that is decided on, also when a reconnect replaces it meanwhile."""

import threading
import time

import pytest
from django.db import connections as databases
from django.db import transaction
from django.utils import timezone

from tests.vault.conftest import ALICE
from vault import models
from vault.store import connections

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"]),
    pytest.mark.skipif("databases['vault'].vendor != 'postgresql'", reason="SQLite has one writer at a time"),
]


def make(connection: str) -> None:
    models.Connection.objects.using("vault").create(
        id=connection,
        subject=ALICE,
        provider="github",
        is_default=True,
        activated_at=timezone.now(),
        has_refresh_token=False,
    )


def test_a_revoke_waits_for_a_decision_that_waited_for_a_reconnect() -> None:
    make("old")
    happened: list[str] = []
    is_replaced, is_decided = threading.Event(), threading.Event()

    def reconnect() -> None:
        with transaction.atomic(using="vault"):
            models.Connection.objects.using("vault").select_for_update().get(id="old").delete()
            make("new")
            is_replaced.set()
            time.sleep(0.5)
        databases.close_all()

    def decide() -> None:
        assert is_replaced.wait(30)
        with connections.lock_for_decision(user=ALICE, audience="github") as connection:
            happened.append(f"decided on {connection.row.id}")
            is_decided.set()
            time.sleep(0.5)
            happened.append("decision committed")
        databases.close_all()

    def revoke() -> None:
        assert is_decided.wait(30)
        with connections.lock_for_change(user=ALICE, connection="github") as row:
            connections.set_access(row, is_allowed=False)
        happened.append("revoked")
        databases.close_all()

    threads = [threading.Thread(target=work) for work in (reconnect, decide, revoke)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert happened == ["decided on new", "decision committed", "revoked"]
