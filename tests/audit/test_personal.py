"""What is personal is sealed under its subject's key; who is erased takes the key along, and the log verifies."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django.fixtures import Settings

from audit import checks, erasure, personal, personal_keys, receipt, verify
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.log_keys import current
from audit.models import AuditEvent, AuditSubjectKey
from audit.receipt import Standing
from audit.record import append, record
from tests.audit.listing import list_events
from tests.audit.sealing import keys, pinned, sealer

pytestmark = pytest.mark.django_db(databases=["default", "audit"])

ALICE, BOB = "user:1", "user:2"


def connect(user: str = ALICE, account: str = "alice-gh") -> int:
    return record(Entry(event=Event.VAULT_CONNECTION_CONNECTED, user=user, provider="github", account=account))


def files() -> bytes:
    """Return all that lies on the disk of SQLite's audit database."""
    path = Path(connections["audit"].settings_dict["NAME"])
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def shown(user: str = ALICE) -> list[str | None]:
    """Return the accounts that a user's timeline shows, the newest first."""
    return [dict(row.details).get("Account") for row in list_events(user=user).rows]


def test_an_account_is_stored_sealed_and_shown_open() -> None:
    connect()
    connect(account="Grüße 世界")
    stored = list(AuditEvent.objects.order_by("id").values_list("account", flat=True))
    assert all(text.startswith("sealed:1:") for text in stored)
    assert "alice" not in "".join(stored)
    assert shown() == ["Grüße 世界", "alice-gh"]
    assert "alice-gh" in list_events(user=ALICE).rows[1].sentence


def test_an_operators_words_are_sealed_and_codes_are_not() -> None:
    record(Entry(event=Event.ACCOUNT_TOKEN_ISSUED, user=ALICE, client="cli_1", reason="Alice asked on the phone"))
    record(Entry(event=Event.VAULT_EXCHANGE_DENIED, user=ALICE, reason="revoked"))
    code, words = AuditEvent.objects.order_by("-id").values_list("reason", flat=True)
    assert (code, words.startswith("sealed:1:")) == ("revoked", True)
    assert [dict(row.details)["Reason"] for row in list_events(user=ALICE).rows] == [
        "revoked",
        "Alice asked on the phone",
    ]


def test_who_is_erased_is_erased_everywhere_and_nobody_else(tmp_path: Path) -> None:
    connect()
    connect(BOB, account="bob-gh")
    own = sealer(tmp_path)
    own.seal_next()
    erasure.erase(ALICE)
    own.seal_next()
    assert shown() == [None, "(erased)"]
    assert shown(BOB) == ["bob-gh"]
    assert list_events(user=ALICE).rows[0].event == "audit:subject:erased"
    report = verify.verify(keys(), pinned=pinned(tmp_path))
    assert (report.findings, report.leaves) == ((), 3)


def test_an_event_that_comes_after_the_erasure_names_nobody() -> None:
    """A revocation may be answered days later; it must not make a new key."""
    connect()
    erasure.erase(ALICE)
    connect()
    assert shown() == [None, None, "(erased)"]
    assert bytes(AuditSubjectKey.objects.get().sealed_key) == b""


def test_who_never_had_a_key_can_be_erased_and_gets_none() -> None:
    erasure.erase(ALICE)
    erasure.erase(ALICE)
    connect()
    assert shown()[0] is None


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="PostgreSQL keeps old rows until it vacuums")
@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_the_key_is_gone_from_the_files() -> None:
    """From the write-ahead log too, which keeps a page as it was."""
    connect()
    key = bytes(AuditSubjectKey.objects.get().sealed_key)
    assert key in files()
    erasure.erase(ALICE)
    assert key not in files()


def test_the_receipt_of_an_erased_persons_event_is_kept() -> None:
    note = receipt.issue(append(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=ALICE, account="alice-gh")))
    erasure.erase(ALICE)
    assert receipt.find_standings([note], keys=current()) == [Standing.WAITING]


def test_what_is_moved_to_another_person_or_row_of_theirs_does_not_open() -> None:
    connect()
    (event,) = AuditEvent.objects.all()
    for change in ({"user": BOB}, {"reason": event.account}, {"account": "sealed:1:AAAA"}, {"account": "sealed:1:é"}):
        moved = AuditEvent.objects.get()
        for name, value in change.items():
            setattr(moved, name, value)
        personal.open_all([moved])
        assert "(erased)" in (moved.account, moved.reason)


def test_another_key_seals_anew_and_the_old_one_still_opens(settings: Settings) -> None:
    connect()
    settings.AUDIT_PERSONAL_KEY = f"{personal_keys.new_entry()},{settings.AUDIT_PERSONAL_KEY}"
    connect(BOB, account="bob-gh")
    assert (shown(), shown(BOB)) == (["alice-gh"], ["bob-gh"])
    settings.AUDIT_PERSONAL_KEY = settings.AUDIT_PERSONAL_KEY.split(",")[0]
    assert (shown(), shown(BOB)) == (["(erased)"], ["bob-gh"])


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
@pytest.mark.parametrize("key", ["", "AAAA", "no base64!", ","])
def test_without_its_key_nothing_personal_is_recorded_in_the_open(settings: Settings, key: str) -> None:
    settings.AUDIT_PERSONAL_KEY = key
    assert [error.id for error in checks.check_personal_key()] == ["audit.E002"]
    with pytest.raises(AuditUnavailableError):
        connect()
    assert record(Entry(event=Event.AGENT_RUN_STARTED, user=ALICE))


def test_a_key_that_does_not_open_the_subjects_records_nothing_of_them(settings: Settings) -> None:
    connect()
    settings.AUDIT_PERSONAL_KEY = personal_keys.new_entry()
    with pytest.raises(AuditUnavailableError):
        connect()


def test_the_command_erases_on_a_second_word_alone() -> None:
    connect()
    for arguments in (["user:1"], ["alice", "--yes"], ["user:x", "--yes"]):
        with pytest.raises(CommandError):
            call_command("audit_erase_user", *arguments)
    assert shown() == ["alice-gh"]
    call_command("audit_erase_user", "user:1", "--yes", stdout=StringIO())
    assert shown() == [None, "(erased)"]


def test_the_command_makes_a_key_that_serves(settings: Settings) -> None:
    out = StringIO()
    call_command("audit_key", "--new-personal", stdout=out)
    settings.AUDIT_PERSONAL_KEY = out.getvalue().strip()
    assert checks.check_personal_key() == []
