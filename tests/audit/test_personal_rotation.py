"""A new AUDIT_PERSONAL_KEY takes over: what is personal stays readable, and the old key is needed no more."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from audit import personal, personal_keys, personal_rotation, verify
from audit.events import Entry, Event
from audit.models import AuditEvent, AuditSubjectKey
from audit.personal_rotation import Report
from audit.record import record
from tests.audit.listing import list_events
from tests.audit.sealing import keys, pinned, sealer
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit"])

OLD, NEW = personal_keys.new_entry(), personal_keys.new_entry()
USERS = [f"user:{number}" for number in range(1, 6)]


@pytest.fixture(autouse=True)
def _recorded(settings: Settings) -> None:
    settings.AUDIT_PERSONAL_KEY = OLD
    for user in USERS:
        connect(user)


def connect(user: str) -> None:
    record(Entry(event=Event.VAULT_CONNECTION_CONNECTED, user=user, provider="github", account=f"gh-{user}"))


def shown(user: str) -> list[str | None]:
    return [dict(row.details).get("Account") for row in list_events(user=user).rows]


def sealed() -> dict[str, bytes]:
    return {row.subject: bytes(row.sealed_key) for row in AuditSubjectKey.objects.all()}


def test_old_and_new_both_open_meanwhile_and_then_the_new_one_alone(settings: Settings, tmp_path: Path) -> None:
    sealer(tmp_path).seal_next()
    events = list(AuditEvent.objects.order_by("id").values())
    settings.AUDIT_PERSONAL_KEY = f"{NEW},{OLD}"
    connect(USERS[0])
    assert shown(USERS[0]) == [f"gh-{USERS[0]}"] * 2
    assert personal_rotation.rotate() == Report(5, ())
    settings.AUDIT_PERSONAL_KEY = NEW
    assert [shown(user)[-1] for user in USERS] == [f"gh-{user}" for user in USERS]
    settings.AUDIT_PERSONAL_KEY = OLD
    assert shown(USERS[1]) == ["(erased)"]
    # Under the subject's key nothing changed, and so the log still verifies.
    assert list(AuditEvent.objects.order_by("id").values())[:5] == events
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()


def test_it_is_on_record_and_nothing_is_left_to_do_the_second_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal_rotation, "_BATCH", 2)
    settings.AUDIT_PERSONAL_KEY = f"{NEW},{OLD}"
    assert personal_rotation.rotate().rewrapped == 5
    before = sealed()
    assert personal_rotation.rotate() == Report(0, ())
    assert sealed() == before
    assert AuditEvent.objects.filter(event=Event.AUDIT_PERSONAL_ROTATED, user="").count() == 2


def test_who_was_erased_stays_erased(settings: Settings) -> None:
    personal.erase(USERS[2])
    settings.AUDIT_PERSONAL_KEY = f"{NEW},{OLD}"
    assert personal_rotation.rotate() == Report(4, ())
    assert sealed()[USERS[2]] == b""
    assert shown(USERS[2]) == ["(erased)"]


def test_a_key_that_does_not_open_is_named_and_left_as_it_is(settings: Settings) -> None:
    AuditSubjectKey.objects.filter(subject=USERS[3]).update(sealed_key=b"short")
    settings.AUDIT_PERSONAL_KEY = f"{NEW},{OLD}"
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("audit_rotate_personal_key", stdout=out, stderr=err)
    assert ended.value.code == 1
    assert out.getvalue() == "4 keys were sealed with the first key of AUDIT_PERSONAL_KEY.\n"
    assert err.getvalue() == f"does not open: the key of {USERS[3]}\n"
    assert sealed()[USERS[3]] == b"short"


def test_the_key_of_one_subject_does_not_open_as_anothers(settings: Settings) -> None:
    AuditSubjectKey.objects.filter(subject=USERS[0]).update(sealed_key=sealed()[USERS[1]])
    settings.AUDIT_PERSONAL_KEY = f"{NEW},{OLD}"
    assert personal_rotation.rotate().broken == (USERS[0],)


def test_the_command_says_when_the_old_key_can_go(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.AUDIT_PERSONAL_KEY = f"{NEW},{OLD}"
    call_command("audit_rotate_personal_key")
    assert capsys.readouterr().out == (
        "5 keys were sealed with the first key of AUDIT_PERSONAL_KEY.\nNo key needs an earlier one any more.\n"
    )


@pytest.mark.parametrize("setting", ["", "no key"])
def test_without_a_key_nothing_happens(settings: Settings, setting: str) -> None:
    settings.AUDIT_PERSONAL_KEY = setting
    before = sealed()
    with pytest.raises(CommandError, match="AUDIT_PERSONAL_KEY"):
        call_command("audit_rotate_personal_key")
    assert sealed() == before
    assert not AuditEvent.objects.filter(event=Event.AUDIT_PERSONAL_ROTATED).exists()


def test_a_database_that_refuses_is_told(settings: Settings) -> None:
    settings.AUDIT_PERSONAL_KEY = f"{NEW},{OLD}"
    with (
        table_away("audit", table="audit_subject_key"),
        pytest.raises(CommandError, match="does not let its keys be changed"),
    ):
        call_command("audit_rotate_personal_key")
