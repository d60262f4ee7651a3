"""The user's own changes to a service: revoke and restore the agent's access, disconnect.

The vault makes and audits them. After each, confirmed or not, the cached statuses are forgotten.
"""

from asgiref.sync import sync_to_async

from permissions import connections
from permissions.types import SERVICES_BY_SLUG, ServiceStatus
from vault.client import ConnectionState
from vault.client import connections as vault


async def revoke(*, user: str, sid: str, auth_time: float, provider: str) -> ServiceStatus:
    """Stop the agent from using the service; the connection stays.

    Raises:
        vault.client.NotConnectedError: The user has no such connection.
        vault.client.VaultError: The vault did not confirm the change.
    """
    return await _set_access(user=user, sid=sid, auth_time=auth_time, provider=provider, is_allowed=False)


async def restore(*, user: str, sid: str, auth_time: float, provider: str) -> ServiceStatus:
    """Let the agent use the service again; raises as `revoke` does."""
    return await _set_access(user=user, sid=sid, auth_time=auth_time, provider=provider, is_allowed=True)


async def disconnect(*, user: str, sid: str, auth_time: float, provider: str) -> ServiceStatus:
    """Erase the connection and its tokens; raises as `revoke` does."""
    try:
        await vault.disconnect(user=user, sid=sid, auth_time=auth_time, connection=provider)
    finally:
        await _forget(user)
    return ServiceStatus(service=SERVICES_BY_SLUG[provider], state=ConnectionState.NOT_CONNECTED)


async def _set_access(*, user: str, sid: str, auth_time: float, provider: str, is_allowed: bool) -> ServiceStatus:
    try:
        connection = await vault.set_access(
            user=user, sid=sid, auth_time=auth_time, connection=provider, is_allowed=is_allowed
        )
    finally:
        await _forget(user)
    return connections.status_of(connection, service=SERVICES_BY_SLUG[provider])


async def _forget(user: str) -> None:
    await sync_to_async(connections.forget)(user=user)
