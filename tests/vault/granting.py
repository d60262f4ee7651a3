"""Pauses, absences and grants as their tests ask for them: of alice, to one schedule and one tool that reads GitHub."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from tests.vault.conftest import ALICE, SCHEDULE, actor, request, subject
from vault.client.base import VaultClient
from vault.types import Connection, ExchangeRequest, Grant

DAY = timedelta(days=1)


def later() -> datetime:
    return timezone.now() + timedelta(hours=1)


async def grant_of(client: VaultClient, *, user: str = ALICE, **changes: Any) -> Grant:
    fields = {
        "agent": SCHEDULE,
        "providers": ["github"],
        "tools": ["github_activity"],
        "expires_at": timezone.now() + DAY,
    }
    return await client.create_grant(subject_token=subject(user), **{**fields, **changes})


async def change_grant(client: VaultClient, grant: Grant, *, user: str = ALICE, **changes: Any) -> Grant:
    fields = {"providers": grant.providers, "tools": grant.tools, "expires_at": grant.expires_at}
    return await client.change_grant(subject_token=subject(user), grant=grant.id, **{**fields, **changes})


def absent(grant: Grant, user: str = ALICE, *, audience: str = "github", **changes: Any) -> ExchangeRequest:
    """Return an exchange of the grant by its own agent."""
    fields = {"subject_token": subject(user, sid=grant.sid, purpose="exchange"), "actor_token": actor(SCHEDULE)}
    return request(audience=audience, **{**fields, **changes})


async def pause(client: VaultClient, until: datetime | None, *, user: str = ALICE) -> Connection:
    return await client.pause_access(subject_token=subject(user), connection="github", until=until)


async def allow_away(client: VaultClient, *, is_allowed: bool = True, user: str = ALICE) -> Connection:
    return await client.set_away(subject_token=subject(user), connection="github", is_allowed=is_allowed)
