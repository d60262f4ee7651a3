"""Every address of the app, as its routes list them: somebody else's ids open none, and no change needs a script."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter, UUIDConverter

from agent import store
from agent.types import RunRequest
from audit.models import AuditEvent
from permissions import connections
from permissions.models import ConversationAllowance, TimelineSearch
from permissions.subjects import user_id_of
from tests.permissions.conftest import DATABASES, Connect, Person, SignIn

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

# Those of django-allauth have tests of their own there, and the vault's know no session of ours.
OURS = ("agent:", "audit:", "permissions:")
NOT_FOUND, NOT_ALLOWED = 404, 405


def routes(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[tuple[str, str]]:
    """Yield the name and the template of every address that takes an id of something."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace and f"{pattern.namespace}:" in OURS:
                prefix = str(pattern.pattern)
                yield from (
                    (f"{pattern.namespace}:{found}", prefix + route) for found, route in routes(pattern.url_patterns)
                )
        elif any(isinstance(one, UUIDConverter | IntConverter) for one in pattern.pattern.converters.values()):
            yield str(pattern.name), str(pattern.pattern)


ROUTES = sorted(routes())


def test_the_routes_are_found() -> None:
    """A list that came out empty would prove nothing."""
    names = {name for name, _ in ROUTES}
    assert {"agent:chat", "agent:run", "agent:answer", "agent:fork", "audit:proof"} <= names


def fill(route: str, *, conversation: str, run: str, event: int, allowance: int, search: int, what: str = "pin") -> str:
    """Return the address with the ids of somebody's things in it."""
    known = {
        "allowance": str(allowance),
        "conversation": conversation,
        "run": run,
        "event_id": str(event),
        "number": str(search),
        "what": what,
        "form": "slack",
    }
    address = route
    for part in route.split("<")[1:]:
        spelled = part.partition(">")[0]
        address = address.replace(f"<{spelled}>", known.get(spelled.partition(":")[2], str(uuid4())))
    return f"/{address}"


async def things_of(person: Person) -> dict[str, str | int]:
    """Return the ids of a conversation, a run and an audit event of somebody."""
    request = RunRequest(
        user=user_id_of(person.user),
        subject=person.user,
        sid=person.sid,
        auth_time=person.auth_time,
        user_name="Alice",
        key=uuid4().hex,
        text="Brief me",
        conversation=None,
        time_zone="UTC",
    )
    ticket = await sync_to_async(store.create_run)(request, model="m", is_simulated=True, owner="a-process")
    event = await AuditEvent.objects.filter(user=person.user).afirst()
    assert event is not None
    allowance = await ConversationAllowance.objects.acreate(
        user_id=user_id_of(person.user), conversation=ticket.conversation, provider="github", tool="github_activity"
    )
    search = await TimelineSearch.objects.acreate(user_id=user_id_of(person.user), name="Denied", text="outcome:denied")
    return {
        "conversation": str(ticket.conversation),
        "run": str(ticket.run),
        "event": event.id,
        "allowance": allowance.id,
        "search": search.pk,
    }


async def test_somebody_elses_ids_are_as_unknown_as_none_at_every_address(
    alice: Person, sign_in: SignIn, connect: Connect
) -> None:
    await connect(alice)
    things = await things_of(alice)
    mallory = await sign_in("mallory")
    answers = {}
    for name, route in ROUTES:
        address = fill(route, **things)  # type: ignore[arg-type]  # one is a number
        for method in ("get", "post"):
            answers[f"{method} {name}"] = (await getattr(mallory.browser, method)(address)).status_code
    assert {answer: status for answer, status in answers.items() if status not in {NOT_FOUND, NOT_ALLOWED}} == {}
    for name, _ in ROUTES:
        assert NOT_FOUND in {answers[f"get {name}"], answers[f"post {name}"]}, name


@pytest.mark.parametrize("what", ["rename", "pin", "unpin", "delete", "restore"])
async def test_no_change_of_somebody_elses_conversation_is_told_from_none(
    what: str, alice: Person, sign_in: SignIn, connect: Connect
) -> None:
    await connect(alice)
    things = await things_of(alice)
    mallory = await sign_in("mallory")
    address = fill(dict(ROUTES)["agent:change_chat"], **things, what=what)  # type: ignore[arg-type]  # as above
    for title in ("", "Mine"):
        assert (await mallory.browser.post(address, {"title": title})).status_code == NOT_FOUND


async def test_the_owner_finds_what_others_do_not(alice: Person, connect: Connect) -> None:
    """The same addresses with the same ids: a 404 above is not one of a wrong address."""
    await connect(alice)
    things = await things_of(alice)
    for name in ("agent:chat", "agent:run"):
        address = fill(dict(ROUTES)[name], **things)  # type: ignore[arg-type]  # as above
        assert (await alice.browser.get(address)).status_code == 200


SWITCHES = ["revoke", "restore", "pause", "away", "default", "tools"]


@pytest.mark.parametrize("what", [*SWITCHES, "disconnect"])
async def test_another_users_connection_id_changes_nothing(
    what: str, alice: Person, sign_in: SignIn, connect: Connect
) -> None:
    connection = await connect(alice)
    mallory = await sign_in("mallory")
    before = await connections.list_statuses(**alice.asker, is_fresh=True)
    fields = {"connection": connection, "for": "hour", "is_allowed": "yes"}
    assert (await mallory.browser.post(f"/settings/permissions/github/{what}", fields)).status_code == 303
    assert await connections.list_statuses(**alice.asker, is_fresh=True) == before
    assert await User.objects.acount() == 2


async def test_every_change_of_a_service_is_a_plain_form_that_leads_on(alice: Person, connect: Connect) -> None:
    """No script: a POST of form fields, and a redirect that a browser follows by itself."""
    await connect(alice)
    fields = {"for": "hour", "is_allowed": "yes", "tool": "github_activity"}
    for what in (*SWITCHES, "disconnect"):
        if what == "default":
            continue
        answer = await alice.browser.post(f"/settings/permissions/github/{what}", fields)
        assert (answer.status_code, answer["Location"]) == (303, "/settings/permissions/"), what
    for address in ("/settings/permissions/revoke-all", "/settings/permissions/exclusions"):
        assert (await alice.browser.post(address, {"word": "secret"})).status_code == 303
