"""Grants, on both vaults: what may act by one, how one is narrowed, renewed and ended."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, BOB, SCHEDULE, actor, audit_down, change, events, request, subject
from tests.vault.granting import DAY, absent, allow_away, change_grant, grant_of, later, pause
from vault import absence, models
from vault.client.base import VaultClient
from vault.errors import (
    AccessRevokedError,
    InvalidRequestError,
    InvalidTargetError,
    NotConnectedError,
    SessionEndedError,
    VaultUnavailableError,
)

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def test_a_grant_reaches_its_own_providers_by_name_and_by_connection(
    client: VaultClient, connect_user: Connect
) -> None:
    github, slack = await connect_user(), await connect_user(provider="slack")
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    assert grant.providers == ("github",)
    assert (await client.exchange(absent(grant, audience=github.id))).access_token
    for audience in ("slack", slack.id):
        with pytest.raises(InvalidTargetError):
            await client.exchange(absent(grant, audience=audience))


async def test_a_pause_and_a_revoke_hold_for_a_grant_as_well(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    await pause(client, later())
    with pytest.raises(AccessRevokedError):
        await client.exchange(absent(grant))


async def test_a_grant_is_its_users_alone(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await connect_user(BOB)
    await change(BOB, is_away_allowed=True)
    grant = await grant_of(client)
    with pytest.raises(SessionEndedError):
        await client.exchange(absent(grant, BOB))
    await client.end_grant(subject_token=subject(BOB), grant=grant.id)
    await allow_away(client)
    assert (await client.exchange(absent(grant))).access_token, "nobody else ends it"


@pytest.mark.parametrize("end", ["end_grant", "end_session", "end_subject", "expiry"])
async def test_a_grant_that_is_over_is_of_no_use(client: VaultClient, connect_user: Connect, end: str) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    assert (await client.exchange(absent(grant))).access_token
    if end == "end_grant":
        await client.end_grant(subject_token=subject(), grant=grant.id)
    elif end == "end_session":
        await client.end_session(subject_token=subject(sid=grant.sid))
    elif end == "end_subject":
        await client.end_subject(subject_token=subject())
    else:
        await models.Grant.objects.using("vault").aupdate(expires_at=timezone.now())
    late = absent(grant, subject_token=subject(sid=grant.sid, auth_time=2.0, purpose="exchange"))
    with pytest.raises(SessionEndedError):
        await client.exchange(late)


async def test_a_grant_goes_on_after_the_session_that_made_it(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    await client.end_session(subject_token=subject())
    assert (await client.exchange(absent(grant))).access_token


@pytest.mark.parametrize("life", [timedelta(0), -DAY, absence.MAX_GRANT_LIFE + DAY])
async def test_a_grant_ends_in_the_future_and_within_a_year(client: VaultClient, life: timedelta) -> None:
    with pytest.raises(InvalidRequestError):
        await grant_of(client, expires_at=datetime.now(UTC) + life)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"providers": []}, InvalidRequestError),
        ({"providers": ["gitlab"]}, NotConnectedError),
        ({"tools": []}, InvalidRequestError),
        ({"tools": ["Rm -rf"]}, InvalidRequestError),
        ({"tools": ["a"] * 101}, InvalidRequestError),
        ({"agent": "agent:devcontext"}, InvalidRequestError),
        ({"agent": "agent:schedule:"}, InvalidRequestError),
        ({"agent": "agent:schedule:a b"}, InvalidRequestError),
    ],
)
async def test_a_grant_names_a_schedule_with_providers_and_tools(
    client: VaultClient, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await grant_of(client, **changes)
    assert await client.list_grants(subject_token=subject()) == ()


async def test_grants_are_listed_until_they_are_ended_and_to_their_user_alone(client: VaultClient) -> None:
    first, second = await grant_of(client), await grant_of(client, agent="agent:schedule:other")
    await grant_of(client, user=BOB)
    assert await client.list_grants(subject_token=subject()) == (first, second)
    await models.Grant.objects.using("vault").filter(id=first.id).aupdate(expires_at=timezone.now())
    await client.end_grant(subject_token=subject(), grant=second.id)
    (left,) = await client.list_grants(subject_token=subject())
    assert (left.id, left.expires_at < timezone.now()) == (first.id, True), "one that expired can be renewed"


# Who acts, by what, and whether it gets a token: (the session is a grant's, agent, tool, provider granted, away
# allowed).
CASES = {
    (is_grant, agent, tool, is_granted, is_away): (
        is_granted and is_away and agent == SCHEDULE and tool == "github_activity"
        if is_grant
        else agent in ("", "agent:devcontext")
    )
    for is_grant in (True, False)
    for agent in (SCHEDULE, "agent:schedule:other", "agent:devcontext", "")
    for tool in ("github_activity", "github_commits")
    for is_granted in (True, False)
    for is_away in (True, False)
}


async def test_only_a_grants_own_agent_and_tools_read_by_it_and_a_schedule_reads_by_nothing_else(
    client: VaultClient, connect_user: Connect
) -> None:
    """The vault's own word on every case, whatever the gate said."""
    await connect_user()
    answered = {}
    for case in CASES:
        is_grant, agent, tool, is_granted, is_away = case
        await change(is_away_allowed=is_away)
        grant = await grant_of(client, providers=["github" if is_granted else "slack"])
        sid = grant.sid if is_grant else "sid-1"
        acting = {"actor_token": actor(agent, tool=tool)} if agent else {"actor_token": "", "actor_token_type": ""}
        asked = request(subject_token=subject(sid=sid, purpose="exchange"), **acting)
        try:
            answered[case] = bool((await client.exchange(asked)).access_token)
        except InvalidTargetError:
            answered[case] = False
    assert answered == CASES
    assert {reason for _, _, reason in await events(kind="vault:exchange:denied")} == {"policy_denied"}
    assert len(CASES) == 64
    assert sum(CASES.values()) == 1 + 2 * 2 * 2 * 2


async def test_an_exchange_by_a_grant_is_recorded_as_a_schedules(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    await client.exchange(absent(await grant_of(client)))
    await client.exchange(request())
    assert await events(kind="vault:exchange") == [
        ("vault:exchange:granted", ALICE, "schedule"),
        ("vault:exchange:granted", ALICE, ""),
    ]


async def test_a_grant_is_narrowed_and_renewed_and_both_say_what_it_was(
    client: VaultClient, connect_user: Connect
) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client, providers=["github", "slack"], tools=["github_activity", "slack_mentions"])
    narrowed = await change_grant(client, grant, providers=["slack"])
    assert narrowed == replace(grant, providers=("slack",))
    with pytest.raises(InvalidTargetError):
        await client.exchange(absent(grant))
    until = timezone.now() + 2 * DAY
    renewed = await change_grant(client, narrowed, providers=["github"], expires_at=until)
    assert (renewed.id, renewed.providers, renewed.expires_at) == (grant.id, ("github",), until)
    assert (await client.exchange(absent(grant))).access_token
    was, then = f"{grant.expires_at:%Y-%m-%d}", f"{until:%Y-%m-%d}"
    assert await events(kind="permission:grant") == [
        (
            "permission:grant:created",
            ALICE,
            f"github, slack with 2 tools until {was}; added github_activity, slack_mentions",
        ),
        (
            "permission:grant:narrowed",
            ALICE,
            f"github, slack with 2 tools until {was} → slack with 2 tools until {was}",
        ),
        ("permission:grant:renewed", ALICE, f"slack with 2 tools until {was} → github with 2 tools until {then}"),
    ]


async def test_a_grants_events_name_its_schedule_and_what_comes_and_goes(client: VaultClient) -> None:
    """Two tools for two others read "2 tools → 2 tools" by their number."""
    tools = ["github_activity", "github_commits"]
    grant = await grant_of(client, tools=tools)
    await change_grant(client, grant, tools=["github_activity", "github_issue"])
    await client.end_grant(subject_token=subject(), grant=grant.id)
    until = f"{grant.expires_at:%Y-%m-%d}"
    held = f"github with 2 tools until {until}"
    rows = AuditEvent.objects.using("audit").filter(event__startswith="permission:grant").order_by("id")
    assert [row async for row in rows.values_list("event", "client", "reason")] == [
        ("permission:grant:created", SCHEDULE, f"{held}; added github_activity, github_commits"),
        ("permission:grant:renewed", SCHEDULE, f"{held} → {held}; added github_issue; removed github_commits"),
        ("permission:grant:ended", SCHEDULE, ""),
    ]


async def test_of_more_tools_than_a_row_can_name_the_others_are_counted(client: VaultClient) -> None:
    names = [f"{'x' * 40}_{number:02}" for number in range(50)]
    grant = await grant_of(client, tools=names[:30])
    await change_grant(client, grant, tools=names[30:])
    created, changed = [reason for _, _, reason in await events(kind="permission:grant")]
    assert len(created) <= len(changed) <= 500
    for told, tools in ((created, names[:30]), *zip(changed.split("; ")[1:], (names[30:], names[:30]), strict=True)):
        named = sum(name in told for name in tools)
        assert 2 <= named < len(tools)
        assert told.endswith(f" and {len(tools) - named} more")


async def test_asked_for_five_times_at_once_an_agent_has_one_grant(client: VaultClient) -> None:
    """A form that is sent twice: a second grant would live on unseen."""
    given = await asyncio.gather(*(grant_of(client, providers=["github", "slack"]) for _ in range(5)))
    assert {grant.id for grant in given} == {given[0].id}
    again = await grant_of(client, providers=["slack"], tools=["slack_mentions"])
    assert await client.list_grants(subject_token=subject()) == (again,)
    assert (again.id, again.providers, again.tools) == (given[0].id, ("slack",), ("slack_mentions",))
    kinds = [kind for kind, _, _ in await events(kind="permission:grant")]
    assert kinds.count("permission:grant:created") == 1


async def test_of_several_grants_that_an_agent_had_before_one_is_kept_and_the_others_are_ended(
    client: VaultClient,
) -> None:
    first = await grant_of(client)
    other = await models.Grant.objects.using("vault").aget(id=first.id)
    other.id, other.granted_at = "grant_later", timezone.now()
    await other.asave(using="vault", force_insert=True)
    kept = await grant_of(client)
    assert kept.id == "grant_later"
    assert await client.list_grants(subject_token=subject()) == (kept,)
    assert ("permission:grant:ended", ALICE, "") in await events(kind="permission:grant")


async def test_an_agents_grant_is_of_one_user_and_one_that_was_ended_is_not_taken_up(client: VaultClient) -> None:
    mine, theirs = await grant_of(client), await grant_of(client, user=BOB)
    assert mine.id != theirs.id
    await client.end_grant(subject_token=subject(), grant=mine.id)
    assert (await grant_of(client)).id not in {mine.id, theirs.id}


async def test_what_an_agent_has_is_not_widened_by_asking_anew_where_the_audit_is_away(client: VaultClient) -> None:
    grant = await grant_of(client)
    async with audit_down():
        with pytest.raises(VaultUnavailableError):
            await grant_of(client, providers=["github", "slack"])
    assert await client.list_grants(subject_token=subject()) == (grant,)


async def test_an_expired_grant_reads_nothing_until_it_is_renewed(client: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await change(is_away_allowed=True)
    grant = await grant_of(client)
    await models.Grant.objects.using("vault").aupdate(expires_at=timezone.now())
    with pytest.raises(SessionEndedError):
        await client.exchange(absent(grant))
    await change_grant(client, grant, expires_at=later())
    assert (await client.exchange(absent(grant))).access_token


async def test_narrowing_a_grant_does_not_wait_for_the_audit_and_widening_does(client: VaultClient) -> None:
    grant = await grant_of(client, providers=["github", "slack"])
    async with audit_down():
        assert (await change_grant(client, grant, providers=["github"])).providers == ("github",)
        for wider in ({"providers": ["slack"]}, {"tools": ["x"]}, {"expires_at": grant.expires_at + DAY}):
            with pytest.raises(VaultUnavailableError):
                await change_grant(client, replace(grant, providers=("github",)), **wider)
    (kept,) = await client.list_grants(subject_token=subject())
    assert kept == replace(grant, providers=("github",))


@pytest.mark.parametrize("end", ["end_grant", "end_subject"])
async def test_a_grant_that_was_ended_is_not_renewed_even_if_it_had_expired(client: VaultClient, end: str) -> None:
    grant = await grant_of(client)
    await models.Grant.objects.using("vault").aupdate(expires_at=timezone.now())
    if end == "end_grant":
        await client.end_grant(subject_token=subject(), grant=grant.id)
    else:
        await client.end_subject(subject_token=subject())
    fresh = {"subject_token": subject(auth_time=2.0), "providers": ["github"], "tools": ["x"], "expires_at": later()}
    with pytest.raises(InvalidRequestError):
        await client.change_grant(grant=grant.id, **fresh)


async def test_nobody_changes_another_users_grant_or_by_the_grant_itself(client: VaultClient) -> None:
    grant = await grant_of(client)
    with pytest.raises(InvalidRequestError):
        await change_grant(client, grant, user=BOB)
    content = {"providers": ["github"], "tools": ["github_activity"], "expires_at": later()}
    with pytest.raises(InvalidTargetError):
        await client.change_grant(subject_token=subject(sid=grant.sid), grant=grant.id, **content)


async def test_a_grant_that_its_own_token_ended_stays_ended(client: VaultClient, connect_user: Connect) -> None:
    """Ends of sessions are forgotten after a month; a grant may live for a year."""
    await connect_user()
    await allow_away(client)
    grant = await grant_of(client)
    assert (await client.exchange(absent(grant))).access_token
    await client.end_session(subject_token=subject(sid=grant.sid))
    await models.EndedSession.objects.using("vault").aupdate(ended_at=timezone.now() - timedelta(days=31))
    await client.end_session(subject_token=subject(sid="sid-9"))
    with pytest.raises(SessionEndedError):
        await client.exchange(absent(grant))
