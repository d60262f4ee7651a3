"""The exchange, for `agent.credentials` alone: an import contract keeps every other module away from tokens."""

from dataclasses import dataclass
from typing import Unpack

from vault import tokens
from vault.client import transport
from vault.types import Asker, ExchangedToken, ExchangeRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts for the user in one exchange; becomes the claims of the actor token (RFC 8693 section 4.1).

    `agent` is `agent:<name>`.
    """

    agent: str
    run: str
    tool: str
    tool_call: str


async def exchange(*, provider: str, scope: str, actor: Actor, **asker: Unpack[Asker]) -> ExchangedToken:
    """Return an upstream token for one tool call. Use it once and drop it.

    Args:
        provider: Provider id.
        scope: Space-separated scopes the tool needs.
        actor: The run and tool call that act.
        asker: The user for whom they act.

    Raises:
        VaultError: One of its subclasses; `cause` says why in one word.
    """
    return await transport.current().exchange(
        ExchangeRequest(
            subject_token=tokens.mint_subject(**asker, purpose="exchange", may_act=actor.agent),
            subject_token_type=tokens.TOKEN_TYPE_ACCESS,
            audience=provider,
            scope=scope,
            actor_token=tokens.mint_actor(agent=actor.agent, run=actor.run, tool=actor.tool, tool_call=actor.tool_call),
            actor_token_type=tokens.TOKEN_TYPE_JWT,
            requested_token_type=tokens.TOKEN_TYPE_ACCESS,
        )
    )
