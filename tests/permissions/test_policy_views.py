"""The forms of policy: tools, exclusions, pauses, while away, and all at once; they work without a script."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient
from django.utils import timezone

from agent import conversations
from audit import vocabulary
from permissions import connections, needs, questions, store
from permissions.exclusions import ExclusionKind
from permissions.pauses import PauseError, end_of
from permissions.policy import Answer, Mode
from permissions.subjects import user_id_of
from tests.agent.conftest import request_of, start
from tests.broken import table_away_async
from tests.permissions.conftest import DATABASES, Connect, Person, SignIn, list_recorded
from tests.permissions.messages import said
from vault import models

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

PAGE = "/settings/permissions/"
EXCLUSIONS = f"{PAGE}exclusions"
LINES = {
    "repository": "Acme/Payroll\r\n\r\nacme/payroll\r\n",
    "organisation": "",
    "channel": "#hr",
    "word": "Project X",
}


async def modes(person: Person) -> dict[str, Mode]:
    """Return what was set."""
    return await sync_to_async(store.list_modes)(person.user)


@pytest.mark.parametrize("address", ["github/tools", "github/pause", "github/away", "revoke-all", "exclusions"])
async def test_nobody_changes_policy_without_signing_in(address: str, alice: Person, connect: Connect) -> None:
    await connect(alice)
    response = await AsyncClient().post(f"{PAGE}{address}")
    assert (response.status_code, response["Location"].startswith("/accounts/login/")) == (302, True)
    status = await connections.load_status(**alice.asker, provider="github", is_fresh=True)
    assert (status.state.value, await modes(alice)) == ("connected", {})


def chosen(**others: str) -> dict[str, str]:
    """Return GitHub's form as it is sent: each tool allowed but those of `others`."""
    return dict.fromkeys(needs.tools_of("github"), "allow") | others


async def test_each_tool_is_allowed_asks_first_or_is_blocked_and_the_card_shows_it(
    alice: Person, connect: Connect
) -> None:
    await connect(alice)
    form = chosen(github_commits="block", github_mentions="ask", slack_mentions="block", invented="allow")
    response = await alice.browser.post(f"{PAGE}github/tools", form)
    assert (response.status_code, response["Location"]) == (303, PAGE)
    assert await modes(alice) == {"github_commits": Mode.BLOCK, "github_mentions": Mode.ASK}
    page = (await alice.browser.get(PAGE)).content.decode()
    assert "What the AI may read of GitHub: 1 blocked, 1 asks first" in page
    shown = dict(re.findall(r'<select id="mode-(\w+)".*?value="(\w+)" selected', page, re.DOTALL))
    assert shown == {name: form[name] for name in needs.tools_of("github")}
    rows = await list_recorded("permission:tool")
    assert sorted((row["provider"], row["tool"], row["reason"]) for row in rows) == [
        ("github", "github_commits", "allow → block"),
        ("github", "github_mentions", "allow → ask"),
    ]


@pytest.mark.parametrize("sent", [{}, {"github_commits": ""}, {"github_commits": "always"}], ids=str)
async def test_a_tool_of_which_nothing_usable_is_said_is_blocked(sent: dict[str, str], alice: Person) -> None:
    form = {name: mode for name, mode in chosen().items() if name != "github_commits"} | sent
    await alice.browser.post(f"{PAGE}github/tools", form)
    assert await modes(alice) == {"github_commits": Mode.BLOCK}


@sync_to_async
def allow_in_a_chat(person: Person) -> tuple[UUID, int]:
    """Let somebody allow their mentions in a conversation, and return its id and the allowance's."""
    ticket = start(request_of(User.objects.get(pk=user_id_of(person.user)), text="Standup & more"))
    asked = questions.ask(
        person.user,
        run=ticket.run,
        conversation=ticket.conversation,
        provider="github",
        tool="github_mentions",
        tool_call="t",
        connection="c",
        seconds=60,
    )
    questions.answer(asked.id, run=ticket.run, user=person.user, answer=Answer.CONVERSATION)
    return ticket.conversation, questions.list_allowances(person.user, provider="github")[0].id


async def test_what_is_allowed_in_a_conversation_is_listed_and_can_be_taken_back(
    alice: Person, sign_in: SignIn, connect: Connect
) -> None:
    await connect(alice)
    conversation, allowance = await allow_in_a_chat(alice)
    page = (await alice.browser.get(PAGE)).content.decode()
    assert "Allowed in single conversations" in page
    assert f'<a href="/chat/{conversation}/">Standup &amp; more</a>' in page
    end = f"{PAGE}allowances/{allowance}/end"
    assert (await AsyncClient().post(end))["Location"].startswith("/accounts/login/")
    assert (await (await sign_in("mallory")).browser.post(end)).status_code == 404
    assert "Allowed in single conversations" in (await alice.browser.get(PAGE)).content.decode()
    async with table_away_async("audit", table="audit_event"):
        assert said(await alice.browser.post(end))[-1][0] == "error"
    response = await alice.browser.post(end)
    assert (response.status_code, said(response)[-1][0]) == (303, "success")
    assert (await alice.browser.post(end)).status_code == 404
    assert "Allowed in single conversations" not in (await alice.browser.get(PAGE)).content.decode()


async def test_a_conversation_that_was_deleted_is_not_listed(alice: Person, connect: Connect) -> None:
    await connect(alice)
    conversation, _ = await allow_in_a_chat(alice)
    await sync_to_async(conversations.delete)(conversation, user=user_id_of(alice.user))
    assert "Allowed in single conversations" not in (await alice.browser.get(PAGE)).content.decode()


async def test_a_change_that_cannot_be_recorded_is_told_as_not_made(alice: Person) -> None:
    async with table_away_async("audit", table="audit_event"):
        response = await alice.browser.post(f"{PAGE}github/tools", {})
        left_out = await alice.browser.post(EXCLUSIONS, LINES)
    assert [level for level, _ in said(response)] == ["error"]
    assert left_out.status_code == 503
    assert await modes(alice) == {}


async def test_an_unknown_service_has_no_tools(alice: Person) -> None:
    assert (await alice.browser.post(f"{PAGE}myspace/tools", {})).status_code == 404


async def test_exclusions_are_kept_line_by_line_and_shown_again(alice: Person, sign_in: SignIn) -> None:
    response = await alice.browser.post(EXCLUSIONS, LINES | {"private_events": "on"})
    assert (response.status_code, response["Location"]) == (303, EXCLUSIONS)
    kept = await sync_to_async(store.list_exclusions)(alice.user)
    assert kept == {
        ExclusionKind.REPOSITORY: ("acme/payroll",),
        ExclusionKind.ORGANISATION: (),
        ExclusionKind.CHANNEL: ("#hr",),
        ExclusionKind.PRIVATE_EVENTS: ("",),
        ExclusionKind.WORD: ("Project X",),
    }
    page = (await alice.browser.get(EXCLUSIONS)).content.decode()
    assert "acme/payroll" in page
    assert "checked" in page
    bob = await sign_in("bob")
    assert "acme/payroll" not in (await bob.browser.get(EXCLUSIONS)).content.decode()


@pytest.mark.parametrize(
    "mistake",
    [
        {"repository": "payroll"},
        {"repository": "https://github.com/acme/payroll"},
        {"organisation": "a/b"},
        {"channel": "two words"},
        {"word": "..."},
        {"word": "x" * 101},
        {"word": "\n".join(f"word{n}" for n in range(101))},
    ],
    ids=str,
)
async def test_a_line_that_does_not_fit_is_shown_with_what_was_written_and_nothing_is_kept(
    mistake: dict[str, str], alice: Person
) -> None:
    response = await alice.browser.post(EXCLUSIONS, LINES | mistake)
    assert response.status_code == 422
    page = response.content.decode()
    assert "errorlist" in page
    assert "#hr" in page or "channel" in mistake
    assert not any((await sync_to_async(store.list_exclusions)(alice.user)).values())


async def test_a_pause_is_on_the_page_and_ends_by_itself(alice: Person, connect: Connect) -> None:
    await connect(alice)
    response = await alice.browser.post(f"{PAGE}github/pause", {"for": "hour"})
    assert said(response)[0][1].startswith("GitHub is paused until")
    status = await connections.load_status(**alice.asker, provider="github", is_fresh=True)
    assert (status.state.value, status.paused_until is not None) == ("revoked", True)
    assert "Paused" in (await alice.browser.get(PAGE)).content.decode()
    await models.Connection.objects.using("vault").aupdate(paused_until=timezone.now() - timedelta(seconds=1))
    status = await connections.load_status(**alice.asker, provider="github", is_fresh=True)
    assert (status.state.value, status.paused_until) == ("connected", None)


@pytest.mark.parametrize(
    "form", [{}, {"for": "ever"}, {"for": "date"}, {"for": "date", "until": "2020-01-01"}], ids=str
)
async def test_a_pause_without_an_end_changes_nothing(form: dict[str, str], alice: Person, connect: Connect) -> None:
    await connect(alice)
    response = await alice.browser.post(f"{PAGE}github/pause", form)
    assert [level for level, _ in said(response)] == ["error"]
    assert await list_recorded("permission:access") == []


def test_a_pause_ends_where_the_users_day_begins() -> None:
    now, berlin = datetime(2026, 11, 22, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")
    assert end_of("hour", day="", now=now, zone=berlin) == datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert end_of("tomorrow", day="", now=now, zone=berlin) == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert end_of("tomorrow", day="", now=now, zone=ZoneInfo("UTC")) == datetime(2026, 11, 23, tzinfo=UTC)
    assert end_of("date", day="2026-12-01", now=now, zone=berlin) == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize("day", ["", "soon", "2026-11-22", "2028-01-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_past_or_far_ends_no_pause(day: str) -> None:
    with pytest.raises(PauseError):
        end_of("date", day=day, now=datetime(2026, 11, 22, 12, tzinfo=UTC), zone=ZoneInfo("Pacific/Kiritimati"))


async def test_without_a_working_week_days_begin_in_utc(alice: Person) -> None:
    assert (await sync_to_async(vocabulary.zone_of)(alice.user)).key == "UTC"


async def test_reading_while_away_is_a_switch_of_its_own(alice: Person, connect: Connect) -> None:
    await connect(alice)
    assert "is not read" in (await alice.browser.get(PAGE)).content.decode()
    await alice.browser.post(f"{PAGE}github/away", {"is_allowed": "yes"})
    status = await connections.load_status(**alice.asker, provider="github", is_fresh=True)
    assert (status.is_away_allowed, status.state.value) == (True, "connected")
    await alice.browser.post(f"{PAGE}github/away", {"is_allowed": "no"})
    recorded = [row["event"] for row in await list_recorded("permission:away")]
    assert recorded == ["permission:away:enabled", "permission:away:disabled"]


async def test_all_services_are_revoked_at_once_and_stay_connected(alice: Person, connect: Connect) -> None:
    for provider in ("github", "slack"):
        await connect(alice, provider)
    await alice.browser.post(f"{PAGE}slack/pause", {"for": "hour"})
    response = await alice.browser.post(f"{PAGE}revoke-all")
    assert said(response)[-1] == ("success", "Every service is revoked: the AI reads nothing until you restore one.")
    found = await connections.list_statuses(**alice.asker, is_fresh=True)
    states = [(status.state.value, status.paused_until) for status in found if status.connection]
    assert states == [("revoked", None), ("revoked", None)]
