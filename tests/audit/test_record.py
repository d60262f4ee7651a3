"""Recording an event: committed on return, or the action must not happen."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from audit import personal
from audit.errors import ActorTokenReplayedError, AuditUnavailableError
from audit.events import Entry, Event, Outcome
from audit.models import AuditEvent
from audit.record import MAX_TEXT_LENGTH, record
from tests.broken import table_away

ENTRY = Entry(
    event=Event.VAULT_EXCHANGE_GRANTED,
    user="user:1",
    provider="github",
    reason="",
    run="run-1",
    tool="github_activity",
    tool_call="toolu_1",
    client="devcontext-web",
    connection="connection-1",
    account="alice",
    scope_asked="repo",
    scope_granted="repo read:user",
    exchange="exchange-1",
    actor_jti="jti-1",
    token_fingerprint="f00d",
    method="POST",
    path="api.github.com/graphql#activity",
    status=200,
    size_bytes=12_400,
    duration_ms=180,
    provider_request_id="ABCD:1",
)


@pytest.mark.django_db(databases=["audit"])
def test_a_row_holds_every_field_of_the_entry_and_its_outcome() -> None:
    row = AuditEvent.objects.get(pk=record(ENTRY))
    personal.open_all([row])
    assert {field.name: getattr(row, field.name) for field in dataclasses.fields(Entry)} == dataclasses.asdict(ENTRY)
    assert row.outcome == Outcome.GRANTED
    assert row.occurred_at.tzinfo is not None


@pytest.mark.django_db(databases=["audit"])
def test_ids_grow_in_the_order_of_recording() -> None:
    entry = Entry(event=Event.AGENT_RUN_STARTED, user="user:1")
    ids = [record(entry) for _ in range(3)]
    assert ids == sorted(set(ids))


@pytest.mark.django_db(databases=["audit"], transaction=True)
def test_a_row_is_committed_for_everybody_when_record_returns() -> None:
    record(ENTRY)

    def count() -> int:
        try:
            return AuditEvent.objects.count()
        finally:
            connections["audit"].close()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(count).result() == 1


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_a_row_survives_the_rollback_of_a_transaction_on_another_database() -> None:
    with transaction.atomic(using="default"):
        record(ENTRY)
        transaction.set_rollback(True, using="default")
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db(databases=["audit"], transaction=True)
def test_nothing_is_recorded_inside_a_transaction_of_the_caller_on_the_audit_database() -> None:
    with transaction.atomic(using="audit"), pytest.raises(AuditUnavailableError):
        record(ENTRY)
    assert AuditEvent.objects.count() == 0


@pytest.mark.django_db(databases=["audit"])
def test_an_actor_token_is_recorded_once() -> None:
    """RFC 7519 section 4.1.7: `jti` stops a token from being replayed."""
    record(ENTRY)
    with pytest.raises(ActorTokenReplayedError):
        record(dataclasses.replace(ENTRY, exchange="exchange-2"))
    assert AuditEvent.objects.get().exchange == "exchange-1"


@pytest.mark.django_db(databases=["audit"], transaction=True)
def test_of_many_at_once_one_use_of_an_actor_token_is_recorded() -> None:
    def attempt(number: int) -> bool:
        try:
            record(dataclasses.replace(ENTRY, exchange=f"exchange-{number}"))
        except ActorTokenReplayedError:
            return False
        finally:
            connections["audit"].close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(8))) == [False] * 7 + [True]


@pytest.mark.django_db(databases=["audit"])
def test_events_without_an_actor_do_not_collide() -> None:
    entry = dataclasses.replace(ENTRY, actor_jti=None)
    assert record(entry) != record(entry)


@pytest.mark.django_db(databases=["audit"])
def test_a_database_that_refuses_the_row_is_an_error_and_not_silence() -> None:
    with table_away("audit", table="audit_event"), pytest.raises(AuditUnavailableError):
        record(ENTRY)


@pytest.mark.django_db(databases=["audit"])
def test_a_value_the_table_does_not_take_is_an_error() -> None:
    with pytest.raises(AuditUnavailableError):
        record(dataclasses.replace(ENTRY, actor_jti=None, duration_ms=-1))


@pytest.mark.django_db(databases=["audit"])
@pytest.mark.parametrize("hostile", ["a\x00b", "a\ud800b", "a\u202eb", "a\nb"])
def test_characters_that_hide_or_break_are_replaced(hostile: str) -> None:
    """A model names an invented tool freely: NUL, lone surrogates and bidi overrides included."""
    row = AuditEvent.objects.get(pk=record(dataclasses.replace(ENTRY, tool=hostile)))
    assert row.tool == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.django_db(databases=["audit"])
def test_long_text_is_cut() -> None:
    """The name of a tool sooner: an index holds it, and no entry of PostgreSQL's is longer than 2704 bytes."""
    hostile = "\N{PILE OF POO}" * 1_000_000
    entry = dataclasses.replace(ENTRY, path=hostile, tool=hostile, provider=hostile)
    row = AuditEvent.objects.get(pk=record(entry))
    assert (len(row.path), len(row.provider), len(row.tool)) == (MAX_TEXT_LENGTH, MAX_TEXT_LENGTH, 100)
    assert row.path.endswith("…")
    assert row.tool.endswith("…")
