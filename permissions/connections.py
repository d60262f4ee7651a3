"""What a user's services look like now: the vault's answer, cached shortly and forgotten at every change."""

from permissions.types import ServiceStatus


async def list_statuses(*, user: str, sid: str, is_fresh: bool = False) -> tuple[ServiceStatus, ...]:
    """Return the status of every service, in the fixed order of `SERVICES`.

    Args:
        user: The subject, `user:<id>`.
        sid: The session that asks.
        is_fresh: Ask the vault even when a cached answer is at hand.

    Raises:
        vault.client.VaultUnavailableError: The vault does not answer and nothing is cached.
    """
    raise NotImplementedError


def forget(*, user: str) -> None:
    """Drop the cached statuses of `user`, after a change or a refused call."""
    raise NotImplementedError
