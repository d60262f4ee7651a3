"""The way from stored rows to the gate's answer, over all that they can say, against a plain table of causes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import NamedTuple

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from permissions import connections, gate, grants, store
from permissions.errors import NotPermittedError
from permissions.exclusions import ExclusionKind
from permissions.policy import Mode
from tests.permissions.conftest import DATABASES, Connect, Person, list_recorded
from vault import models

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

# Of each provider one tool for each mode, and a place that a call may name: of Google Calendar none can be left out.
TOOLS = {
    "github": ("github_activity", "github_commits", "github_issues"),
    "google-calendar": ("calendar_agenda", "calendar_event", "calendar_free_slots"),
    "slack": ("slack_mentions", "slack_search", "slack_thread"),
}
MODES = (Mode.ALLOW, Mode.ASK, Mode.BLOCK)
LEFT_OUT = {"github": "Acme/Payroll", "google-calendar": "acme/payroll", "slack": "#hr"}
HAS_PLACES = {"github", "slack"}
EXCLUSIONS = {ExclusionKind.REPOSITORY: ("acme/payroll",), ExclusionKind.CHANNEL: ("hr",)}
HOUR = timedelta(hours=1)


class Stored(NamedTuple):
    """What the vault's rows say of every connection."""

    connection: str
    pause: str = "none"
    is_away_allowed: bool = False


class Call(NamedTuple):
    """One question to the gate."""

    provider: str
    asker: str
    mode: Mode
    is_excluded: bool


# (connection, pause, may be away, who asks, tool, place left out) and what it is refused for; the first line that fits
# counts. None fits everything.
TABLE = (
    (("absent", None, None, None, None, None), "not_connected"),
    (("revoked", None, None, None, None, None), "revoked"),
    (("allowed", "lasts", None, None, None, None), "access_paused"),
    (("allowed", None, False, "grant", None, None), "away"),
    (("allowed", None, False, "grant without", None, None), "away"),
    (("allowed", None, True, "grant without", None, None), "not_granted"),
    (("allowed", None, None, None, Mode.BLOCK, None), "tool_blocked"),
    (("allowed", None, None, None, None, True), "excluded"),
    (("allowed", None, None, None, Mode.ASK, False), "nobody_to_ask"),
    (("allowed", None, None, None, Mode.ALLOW, False), ""),
)
ROWS = [
    Stored("absent"),
    *(Stored(*values) for values in product(("allowed", "revoked"), ("none", "lasts", "over"), (False, True))),
]
CALLS = [Call(*values) for values in product(TOOLS, ("session", "grant", "grant without"), MODES, (False, True))]


def told(stored: Stored, call: Call) -> str:
    """Return what the table says."""
    asked = (*stored, call.asker, call.mode, call.is_excluded and call.provider in HAS_PLACES)
    return next(
        cause for line, cause in TABLE if all(want in (None, is_) for want, is_ in zip(line, asked, strict=True))
    )


def expected(stored: Stored) -> Iterator[tuple[str, str, str, str]]:
    """Return provider, tool, event and reason of the row of each call."""
    for call in CALLS:
        cause = told(stored, call)
        outcome = "denied" if cause else "allowed"
        yield call.provider, tool_of(call), f"permission:check:{outcome}", cause


def tool_of(call: Call) -> str:
    return TOOLS[call.provider][MODES.index(call.mode)]


async def store_rows(stored: Stored, *, user: str) -> None:
    """Have every connection of the vault say this."""
    end = {"none": None, "lasts": timezone.now() + HOUR, "over": timezone.now() - HOUR}[stored.pause]
    await models.Connection.objects.aupdate(
        is_access_allowed=stored.connection == "allowed", paused_until=end, is_away_allowed=stored.is_away_allowed
    )
    connections.forget(user=user)


async def answer(person: Person, call: Call) -> str:
    """Ask the gate, and return why it refuses, "" where it does not."""
    places = (LEFT_OUT[call.provider],) if call.is_excluded else ("acme/web",)
    try:
        permit = await gate.require(
            **person.asker, provider=call.provider, tool=tool_of(call), run="run-1", tool_call="toolu_1", places=places
        )
    except NotPermittedError as refusal:
        return refusal.cause
    assert (permit.user, permit.provider, permit.tool) == (person.user, call.provider, tool_of(call))
    return ""


async def askers_of(person: Person) -> dict[str, Person]:
    """Return somebody who is there, and their schedules: one that was granted every tool, one that has another."""
    until = timezone.now() + HOUR
    tools = {"grant": [tool for own in TOOLS.values() for tool in own], "grant without": ["github_reviews"]}
    found = {"session": person}
    for number, (name, granted) in enumerate(tools.items()):
        grant = await grants.create(
            **person.asker, agent=f"agent:schedule:{number}", providers=list(TOOLS), tools=granted, expires_at=until
        )
        found[name] = replace(person, sid=grant.sid)
    return found


async def test_the_gate_answers_every_call_as_the_table_says_and_records_it_once(
    alice: Person, connect: Connect
) -> None:
    assert len(ROWS) * len(CALLS) == 702
    for provider, tools in TOOLS.items():
        modes = dict(zip(tools, MODES, strict=True))
        await sync_to_async(store.set_modes)(alice.user, provider=provider, modes=modes)
    await sync_to_async(store.set_exclusions)(alice.user, exclusions=EXCLUSIONS)
    askers = await askers_of(alice)
    recorded = 0
    for stored in ROWS:
        if stored == ROWS[1]:
            for provider in TOOLS:
                await connect(alice, provider)
        await store_rows(stored, user=alice.user)
        causes = [await answer(askers[call.asker], call) for call in CALLS]
        assert causes == [told(stored, call) for call in CALLS], stored
        rows = (await list_recorded("permission:check"))[recorded:]
        recorded += len(rows)
        shown = [(row["provider"], row["tool"], row["event"], row["reason"]) for row in rows]
        assert shown == list(expected(stored)), stored


def test_the_table_has_no_line_that_nothing_comes_to_and_says_yes_seldom() -> None:
    causes = [told(stored, call) for stored, call in product(ROWS, CALLS)]
    assert set(causes) == {cause for _, cause in TABLE}
    # Allowed, with no pause or one that is over: a session twice, a grant where away is allowed; and each for three
    # providers, Google Calendar once more with a place that means nothing there.
    assert causes.count("") == 2 * (2 + 1) * 4
