"""The pages of schedules, as forms that need no script: whose they are, what they refuse, and what they say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient
from django.utils import timezone
from pytest_django.fixtures import Settings

from agent import memory
from agent.schedules import leading, owning, store
from agent.schedules.running import run_occurrence
from agent.schedules.types import Occurrence, OccurrenceState, Reason, Schedule
from agent.types import WeekSettings
from audit.models import AuditEvent
from devcontext.lifespan import shut_down
from permissions import grants
from permissions.connections import list_statuses
from tests.agent.schedules.conftest import asker_of, change_schedule, draft, granted_schedule, make_due_row
from vault.client import Grant, transport

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)

FILLED = {
    "name": "Mornings",
    "recipe": "standup",
    "weekdays": ["0", "2"],
    "at": "09:30",
    "time_zone": "Europe/Berlin",
    "condition": "if_changed",
    "length": "short",
}
ALLOWED = {"providers": ["github"], "tools": ["github_activity"], "until": "30", "consents": "on"}


@pytest_asyncio.fixture
async def visitor(maya: User, settings: Settings) -> AsyncClient:
    """The demo user's browser; all three services are connected."""
    settings.ALLOWED_HOSTS = ["testserver"]
    return await signed_in(maya)


@pytest_asyncio.fixture
async def newcomer(alice: User) -> AsyncIterator[AsyncClient]:
    """The browser of alice, who has connected nothing."""
    yield await signed_in(alice)
    await shut_down()


async def signed_in(user: User) -> AsyncClient:
    """Return a browser in which somebody is signed in."""
    client = AsyncClient()
    await client.aforce_login(user)
    return client


async def only_schedule(user: User) -> Schedule:
    """Return the one schedule that the user has."""
    (found,) = await sync_to_async(store.list_schedules)(user.pk)
    return found


async def grant_of(user: User, schedule: Schedule) -> Grant | None:
    """Return what the vault says that the schedule may read."""
    return await owning.find_grant(asker_of(user), schedule)


@pytest.mark.parametrize("path", ["", "new/", f"{UUID(int=7)}/", f"{UUID(int=7)}/grant/"])
async def test_everything_wants_a_sign_in(path: str) -> None:
    answer = await AsyncClient().get(f"/schedules/{path}")
    assert answer.headers["location"].startswith("/accounts/login/")


async def test_without_a_schedule_the_standups_time_is_offered(newcomer: AsyncClient, alice: User) -> None:
    chosen = WeekSettings(weekdays=(0, 1, 2, 3), standup_time=draft().at, time_zone="Asia/Tokyo")
    await sync_to_async(memory.save_week_settings)(alice.pk, chosen=chosen)
    page = (await newcomer.get("/schedules/")).content.decode()
    assert "Your standup is at 09:00" in page
    assert 'href="/schedules/new/?recipe=standup"' in page
    form = await newcomer.get("/schedules/new/?recipe=standup")
    assert form.context["form"].initial["weekdays"] == (0, 1, 2, 3)
    assert form.context["form"].initial["time_zone"] == "Asia/Tokyo"
    assert len(form.context["dates"]) == 5


async def test_a_schedule_is_made_and_then_asks_what_it_may_read(newcomer: AsyncClient, alice: User) -> None:
    answer = await newcomer.post("/schedules/new/", FILLED | {"budget": "0.25", "quiet_from": "", "quiet_until": ""})
    made = await only_schedule(alice)
    assert (answer.status_code, answer["Location"]) == (303, f"/schedules/{made.id}/grant/")
    assert (made.draft.weekdays, made.draft.daily_budget_micro_usd, made.next_due_at) == ((0, 2), 250_000, None)
    assert made.draft.keeps_week is False
    page = (await newcomer.get(f"/schedules/{made.id}/")).content.decode()
    assert "It may read nothing yet" in page
    assert "Run now" not in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Give it a name."),
        ({"weekdays": []}, "Choose at least one day."),
        ({"at": "soon"}, "Write a time of day such as 9:30."),
        ({"time_zone": "Europe/Atlantis"}, "Choose from the list."),
        ({"recipe": "gossip"}, "Choose from the list."),
        ({"quiet_from": "22:00"}, "Say when they end as well"),
        ({"quiet_until": "07:00"}, "Say when they begin as well"),
        ({"budget": "-1"}, "greater than or equal to 0.01"),
        ({"budget": "0"}, "greater than or equal to 0.01"),
        ({"country": "DE", "subdivision": "CA"}, "Choose from the list."),
    ],
)
async def test_a_mistake_is_said_and_nothing_is_saved(
    newcomer: AsyncClient, alice: User, changes: dict[str, Any], sentence: str
) -> None:
    answer = await newcomer.post("/schedules/new/", FILLED | changes)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert "Nothing is saved yet" in answer.content.decode()
    assert await sync_to_async(store.list_schedules)(alice.pk) == ()


async def test_the_next_dates_are_reckoned_without_saving(newcomer: AsyncClient, alice: User) -> None:
    answer = await newcomer.post("/schedules/new/", FILLED | {"name": "", "dates": "show"})
    assert answer.status_code == 200
    assert {(at.weekday(), at.hour, at.minute) for at in answer.context["dates"]} == {(0, 9, 30), (2, 9, 30)}
    assert await sync_to_async(store.list_schedules)(alice.pk) == ()
    unknown = await newcomer.post("/schedules/new/", FILLED | {"at": "", "dates": "show"})
    assert "once days, time and zone are known" in unknown.content.decode()


async def test_as_many_schedules_as_one_may_have_are_told(newcomer: AsyncClient, alice: User) -> None:
    for _ in range(store.MAX_SCHEDULES):
        await sync_to_async(store.create)(alice.pk, draft=draft())
    page = await newcomer.post("/schedules/new/", FILLED, follow=True)
    assert "You have 30 schedules" in page.content.decode()


async def test_a_grant_holds_what_was_chosen_and_no_more(visitor: AsyncClient, maya: User) -> None:
    made = await owning.create(asker_of(maya), draft=draft())
    form = (await visitor.get(f"/schedules/{made.id}/grant/")).content.decode()
    assert "It may read GitHub" in form
    answer = await visitor.post(
        f"/schedules/{made.id}/grant/", ALLOWED | {"tools": ["github_activity", "slack_search"]}
    )
    assert (answer.status_code, answer["Location"]) == (303, f"/schedules/{made.id}/")
    grant = await grant_of(maya, await only_schedule(maya))
    assert grant is not None
    assert (grant.providers, grant.tools) == (("github",), ("github_activity",))
    assert timedelta(days=29) < grant.expires_at - timezone.now() < timedelta(days=31)
    away = {one.service.slug: one.is_away_allowed for one in await list_statuses(**asker_of(maya), is_fresh=True)}
    assert away == {"github": True, "google-calendar": False, "slack": False}


@pytest.mark.parametrize(
    "changes",
    [
        {"consents": ""},
        {"providers": []},
        {"tools": []},
        {"until": "4000"},
        {"until": "kept"},
        {"providers": ["gitlab"]},
    ],
)
async def test_without_consent_or_sense_nothing_is_granted(
    visitor: AsyncClient, maya: User, changes: dict[str, Any]
) -> None:
    made = await owning.create(asker_of(maya), draft=draft())
    answer = await visitor.post(f"/schedules/{made.id}/grant/", ALLOWED | changes)
    assert answer.status_code == 422
    assert await grants.list_grants(**asker_of(maya)) == ()
    assert not any(one.is_away_allowed for one in await list_statuses(**asker_of(maya), is_fresh=True))


async def test_who_did_not_confirm_lately_is_asked_who_they_are(
    visitor: AsyncClient, maya: User, settings: Settings
) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    made = await owning.create(asker_of(maya), draft=draft())
    answer = await visitor.post(f"/schedules/{made.id}/grant/", ALLOWED)
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert await grants.list_grants(**asker_of(maya)) == ()


async def test_a_grants_form_that_is_sent_twice_gives_one_grant(visitor: AsyncClient, maya: User) -> None:
    made = await owning.create(asker_of(maya), draft=draft())
    answers = await asyncio.gather(*(visitor.post(f"/schedules/{made.id}/grant/", ALLOWED) for _ in range(2)))
    answers.append(await visitor.post(f"/schedules/{made.id}/grant/", ALLOWED))
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(303, f"/schedules/{made.id}/")] * 3
    (held,) = await grants.list_grants(**asker_of(maya))
    noted = await only_schedule(maya)
    assert (noted.grant, noted.grant_expires_at) == (held.id, held.expires_at)


async def test_taking_back_asks_nobody_and_leads_back(visitor: AsyncClient, maya: User, settings: Settings) -> None:
    made = await granted_schedule(maya, providers=("github", "slack"))
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    fields = {"provider": "slack", "next": "/settings/permissions/"}
    answer = await visitor.post(f"/schedules/{made.id}/narrow/", fields)
    assert answer["Location"] == "/settings/permissions/"
    grant = await grant_of(maya, made)
    assert grant is not None
    assert grant.providers == ("github",)
    page = await visitor.post(f"/schedules/{made.id}/narrow/", follow=True)
    assert "may not read anything any more" in page.content.decode()
    assert await grants.list_grants(**asker_of(maya)) == ()


async def test_an_expired_grant_is_renewed_on_its_page(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    await change_schedule(made, grant_expires_at=timezone.now() - timedelta(days=1))
    page = (await visitor.get("/schedules/")).content.decode()
    assert "Its permission to read has expired" in page
    assert f'href="/schedules/{made.id}/grant/"' in page


async def test_a_grant_that_was_ended_everywhere_is_told_and_no_date_is_promised(
    visitor: AsyncClient, maya: User
) -> None:
    """As a changed password does; the schedule itself is not told of it."""
    made = await granted_schedule(maya, providers=("github",))
    assert "Its permission to read was ended" not in (await visitor.get("/schedules/")).content.decode()
    await grants.end(**asker_of(maya), grant=made.grant)
    for path in ("/schedules/", f"/schedules/{made.id}/"):
        page = (await visitor.get(path)).content.decode()
        assert "Its permission to read was ended" in page
        assert f'href="/schedules/{made.id}/grant/"' in page
        assert "<time" not in page.partition("Its permission to read was ended")[2].partition("</section>")[0]


async def test_the_permissions_page_says_which_schedule_may_read_what(visitor: AsyncClient, maya: User) -> None:
    await granted_schedule(maya, providers=("github",), name="Dawn chorus")
    page = await visitor.get("/settings/permissions/")
    listed = {card.slug: [one.schedule.name for one in card.schedules] for card in page.context["cards"]}
    assert listed == {"github": ["Dawn chorus"], "google-calendar": [], "slack": []}
    assert "Schedules that may read it while you are away" in page.content.decode()


async def test_the_permissions_page_names_the_schedule_that_read_last(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    assert "asked for it." not in (await visitor.get("/settings/permissions/")).content.decode()
    await run_occurrence((await make_due_row(made)).id)
    page = (await visitor.get("/settings/permissions/")).content.decode()
    assert f'The schedule <a href="/schedules/{made.id}/">{made.draft.name}</a> asked for it.' in page


async def test_a_dry_run_reads_nothing_and_knows_the_grant(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    before = await AuditEvent.objects.acount()
    plan = (await visitor.get(f"/schedules/{made.id}/plan/")).context["plan"]
    assert [(one.is_read, one.obstacle) for one in plan.services] == [
        (True, ""),
        (False, "not granted to this schedule"),
        (False, "not granted to this schedule"),
    ]
    assert [bool(one.reads) for one in plan.services] == [True, False, False]
    assert await AuditEvent.objects.filter(event__startswith="vault:exchange").acount() == 0
    assert await AuditEvent.objects.acount() == before


async def test_it_is_paused_resumed_copied_and_deleted(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",), name="Dawn")
    await visitor.post(f"/schedules/{made.id}/pause/")
    assert (await only_schedule(maya)).next_due_at is None
    assert "Paused" in (await visitor.get("/schedules/")).content.decode()
    await visitor.post(f"/schedules/{made.id}/resume/")
    assert (await only_schedule(maya)).next_due_at is not None
    copied = await visitor.post(f"/schedules/{made.id}/copy/")
    _, copy = await sync_to_async(store.list_schedules)(maya.pk)
    assert (copied["Location"], copy.draft.name, copy.grant) == (f"/schedules/{copy.id}/edit/", "Copy of Dawn", "")
    assert "Delete it" in (await visitor.get(f"/schedules/{made.id}/delete/")).content.decode()
    assert len(await sync_to_async(store.list_schedules)(maya.pk)) == 2
    await visitor.post(f"/schedules/{made.id}/delete/")
    assert [one.id for one in await sync_to_async(store.list_schedules)(maya.pk)] == [copy.id]
    assert await grants.list_grants(**asker_of(maya)) == ()


async def test_it_is_paused_until_a_day_in_its_own_zone_and_goes_on_by_itself(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",), time_zone="Pacific/Auckland")
    day = (timezone.now().astimezone(ZoneInfo("Pacific/Auckland")) + timedelta(days=9)).date()
    sent = {"for": "date", "until": day.isoformat()}
    page = (await visitor.post(f"/schedules/{made.id}/pause/", sent, follow=True)).content.decode()
    assert "goes on by itself then." in page
    assert "It goes on by itself on" in page
    paused = await only_schedule(maya)
    begins_at = datetime.combine(day, time(), tzinfo=ZoneInfo("Pacific/Auckland"))
    assert (paused.is_paused, paused.paused_until) == (False, begins_at)
    assert paused.next_due_at is not None
    assert paused.next_due_at > begins_at


@pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01", "9999-12-31"])
async def test_a_day_that_ends_no_pause_changes_nothing(visitor: AsyncClient, maya: User, until: str) -> None:
    made = await granted_schedule(maya, providers=("github",))
    page = await visitor.post(f"/schedules/{made.id}/pause/", {"for": "date", "until": until}, follow=True)
    assert "Choose" in page.content.decode()
    assert await only_schedule(maya) == made


async def test_owners_are_told_while_nobody_makes_briefings(visitor: AsyncClient, maya: User) -> None:
    said = "Briefings are not being made at the moment"
    assert said not in (await visitor.get("/schedules/")).content.decode(), "who waits for none needs no warning"
    made = await granted_schedule(maya, providers=("github",))
    pages = ("/schedules/", f"/schedules/{made.id}/")
    assert [said in (await visitor.get(page)).content.decode() for page in pages] == [True, True]
    await sync_to_async(leading.lead)(owner="a-process", now=timezone.now())
    assert [said in (await visitor.get(page)).content.decode() for page in pages] == [False, False]


async def test_what_is_changed_is_kept(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    assert (await visitor.post(f"/schedules/{made.id}/edit/", FILLED | {"name": " "})).status_code == 422
    assert (await visitor.post(f"/schedules/{made.id}/edit/", FILLED)).status_code == 303
    changed = await only_schedule(maya)
    assert (changed.draft.name, changed.draft.time_zone, changed.grant) == ("Mornings", "Europe/Berlin", made.grant)
    form = (await visitor.get(f"/schedules/{made.id}/edit/")).context["form"]
    assert form["at"].value() == changed.draft.at


async def test_the_history_tells_what_became_of_each_due_time(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    at = timezone.now()
    coverage = [
        {"provider": "github", "state": "read", "items": 14, "exchanges": 3, "is_partial": False},
        {"provider": "slack", "state": "revoked", "items": 0, "exchanges": 0, "is_partial": False},
    ]
    changes = {"new": 2, "changed": 0, "gone": 1, "needs_me": 3, "carried": 1, "oldest_days": 4}
    ended = {"ended_at": at, "started_at": at}
    done = {"coverage": coverage, "changes": changes, "cost_micro_usd": 12_345, "is_told": False, "missed": 2}
    expired = {"due_at": at - timedelta(days=1), "state": OccurrenceState.SKIPPED, "reason": Reason.GRANT_EXPIRED}
    await make_due_row(made, state=OccurrenceState.DONE, **ended, **done)
    await make_due_row(made, **expired)
    page = await visitor.get(f"/schedules/{made.id}/")
    html = page.content.decode()
    (newest, _), (older, _) = page.context["history"]
    assert newest.changes == "2 new; 1 done or gone; 3 need you, 1 of them told before, the oldest on day 4"
    assert newest.covered[1] == ("slack", "Slack", "revoked, not read")
    assert (newest.cost, len(newest.notes)) == ("$0.012", 2)
    assert older.notes == ("Its permission to read has expired, so nothing was read.",)
    assert "GitHub: 14 items" in html
    assert "data-going-on" not in html


async def test_a_running_one_stands_first_and_brings_itself_up_to_date(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    await make_due_row(made, state=OccurrenceState.RUNNING)
    assert "data-going-on" in (await visitor.get(f"/schedules/{made.id}/")).content.decode()


PAGES: list[Callable[[Occurrence], str]] = [
    lambda one: f"/schedules/{one.schedule}/",
    lambda one: f"/schedules/{one.schedule}/edit/",
    lambda one: f"/schedules/{one.schedule}/grant/",
    lambda one: f"/schedules/{one.schedule}/plan/",
    lambda one: f"/schedules/{one.schedule}/delete/",
    *((lambda one, act=act: f"/schedules/{one.schedule}/{act}/") for act in ("run", "pause", "copy", "narrow", "sell")),
]


async def test_somebody_elses_schedule_is_as_unknown_as_none(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    occurrence = await make_due_row(made)
    mallory = await signed_in(await User.objects.acreate(username="mallory"))
    for page in PAGES:
        address = page(occurrence)
        answers = {(await mallory.get(address)).status_code, (await mallory.post(address, FILLED)).status_code}
        # What answers one method alone tells nobody of the other whether there is such a schedule.
        assert answers in ({404}, {404, 405}), address
    assert await only_schedule(maya) == made
    assert (await mallory.get("/schedules/")).context["cards"] == ()
    assert (await visitor.get(PAGES[0](occurrence))).status_code == 200


async def test_an_unknown_act_is_not_found(visitor: AsyncClient, maya: User) -> None:
    made = await granted_schedule(maya, providers=("github",))
    assert (await visitor.post(f"/schedules/{made.id}/sell/")).status_code == 404


async def test_while_the_vault_is_away_nothing_is_claimed_and_nothing_changes(
    visitor: AsyncClient, maya: User, settings: Settings
) -> None:
    made = await granted_schedule(maya, providers=("github",))
    await transport.close()
    # The discard port, where nothing runs: the connection is refused at once.
    settings.VAULT_URL = "http://127.0.0.1:9"
    assert "what a schedule may read is not known" in (await visitor.get("/schedules/")).content.decode()
    assert (await visitor.get(f"/schedules/{made.id}/grant/")).status_code == 503
    assert (await visitor.get(f"/schedules/{made.id}/plan/")).status_code == 503
    for path in ("narrow", "delete"):
        page = await visitor.post(f"/schedules/{made.id}/{path}/", follow=True)
        assert "did not confirm the change" in page.content.decode()
    assert await only_schedule(maya) == made
