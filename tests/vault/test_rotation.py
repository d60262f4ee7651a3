"""A new key takes over while the vault serves: nothing is lost, nothing is opened, and what is broken is named."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.models import BinaryField
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB, broken_audit, events, request, subject
from tests.vault.upstream import Upstream
from vault import connect, keyring, models, rotation
from vault.embedded import EmbeddedVault
from vault.errors import SealBrokenError, VaultUnavailableError
from vault.keys import local
from vault.store import fingerprints, revocations, sealed, secrets

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
OLD, NEW = local.new_entry(1), local.new_entry(2)


@pytest.fixture(autouse=True)
def _old_key(settings: Any) -> Iterator[None]:
    settings.VAULT_KEYS = OLD
    fingerprints._key.cache_clear()
    yield
    fingerprints._key.cache_clear()


def rotate() -> rotation.Report:
    return rotation.rotate(show=lambda _done: None)


def exchange(**changes: Any) -> str:
    return async_to_sync(EmbeddedVault().exchange)(request(**changes)).access_token


def tokens_of(connection: str) -> dict[str, bytes]:
    rows = models.SealedToken.objects.using("vault").filter(connection_id=connection)
    return {row.field: bytes(row.sealed) for row in rows}


def add_connections(count: int) -> None:
    """Store connections with two tokens each, as many users have them."""
    for number in range(count):
        row = models.Connection.objects.using("vault").create(
            id=f"con_{number}",
            subject=f"user:{1000 + number}",
            provider="github",
            account_id="1",
            account="a",
            has_refresh_token=True,
            activated_at=timezone.now(),
        )
        secrets.put_tokens(row, access_token=f"access-{number}", refresh_token=f"refresh-{number}")


def test_every_sealed_column_is_known() -> None:
    """A column that rotation forgets would be lost with the old key."""
    tables = [model for model in vars(models).values() if isinstance(model, type) and hasattr(model, "_meta")]
    found = {(model, field.name) for model in tables for field in model._meta.fields if isinstance(field, BinaryField)}
    assert found == {(column.model, column.field) for column in sealed.COLUMNS}


def test_everything_moves_to_the_new_key_and_the_old_one_can_go(
    connect_user: Connect, upstream: Upstream, settings: Any
) -> None:
    for provider in ("github", "google-calendar", "slack"):
        async_to_sync(connect_user)(provider=provider)
    before = {audience: exchange(audience=audience) for audience in ("github", "google-calendar", "slack")}
    url = async_to_sync(EmbeddedVault().start_connect)(subject_token=subject(BOB), provider="github")
    revocations.add(
        revocations.Orphan(
            connection="con_gone",
            user=BOB,
            provider="slack",
            account_id="U9",
            account="b",
            token_ends_at=None,
            access_token="one",
            refresh_token="two",
        )
    )
    fingerprint = fingerprints.of(before["github"])

    settings.VAULT_KEYS = f"{OLD},{NEW}"
    assert sealed.count_by_version() == {1: 9}
    report = rotate()
    assert (report.version, report.rewrapped, report.broken, report.left) == (2, 9, (), 0)
    assert report.is_complete
    assert sealed.count_by_version() == {2: 9}

    settings.VAULT_KEYS, settings.VAULT_MIN_KEY_VERSION = NEW, 2
    fingerprints._key.cache_clear()
    assert {audience: exchange(audience=audience) for audience in before} == before
    assert fingerprints.of(before["github"]) == fingerprint
    returned = httpx.URL(async_to_sync(connect.finish)("github", query=upstream.consent(url)))
    assert "error" not in returned.params
    claimed = revocations.claim_due()
    assert claimed is not None
    assert (claimed.access_token, claimed.refresh_token) == ("one", "two")


def test_only_the_wrapped_data_key_changes(connect_user: Connect, settings: Any) -> None:
    connected = async_to_sync(connect_user)()
    before = tokens_of(connected.id)
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    rotate()
    after = tokens_of(connected.id)
    header = 4 + 1 + 4 + 16 + 60
    for field, record in before.items():
        assert after[field][header:] == record[header:]
        assert after[field][:5] == record[:5]
        assert after[field][5:header] != record[5:header]


def test_a_rotation_is_recorded(settings: Any) -> None:
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    rotate()
    assert async_to_sync(events)(kind="vault:rotation") == [
        ("vault:rotation:started", "", "key_version_2"),
        ("vault:rotation:succeeded", "", "key_version_2"),
    ]


def test_what_cannot_be_recorded_does_not_begin(settings: Any) -> None:
    add_connections(1)
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    with broken_audit(), pytest.raises(VaultUnavailableError):
        rotate()
    assert sealed.count_by_version() == {1: 2}


def test_without_a_key_to_seal_with_nothing_begins(settings: Any) -> None:
    settings.VAULT_KEYS = settings.VAULT_KEYS_FILE = ""
    with pytest.raises(ImproperlyConfigured):
        rotate()


def test_a_rotation_that_is_cut_off_goes_on_where_it_was(settings: Any) -> None:
    """What is left to do is seen from the records, so that nothing has to be remembered."""
    add_connections(sealed.BATCH_SIZE)
    settings.VAULT_KEYS = f"{OLD},{NEW}"

    def cut_off(done: int) -> None:
        if done >= sealed.BATCH_SIZE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(show=cut_off)
    half = sealed.count_by_version()
    assert half == {1: sealed.BATCH_SIZE, 2: sealed.BATCH_SIZE + 1}
    assert rotate().rewrapped == sealed.BATCH_SIZE
    assert sealed.count_by_version() == {2: 2 * sealed.BATCH_SIZE + 1}


def test_a_second_rotation_has_nothing_to_do(settings: Any) -> None:
    add_connections(1)
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    assert rotate().rewrapped == 2
    assert rotate().rewrapped == 0


def test_what_does_not_open_is_named_and_left_and_the_rest_moves(settings: Any) -> None:
    add_connections(3)
    rows = models.SealedToken.objects.using("vault").filter(connection_id="con_1")
    moved = rows.get(field="access").sealed
    rows.filter(field="refresh").update(sealed=moved)
    rows.filter(field="access").update(sealed=b"short")
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    report = rotate()
    assert (report.rewrapped, report.left, report.is_complete) == (4, 0, False)
    assert {(broken.connection, broken.provider, broken.field) for broken in report.broken} == {
        ("con_1", "github", "access"),
        ("con_1", "github", "refresh"),
    }
    assert bytes(rows.get(field="refresh").sealed) == bytes(moved)
    assert [event for event, *_ in async_to_sync(events)(kind="vault:rotation")] == [
        "vault:rotation:started",
        "vault:rotation:failed",
    ]


def test_a_record_of_a_version_that_nobody_knows_is_named(settings: Any) -> None:
    settings.VAULT_KEYS = local.new_entry(7)
    add_connections(1)
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    report = rotate()
    assert len(report.broken) == 2
    assert not report.is_complete


def test_a_newer_version_that_is_still_handed_out_is_not_undone(settings: Any) -> None:
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    add_connections(1)
    settings.VAULT_KEY_VERSION = 1
    assert rotate().is_complete
    assert sealed.count_by_version() == {1: 1, 2: 2}


def test_a_refresh_between_reading_and_writing_wins(settings: Any) -> None:
    """The record is written over exactly the one it was made from, never over a newer generation's."""
    add_connections(1)
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    refreshed = False

    def refresh_first(execute: Any, sql: str, *arguments: Any) -> Any:
        nonlocal refreshed
        if sql.startswith("UPDATE") and "vault_sealedtoken" in sql and not refreshed:
            refreshed = True
            row = models.Connection.objects.using("vault").get(id="con_0")
            row.generation += 1
            row.save(using="vault")
            secrets.put_tokens(row, access_token="newer", refresh_token="newest")
        return execute(sql, *arguments)

    with connections["vault"].execute_wrapper(refresh_first):
        report = rotate()
    assert report.is_complete
    row = models.Connection.objects.using("vault").get(id="con_0")
    assert [secrets.find_token(row, field=field) for field in ("access", "refresh")] == ["newer", "newest"]


def test_a_record_that_is_erased_meanwhile_stays_erased(settings: Any) -> None:
    add_connections(1)
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    erased = False

    def erase_first(execute: Any, sql: str, *arguments: Any) -> Any:
        nonlocal erased
        if sql.startswith("UPDATE") and "vault_sealedtoken" in sql and not erased:
            erased = True
            models.Connection.objects.using("vault").filter(id="con_0").delete()
        return execute(sql, *arguments)

    with connections["vault"].execute_wrapper(erase_first):
        assert rotate().is_complete
    assert not models.SealedToken.objects.using("vault").exists()


def test_records_of_a_process_that_seals_with_an_older_key_are_counted(settings: Any) -> None:
    """Another process whose environment is not renewed yet."""
    add_connections(1)
    settings.VAULT_KEYS = f"{OLD},{NEW}"

    def seal_with_old_key(_done: int) -> None:
        settings.VAULT_KEYS = OLD
        row = models.Connection.objects.using("vault").get(id="con_0")
        secrets.put_tokens(row, access_token="a", refresh_token="r")
        settings.VAULT_KEYS = f"{OLD},{NEW}"

    report = rotation.rotate(show=seal_with_old_key)
    assert not report.is_complete
    assert report.left == 2
    assert async_to_sync(events)(kind="vault:rotation:failed")


def test_a_process_without_the_new_key_refuses_and_recovers_once_it_has_it(
    connect_user: Connect, settings: Any
) -> None:
    async_to_sync(connect_user)()
    token = exchange()
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    rotate()
    settings.VAULT_KEYS = OLD
    with pytest.raises(SealBrokenError):
        exchange()
    assert async_to_sync(events)(kind="vault:exchange:failed") == [
        ("vault:exchange:failed", ALICE, "vault_unavailable")
    ]
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    assert exchange() == token


def test_a_record_below_the_minimum_is_refused_at_the_exchange(connect_user: Connect, settings: Any) -> None:
    """Who kept an old key and can write rows gains nothing, although that key is still configured."""
    async_to_sync(connect_user)()
    settings.VAULT_KEYS, settings.VAULT_MIN_KEY_VERSION = f"{OLD},{NEW}", 2
    with pytest.raises(SealBrokenError):
        exchange()
    assert keyring.current().provider.versions() == (1, 2)
