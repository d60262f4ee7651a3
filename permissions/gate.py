"""The one question before every tool call: may the agent use this service, now, for this user? Fails closed."""

from permissions.types import Permit


async def require(*, user: str, sid: str, provider: str, tool: str, run: str, tool_call: str) -> Permit:
    """Return a permit, or raise; the answer is an audit event, committed before this returns or raises.

    Raises:
        NotPermittedError: The service is not connected, revoked, broken, unknown, or its state cannot be learned.
        audit.errors.AuditUnavailableError: The answer could not be recorded, so there is none.
    """
    raise NotImplementedError
