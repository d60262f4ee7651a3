"""Connecting again in place, with another account, with more scopes: nothing is lost that the user did not give up."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, BOB, account_of, events, request, subject
from tests.vault.upstream import Upstream
from vault import background, connect, models
from vault.client.base import VaultClient
from vault.errors import ConnectStateError, InvalidRequestError, NotConnectedError, OtherAccountError
from vault.types import AccountChoice, Connection

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
PROVIDERS = ["github", "google-calendar", "slack"]
GOOGLE = "https://www.googleapis.com/auth"


def asked(url: str) -> set[str]:
    """Return the scopes in an authorization URL."""
    query = dict(parse_qsl(urlsplit(url).query))
    return set((query.get("scope", "") + " " + query.get("user_scope", "")).replace(",", " ").split())


async def come_back(
    client: VaultClient, upstream: Upstream, connection: Connection, *, groups: tuple[str, ...] = ()
) -> dict[str, str]:
    """Connect `connection` again up to its confirmation, and return what confirms it."""
    provider = connection.provider
    url = await client.start_connect(
        subject_token=subject(), provider=provider, scope_groups=groups, reconnects=connection.id
    )
    returned = httpx.URL(await connect.finish(provider, query=upstream.consent(url))).params
    return {"connection": returned["connection"], "nonce": returned["nonce"]}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_same_account_is_renewed_in_place(
    client: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    before = await connect_user(provider=provider)
    await client.set_access(subject_token=subject(), connection=before.id, is_allowed=False)
    returned = await come_back(client, upstream, before)
    after = await client.confirm_connection(subject_token=subject(), **returned)
    assert (after.id, after.account, after.connected_at) == (before.id, before.account, before.connected_at)
    assert not after.is_access_allowed
    assert await client.list_connections(subject_token=subject()) == (after,)


async def test_another_account_waits_for_the_users_choice(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    before = await connect_user()
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    for _ in range(2):
        with pytest.raises(OtherAccountError):
            await client.confirm_connection(subject_token=subject(), **returned)
    waiting = await client.load_pending(subject_token=subject(), **returned)
    assert (waiting.provider, waiting.account, waiting.replaces_account) == ("github", "bob-gh", "alice-gh")
    assert await client.list_connections(subject_token=subject()) == (before,)
    assert (await client.exchange(request())).access_token in upstream.grants[0].access


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_replacing_puts_the_other_account_in_its_place_and_revokes_the_first(
    client: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    before = await connect_user(provider=provider)
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    after = await client.confirm_connection(subject_token=subject(), **returned, choice=AccountChoice.REPLACE)
    await background.settle()
    assert after.id == before.id
    assert after.account.startswith("bob")
    assert after.is_default
    assert await client.list_connections(subject_token=subject()) == (after,)
    assert [grant.is_alive for grant in upstream.grants] == [False, True]
    assert (await client.exchange(request(audience=provider))).access_token in upstream.grants[1].access
    assert ("vault:connection:disconnected", ALICE, "replaced") in await events()
    gone = await AuditEvent.objects.using("audit").aget(event="vault:connection:disconnected")
    assert await account_of(gone) == before.account


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_replacing_does_not_end_another_users_connection_to_the_first_account(
    client: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    """GitHub and Google end all of an account's tokens at once."""
    before = await connect_user(provider=provider)
    await connect_user(BOB, provider=provider)
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    await client.confirm_connection(subject_token=subject(), **returned, choice=AccountChoice.REPLACE)
    await background.settle()
    assert [grant.is_alive for grant in upstream.grants] == [provider != "slack", True, True]
    token = (await client.exchange(request(BOB, audience=provider))).access_token
    assert token in upstream.grants[1].access


async def test_what_was_allowed_in_absence_is_not_allowed_for_the_account_that_replaces(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    before = await connect_user()
    await client.set_away(subject_token=subject(), connection=before.id, is_allowed=True)
    same = await client.confirm_connection(subject_token=subject(), **(await come_back(client, upstream, before)))
    assert same.is_away_allowed
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    after = await client.confirm_connection(subject_token=subject(), **returned, choice=AccountChoice.REPLACE)
    assert (after.id, after.is_away_allowed) == (before.id, False)


async def test_keeping_both_adds_the_other_account(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    before = await connect_user()
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    added = await client.confirm_connection(subject_token=subject(), **returned, choice=AccountChoice.KEEP_BOTH)
    await background.settle()
    assert await client.list_connections(subject_token=subject()) == (before, added)
    assert all(grant.is_alive for grant in upstream.grants)


async def test_cancelling_loses_nothing_and_revokes_the_new_grant(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    before = await connect_user()
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    await client.discard_connection(subject_token=subject(), **returned)
    await background.settle()
    assert await client.list_connections(subject_token=subject()) == (before,)
    assert [grant.is_alive for grant in upstream.grants] == [True, False]
    assert ("vault:connection:denied", ALICE, "cancelled") in await events()
    with pytest.raises(ConnectStateError):
        await client.confirm_connection(subject_token=subject(), **returned, choice=AccountChoice.REPLACE)


async def test_replacing_with_an_account_that_is_connected_leaves_that_one(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    first = await connect_user()
    upstream.person = "bob"
    second = await connect_user()
    returned = await come_back(client, upstream, first)
    with pytest.raises(OtherAccountError):
        await client.confirm_connection(subject_token=subject(), **returned)
    left = await client.confirm_connection(subject_token=subject(), **returned, choice=AccountChoice.REPLACE)
    await background.settle()
    assert (left.id, left.is_default) == (second.id, True)
    assert await client.list_connections(subject_token=subject()) == (left,)
    assert not upstream.grants[0].is_alive


async def test_a_connection_that_went_meanwhile_is_made_anew(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    before = await connect_user()
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    await client.disconnect(subject_token=subject(), connection=before.id)
    assert (await client.load_pending(subject_token=subject(), **returned)).replaces_account == ""
    made = await client.confirm_connection(subject_token=subject(), **returned)
    assert (made.account, made.is_default) == ("bob-gh", True)


@pytest.mark.parametrize(("user", "sid"), [(ALICE, "sid-2"), (BOB, "sid-1")])
async def test_nobody_else_sees_discards_or_decides_on_a_pending_connection(
    client: VaultClient, connect_user: Connect, upstream: Upstream, user: str, sid: str
) -> None:
    before = await connect_user()
    upstream.person = "bob"
    returned = await come_back(client, upstream, before)
    stranger = subject(user, sid=sid)
    with pytest.raises(ConnectStateError):
        await client.load_pending(subject_token=stranger, **returned)
    with pytest.raises(ConnectStateError):
        await client.discard_connection(subject_token=stranger, **returned)
    with pytest.raises(ConnectStateError):
        await client.confirm_connection(subject_token=stranger, **returned, choice=AccountChoice.REPLACE)
    assert (await client.load_pending(subject_token=subject(), **returned)).account == "bob-gh"


@pytest.mark.parametrize("user", [ALICE, BOB])
async def test_only_ones_own_connection_to_the_same_provider_is_made_again(
    client: VaultClient, connect_user: Connect, upstream: Upstream, user: str
) -> None:
    connected = await connect_user(provider="slack" if user == ALICE else "github")
    for reconnects in (connected.id, "github", "con_none"):
        with pytest.raises(NotConnectedError):
            await client.start_connect(subject_token=subject(user), provider="github", reconnects=reconnects)
        if user == BOB:
            assert await models.OAuthState.objects.using("vault").acount() == 0


@pytest.mark.parametrize(
    ("provider", "groups", "scopes"),
    [
        ("github", (), set()),
        ("google-calendar", (), {"openid", f"{GOOGLE}/userinfo.email", f"{GOOGLE}/calendar.events.owned.readonly"}),
        (
            "google-calendar",
            ("availability",),
            {"openid", f"{GOOGLE}/userinfo.email", f"{GOOGLE}/calendar.events.freebusy"},
        ),
        ("slack", (), {"channels:history", "channels:read", "users:read", "search:read"}),
        ("slack", ("base",), {"channels:history", "channels:read", "users:read"}),
        (
            "slack",
            ("base", "private-channels"),
            {"channels:history", "channels:read", "users:read", "groups:history", "groups:read"},
        ),
    ],
)
async def test_what_was_chosen_is_asked_and_nothing_else(
    client: VaultClient, upstream: Upstream, provider: str, groups: tuple[str, ...], scopes: set[str]
) -> None:
    url = await client.start_connect(subject_token=subject(), provider=provider, scope_groups=groups)
    assert asked(url) == scopes


@pytest.mark.parametrize(
    ("provider", "group"), [("github", "base"), ("slack", "chat:write"), ("slack", "shared-calendars"), ("slack", "")]
)
async def test_a_group_that_is_not_in_the_table_is_refused(
    client: VaultClient, upstream: Upstream, provider: str, group: str
) -> None:
    groups = ("base", group) if group else ("BASE",)
    with pytest.raises(InvalidRequestError):
        await client.start_connect(subject_token=subject(), provider=provider, scope_groups=groups)
    assert await models.OAuthState.objects.using("vault").acount() == 0


@pytest.mark.parametrize(
    ("provider", "group", "added"),
    [
        ("google-calendar", "shared-calendars", f"{GOOGLE}/calendar.calendarlist.readonly"),
        ("slack", "direct-messages", "im:history"),
    ],
)
async def test_adding_a_group_asks_for_what_there_is_as_well(
    client: VaultClient, connect_user: Connect, upstream: Upstream, *, provider: str, group: str, added: str
) -> None:
    before = await connect_user(provider=provider)
    returned = await come_back(client, upstream, before, groups=(group,))
    after = await client.confirm_connection(subject_token=subject(), **returned)
    assert after.id == before.id
    assert set(before.granted_scope.split()) < set(after.granted_scope.split())
    assert added in after.granted_scope.split()
    assert (await client.exchange(request(audience=provider, scope=added))).access_token


async def test_scopes_that_are_in_no_group_are_never_asked_for(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Google may grant what another client of the same project was granted; that is not asked for again."""
    upstream.scope = f"openid {GOOGLE}/calendar {GOOGLE}/calendar.events.owned.readonly"
    before = await connect_user(provider="google-calendar")
    url = await client.start_connect(subject_token=subject(), provider="google-calendar", reconnects=before.id)
    assert f"{GOOGLE}/calendar" not in asked(url)


async def test_a_group_that_the_user_left_out_is_kept_in_mind_and_asked_for_again(
    client: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Google's granular consent: the user may untick a scope."""
    upstream.scope = f"openid {GOOGLE}/userinfo.email"
    before = await connect_user(provider="google-calendar")
    assert before.missing_scope == f"{GOOGLE}/calendar.events.owned.readonly"
    upstream.scope = None
    after = await client.confirm_connection(subject_token=subject(), **(await come_back(client, upstream, before)))
    assert (after.id, after.missing_scope) == (before.id, "")
    connected = AuditEvent.objects.using("audit").filter(event="vault:connection:connected").order_by("id")
    rows = [(row.scope_asked == row.scope_granted) async for row in connected]
    assert rows == [False, True]
