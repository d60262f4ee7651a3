"""Names to complete are read as anything else is: permission, exchange and audit, and then not again for minutes."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from pytest_django.fixtures import Settings

from agent import completion
from audit import reconcile
from audit.models import AuditEvent
from audit.reconcile import Mismatch
from permissions import store
from permissions.exclusions import ExclusionKind
from permissions.policy import Mode
from tests.broken import table_away_async

Events = Callable[[], Awaitable[list[str]]]
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

ADDRESS = "/complete/"


@pytest_asyncio.fixture
async def writer(maya: User, settings: Settings) -> AsyncIterator[AsyncClient]:
    """The browser of somebody who has connected everything, in a process that remembers no names yet."""
    settings.ALLOWED_HOSTS = ["testserver"]
    completion.forget()
    client = AsyncClient()
    await client.aforce_login(maya)
    yield client
    completion.forget()


async def complete(client: AsyncClient, sign: str) -> dict[str, Any]:
    found = await client.post(ADDRESS, {"sign": sign})
    assert (found.status_code, found["content-type"]) == (200, "application/json")
    return dict(found.json())


@pytest.fixture
def events() -> Events:
    """Return the kinds of what was put on record since the last look."""
    known: set[int] = set()

    async def look() -> list[str]:
        rows = await sync_to_async(list)(AuditEvent.objects.order_by("id").values_list("id", "event"))
        fresh = [event for number, event in rows if number not in known]
        known.update(number for number, _ in rows)
        return fresh

    return look


async def test_repositories_and_channels_are_those_of_the_user_and_read_on_record(
    writer: AsyncClient, events: Events
) -> None:
    await events()
    found = await complete(writer, "@")
    assert found["names"], found
    assert all(re.fullmatch(r"[\w-]+/[\w.-]+", name) for name in found["names"])
    assert await events() == [
        *("agent:look:started", "permission:check:allowed"),
        *("vault:exchange:granted", "agent:call:succeeded"),
    ]
    channels = await complete(writer, "#")
    assert channels["names"]
    assert all(name.startswith("#") for name in channels["names"])
    assert (await events())[:3] == ["agent:look:started", "permission:check:allowed", "vault:exchange:granted"]
    assert await sync_to_async(reconcile.find_mismatch)() == Mismatch((), ())


async def test_without_the_audit_nothing_is_looked_up(writer: AsyncClient, events: Events) -> None:
    await events()
    async with table_away_async("audit", table="audit_event"):
        found = await complete(writer, "@")
    assert (found["names"], "cannot be used right now" in found["message"]) == ([], True)
    assert await events() == []


async def test_what_was_read_is_remembered_and_the_gate_asked_all_the_same(writer: AsyncClient, events: Events) -> None:
    first = await complete(writer, "@")
    await events()
    assert await complete(writer, "@") == first
    assert await events() == ["permission:check:allowed"]


async def test_after_some_minutes_it_is_read_anew(
    writer: AsyncClient, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    await complete(writer, "@")
    await events()
    monkeypatch.setattr(completion, "KEPT_SECONDS", 0.0)
    await complete(writer, "@")
    assert "vault:exchange:granted" in await events()


async def test_a_revoked_service_completes_nothing_and_says_so_though_its_names_are_remembered(
    writer: AsyncClient, events: Events
) -> None:
    assert (await complete(writer, "@"))["names"]
    await writer.post("/settings/permissions/github/revoke")
    await events()
    assert await complete(writer, "@") == {
        "names": [],
        "is_cut": False,
        "message": "AI access to GitHub is revoked. Restore it in Settings to include GitHub data in briefings.",
    }
    assert await events() == ["permission:check:denied"]


async def test_a_tool_that_is_blocked_lists_nothing(writer: AsyncClient, maya: User) -> None:
    await complete(writer, "@")
    modes = {"github_repositories": Mode.BLOCK}
    await sync_to_async(store.set_modes)(f"user:{maya.pk}", provider="github", modes=modes)
    found = await complete(writer, "@")
    assert (found["names"], bool(found["message"])) == ([], True)


async def test_what_is_left_out_of_answers_is_not_completed_from_then_on(writer: AsyncClient, maya: User) -> None:
    first, *others = (await complete(writer, "@"))["names"]
    chosen = {ExclusionKind.REPOSITORY: (first,)}
    await sync_to_async(store.set_exclusions)(f"user:{maya.pk}", exclusions=chosen)
    assert (await complete(writer, "@"))["names"] == others


async def test_nobody_gets_what_is_remembered_for_another(writer: AsyncClient, mallory: User) -> None:
    await complete(writer, "@")
    stranger = AsyncClient()
    await stranger.aforce_login(mallory)
    found = await complete(stranger, "@")
    assert found["names"] == []
    assert "GitHub is not connected" in found["message"]


async def test_nothing_is_completed_after_another_sign(writer: AsyncClient, events: Events) -> None:
    await events()
    for sign in ("", "!", "@@", "github"):
        assert (await writer.post(ADDRESS, {"sign": sign})).status_code == 400
    assert await events() == []


def test_only_who_is_signed_in_may_ask_by_a_form_of_ours(alice: User) -> None:
    assert Client().post(ADDRESS, {"sign": "@"})["location"].startswith("/accounts/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(ADDRESS, {"sign": "@"}).status_code == 403
    assert strict.get(ADDRESS).status_code == 405
