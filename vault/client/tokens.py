"""The exchange, for `agent.credentials` alone: an import contract keeps every other module away from tokens."""

from dataclasses import dataclass

from vault.types import ExchangedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts for the user in one exchange; becomes the claims of the actor token (RFC 8693 section 4.1)."""

    agent: str
    run: str
    tool: str
    tool_call: str


async def exchange(*, user: str, sid: str, provider: str, scope: str, actor: Actor) -> ExchangedToken:
    """Return an upstream token for one tool call. Use it once and drop it.

    Args:
        user: The subject, `user:<id>`.
        sid: The session, or what stands for one on the command line.
        provider: Provider id.
        scope: Space-separated scopes the tool needs.
        actor: The run and tool call that act.

    Raises:
        VaultError: One of its subclasses; `cause` says why in one word.
    """
    raise NotImplementedError
