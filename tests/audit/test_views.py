"""The timeline page: one's own events only, and no crash whatever the address says."""

import base64
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from agent import memory
from agent.types import WeekSettings
from audit import append_only, checkpoint, encoding
from audit.events import Entry, Event
from audit.models import AuditEvent, AuditLeaf
from audit.record import record
from permissions.subjects import subject_of
from tests.audit.proof_checks import require_inclusion
from tests.audit.sealing import NAME, PEM, sealer
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

HOSTILE = ["' OR 1=1 --", "<script>", "\x00", "a" * 100_000, "9" * 400, "../../etc", "\N{ARABIC-INDIC DIGIT THREE}"]


@pytest.fixture
def alice() -> User:
    """Return a user with two events."""
    user = User.objects.create_user("alice")
    record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=subject_of(user.pk), provider="github", run="run-1"))
    record(Entry(event=Event.VAULT_EXCHANGE_DENIED, user=subject_of(user.pk), provider="slack", reason="revoked"))
    return user


@pytest.fixture
def signed_in(alice: User, client: Client) -> Client:
    """Return a browser in which Alice is signed in."""
    client.force_login(alice)
    return client


def test_nobody_sees_a_timeline_without_signing_in(client: Client) -> None:
    response = client.get("/audit/?service=github")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/audit/")


def test_the_page_shows_the_users_events_newest_first(signed_in: Client) -> None:
    response = signed_in.get("/audit/")
    assert response.status_code == 200
    assert [row.provider for row in response.context["rows"]] == ["slack", "github"]
    assert response.context["next_cursor"] is None
    assert response.context["services"][0] == ("github", "GitHub", "service:github")
    assert ("denied", "Denied", "outcome:denied") in response.context["outcomes"]
    assert response.context["message"] == ""
    assert "No Slack token was given: access to it was turned off." in response.content.decode()


@pytest.mark.parametrize(
    ("query", "providers"),
    [
        ("service=github", ["github"]),
        ("outcome=denied", ["slack"]),
        ("run=run-1", ["github"]),
        ("service=slack&outcome=granted", []),
        ("service=&outcome=&run=&before=", ["slack", "github"]),
        ("before=1", []),
        ("before=9223372036854775807", ["slack", "github"]),
    ],
)
def test_filters_come_from_the_address(query: str, providers: list[str], signed_in: Client) -> None:
    response = signed_in.get(f"/audit/?{query}")
    assert response.status_code == 200
    assert [row.provider for row in response.context["rows"]] == providers


def test_what_is_selected_is_told_to_the_page(signed_in: Client) -> None:
    context = signed_in.get("/audit/?service=github&outcome=granted&run=run-1").context
    selected = (context["selected_service"], context["selected_outcome"], context["selected_run"])
    assert selected == ("github", "granted", "run-1")


@pytest.mark.parametrize("name", ["service", "outcome", "run", "before"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_filter_filters_nothing_and_is_told_so(name: str, value: str, signed_in: Client) -> None:
    response = signed_in.get("/audit/", {name: value})
    assert response.status_code == 400
    assert len(response.context["rows"]) == 2
    assert response.context[f"selected_{name}" if name != "before" else "selected_run"] == ""
    assert "not understood" in response.context["message"]
    assert "<script>" not in response.content.decode()


def test_a_good_filter_holds_beside_a_bad_one(signed_in: Client) -> None:
    response = signed_in.get("/audit/?service=github&outcome=nonsense")
    assert response.status_code == 400
    assert [row.provider for row in response.context["rows"]] == ["github"]


def test_another_users_events_stay_hidden_whatever_is_asked(signed_in: Client) -> None:
    record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user="user:999", provider="github", run="secret-run"))
    for query in ("", "?run=secret-run", "?user=user:999", "?service=github&user=999"):
        response = signed_in.get(f"/audit/{query}")
        assert all(row.run != "secret-run" for row in response.context["rows"])


def test_charts_stand_above_the_newest_events_and_lead_to_them(signed_in: Client) -> None:
    page = signed_in.get("/audit/?range=day").content.decode()
    newest = AuditEvent.objects.order_by("-id").values_list("id", flat=True)[0]
    # Once from the drawing, once from its table.
    assert page.count(f'href="?service=slack&amp;before={newest + 1}"') == 2
    assert page.count('class="slot"') == 2
    assert "<title>Slack, " in page


@pytest.mark.parametrize("query", ["?before=9", "?on=2026-11-01"])
def test_older_pages_have_no_charts(query: str, signed_in: Client) -> None:
    assert signed_in.get(f"/audit/{query}").context["overview"] is None


def test_charts_follow_the_service_and_the_outcome(signed_in: Client) -> None:
    assert signed_in.get("/audit/?service=slack").context["overview"].lanes.number == 1
    assert signed_in.get("/audit/?q=outcome:failed").context["overview"].lanes.number == 0


def test_charts_are_in_the_users_zone(signed_in: Client, alice: User) -> None:
    assert alice.pk is not None
    memory.save_week_settings(alice.pk, chosen=WeekSettings(time_zone="Asia/Kathmandu"))
    assert "Times of these charts are in Asia/Kathmandu." in signed_in.get("/audit/").content.decode()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_page_only_reads(method: str, signed_in: Client) -> None:
    assert getattr(signed_in, method)("/audit/").status_code == 405


def test_an_audit_that_cannot_be_read_is_said_and_is_no_crash(signed_in: Client) -> None:
    with table_away("audit", table="audit_event"):
        response = signed_in.get("/audit/")
    assert response.status_code == 503
    assert "does not answer" in response.context["message"]
    assert "Nothing has been read yet" not in response.content.decode()


def facts_of(number: int, *, browser: Client) -> str:
    """Return what the row of an event unfolds."""
    return browser.get(f"/audit/{number}/facts/").content.decode()


@pytest.fixture
def sealed(alice: User, tmp_path: Path, settings: Any) -> list[int]:
    """Return the ids of Alice's events, sealed, and of one of Bob's among them."""
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_NAME = PEM, NAME
    record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=subject_of(alice.pk + 1)))
    sealer(tmp_path).seal_next()
    return list(AuditEvent.objects.order_by("id").values_list("id", flat=True))


def test_an_event_comes_with_what_proves_it(signed_in: Client, sealed: list[int]) -> None:
    answer = signed_in.get(f"/audit/{sealed[0]}/proof").json()
    opened = checkpoint.load_verifiers(",".join(answer["verifiers"])).open(answer["note"])
    require_inclusion(
        encoding.hash_event(answer["event"], nonce=bytes.fromhex(answer["nonce"])),
        position=answer["position"],
        size=opened.size,
        root=opened.root,
        proof=[base64.b64decode(node) for node in answer["path"]],
    )
    assert answer["event"][0] == sealed[0]


def test_the_page_says_how_far_the_log_is(signed_in: Client, sealed: list[int]) -> None:
    assert f"Sealed to number {sealed[-1]}." in signed_in.get("/audit/").content.decode()


def test_the_page_says_how_far_the_log_is_behind(signed_in: Client, sealed: list[int], alice: User) -> None:
    assert "below is newer" not in signed_in.get("/audit/").content.decode()
    record(Entry(event=Event.AGENT_RUN_STARTED, user=subject_of(alice.pk)))
    assert "One event below is newer" in signed_in.get("/audit/").content.decode()


def test_an_event_of_a_run_leads_to_the_run(signed_in: Client, alice: User) -> None:
    run = "7d9f3a3e-1111-4222-8333-123456789abc"
    begun = record(Entry(event=Event.AGENT_RUN_STARTED, user=subject_of(alice.pk), run=run))
    assert f'href="/runs/{run}/"' in facts_of(begun, browser=signed_in)
    # What is called `run-1` is no run that has a page.
    earlier = AuditEvent.objects.get(run="run-1").id
    assert "/runs/" not in facts_of(earlier, browser=signed_in)


def test_a_row_says_whether_it_is_sealed_and_where_its_proof_and_receipt_are(
    signed_in: Client, sealed: list[int], alice: User
) -> None:
    run = "7d9f3a3e-1111-4222-8333-123456789abc"
    place = {"user": subject_of(alice.pk), "run": run}
    late = record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, exchange="ex_1", **place))
    read = record(Entry(event=Event.AGENT_CALL_SUCCEEDED, exchange="ex_1", **place))
    of_sealed, of_late, of_read = (facts_of(number, browser=signed_in) for number in (sealed[0], late, read))
    assert f'<a href="/audit/{sealed[0]}/proof">its proof</a>' in of_sealed
    assert ["not sealed yet" in facts for facts in (of_sealed, of_late, of_read)] == [False, True, True]
    assert f'<a href="/audit/{late}/proof">' not in of_late
    receipt = f'<a href="/runs/{run}/#receipt-ex_1">its receipt</a>'
    assert [receipt in facts for facts in (of_sealed, of_late, of_read)] == [False, True, False]


def test_before_the_first_seal_there_is_nothing_to_verify(signed_in: Client) -> None:
    page = signed_in.get("/audit/").content.decode()
    assert "Nothing is sealed yet." in page
    assert "data-verify " not in page


def test_no_proof_is_given_of_what_is_not_ones_own_not_sealed_or_not_there(
    signed_in: Client, sealed: list[int], alice: User
) -> None:
    late = record(Entry(event=Event.AGENT_RUN_STARTED, user=subject_of(alice.pk)))
    assert [signed_in.get(f"/audit/{number}/proof").status_code for number in (sealed[-1], late, 10**18, 10**30)] == [
        404
    ] * 4


def test_nobody_gets_a_proof_without_signing_in(client: Client, sealed: list[int]) -> None:
    assert client.get(f"/audit/{sealed[0]}/proof").status_code == 302


def test_a_tree_that_lacks_hashes_proves_nothing(signed_in: Client, sealed: list[int]) -> None:
    append_only.remove(connections["audit"])
    AuditLeaf.objects.filter(event_id=sealed[1]).delete()
    append_only.install(connections["audit"])
    assert signed_in.get(f"/audit/{sealed[0]}/proof").status_code == 404


def test_a_process_that_knows_no_key_says_so_by_naming_none(
    signed_in: Client, sealed: list[int], settings: Any
) -> None:
    settings.AUDIT_LOG_KEY = settings.AUDIT_LOG_VERIFIERS = ""
    assert signed_in.get(f"/audit/{sealed[0]}/proof").json()["verifiers"] == []


def test_only_what_was_let_through_is_asked_why(signed_in: Client, alice: User) -> None:
    place = {"user": subject_of(alice.pk), "provider": "slack", "tool": "slack_mentions", "run": "run-2"}
    read = record(Entry(event=Event.AGENT_CALL_SUCCEEDED, **place))
    refused = record(Entry(event=Event.PERMISSION_CHECK_DENIED, **place))
    asked = [f"/audit/{number}/why/" in facts_of(number, browser=signed_in) for number in (read, refused)]
    assert asked == [True, False]
