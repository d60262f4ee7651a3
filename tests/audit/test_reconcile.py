"""What the agent says and what the vault says have to fit; each alone can be left out or made up."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from audit import reconcile, retention
from audit.events import WEB_CLIENT, Entry, Event
from audit.reconcile import Mismatch
from audit.record import record
from tests.audit.aging import as_superuser, make_old
from tests.audit.sealing import keys, sealer
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit"])

STARTED = Entry(event=Event.AGENT_RUN_STARTED, user="user:1", run="run-1")
EXCHANGED = Entry(
    event=Event.VAULT_EXCHANGE_GRANTED,
    user="user:1",
    run="run-1",
    provider="github",
    tool_call="toolu_1",
    exchange="ex_1",
)
CALLED = replace(EXCHANGED, event=Event.AGENT_CALL_SUCCEEDED)


def recorded(*entries: Entry) -> list[int]:
    return [record(entry) for entry in entries]


def test_a_run_with_its_exchange_and_its_calls_fits() -> None:
    recorded(STARTED, EXCHANGED, CALLED, replace(CALLED, event=Event.AGENT_CALL_FAILED))
    assert reconcile.find_mismatch() == Mismatch((), ())


def test_an_exchange_of_a_registered_client_has_no_run() -> None:
    recorded(replace(EXCHANGED, run="", tool_call="", client="cli_1"))
    assert reconcile.find_mismatch() == Mismatch((), ())


def test_an_exchange_of_our_own_process_without_a_run_is_found() -> None:
    """Whoever took the web's keys asks without an actor, so that no run has to begin."""
    (exchange,) = recorded(replace(EXCHANGED, run="", tool="", tool_call="", client=WEB_CLIENT))
    assert reconcile.find_mismatch() == Mismatch((), (exchange,))


def test_a_look_outside_of_a_run_begins_what_has_its_id() -> None:
    recorded(replace(STARTED, event=Event.AGENT_LOOK_STARTED), EXCHANGED, CALLED)
    assert reconcile.find_mismatch() == Mismatch((), ())


@pytest.mark.parametrize(
    "other",
    [
        {"user": "user:2"},
        {"run": "run-2"},
        {"provider": "slack"},
        {"tool_call": "toolu_2"},
        {"exchange": "ex_2"},
        {"event": Event.VAULT_EXCHANGE_DENIED},
    ],
)
def test_a_call_needs_an_exchange_of_its_own(other: dict[str, str]) -> None:
    """The agent's process read by a token that this vault did not give for it, or the vault's row was taken away."""
    recorded(*(replace(STARTED, user=user, run=run) for user in ("user:1", "user:2") for run in ("run-1", "run-2")))
    _, call = recorded(replace(EXCHANGED, **other), CALLED)  # type: ignore[arg-type]
    assert reconcile.find_mismatch() == Mismatch((call,), ())


def test_an_exchange_after_its_call_does_not_count() -> None:
    _, call, _ = recorded(STARTED, CALLED, EXCHANGED)
    assert reconcile.find_mismatch() == Mismatch((call,), ())


def test_an_exchange_needs_a_run_that_began() -> None:
    """Somebody with the web's signing key asks in its name, or the run's own row was left out."""
    (exchange,) = recorded(EXCHANGED)
    recorded(STARTED, replace(STARTED, user="user:2"))
    assert reconcile.find_mismatch() == Mismatch((), (exchange,))
    assert reconcile.find_mismatch(after=exchange) == Mismatch((), ())


def test_a_run_that_is_half_gone_for_its_age_is_passed_over_and_no_later_one(tmp_path: Path) -> None:
    make_old(recorded(STARTED, EXCHANGED), days=10)
    while sealer(tmp_path).seal_next():
        pass
    stray, _, later = recorded(CALLED, STARTED, replace(CALLED, exchange="ex_2"))
    at = connections["audit"].ops.adapt_datetimefield_value(timezone.now() - timedelta(hours=3))
    as_superuser("UPDATE audit_event SET occurred_at = %s WHERE id = %s", at, stray)
    sealer(tmp_path).seal_next()
    assert retention.remove_older(keys(), days=5).last_event == stray - 1
    assert reconcile.find_mismatch() == Mismatch((later,), ())


def test_no_more_is_told_than_helps() -> None:
    recorded(*[EXCHANGED] * (reconcile.MAX_FINDINGS + 5))
    assert len(reconcile.find_mismatch().exchanges_without_run) == reconcile.MAX_FINDINGS


def test_the_command_says_what_does_not_fit() -> None:
    recorded(STARTED, EXCHANGED, CALLED)
    out, err = StringIO(), StringIO()
    call_command("audit_reconcile", stdout=out)
    assert out.getvalue() == "Every call has its exchange, and every exchange of a run has its run.\n"
    stray, call = recorded(replace(EXCHANGED, run="run-2"), replace(CALLED, exchange="ex_9"))
    with pytest.raises(SystemExit) as ended:
        call_command("audit_reconcile", stderr=err)
    assert ended.value.code == 1
    assert err.getvalue().splitlines() == [
        f"Event {call}: a call without an exchange.",
        f"Event {stray}: an exchange of a run that never began.",
    ]


def test_a_database_that_does_not_answer_is_no_clean_one() -> None:
    with table_away("audit", table="audit_event"), pytest.raises(CommandError) as refused:
        call_command("audit_reconcile")
    assert refused.value.returncode == 2
