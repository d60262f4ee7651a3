"""Tokens that a flow brought and no connection keeps: revoked, and never at the cost of a living connection."""

import asyncio
import logging
from datetime import datetime

from django.conf import settings

from vault import background, disconnect
from vault.database import run
from vault.errors import VaultError
from vault.providers import registry
from vault.store import pending
from vault.store.flows import Flow
from vault.store.pending import NewGrant

# Between tries to store what is to be revoked: the database may be what failed.
_STORE_PAUSES_SECONDS = (0.2, 1.0, 2.0, 4.0)

logger = logging.getLogger(__name__)


def ends_whole_account(provider: str, *, expires_at: datetime | None) -> bool:
    """Tell whether revoking a grant, whose access token ends then, would end the account's other tokens too.

    Without rotation, Slack gives the same token for the same user each time. Of a provider that is not configured any
    more nothing can be known.
    """
    if provider not in settings.PROVIDERS:
        return True
    return registry.load(provider).revokes_whole_account or expires_at is None


def revoke_soon(flow: Flow, *, grant: NewGrant) -> asyncio.Task[None]:
    """Have the tokens revoked in the background; where they cannot be, that is logged, and they live until they end."""
    return background.detach(_revoke(flow, grant=grant))


async def _revoke(flow: Flow, *, grant: NewGrant) -> None:
    if await _let_go(flow, grant=grant):
        await disconnect.revoke_due()
    else:
        # SECURITY: nobody keeps these tokens any more; that is worth less than somebody's living connection.
        logger.warning("vault.connect.tokens_left", extra={"provider": flow.provider, "user": flow.user})


async def _let_go(flow: Flow, *, grant: NewGrant) -> bool:
    is_whole = ends_whole_account(flow.provider, expires_at=grant.expires_at)
    for pause in (*_STORE_PAUSES_SECONDS, 0):
        try:
            return await run(pending.let_go, flow, grant=grant, ends_whole_account=is_whole)
        except VaultError:
            await asyncio.sleep(pause)
    return False
