"""The tool that tells which services can be read now; it asks the permission centre and reads no service itself."""

from django.utils.translation import gettext_noop

from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult


class ConnectionsArguments(Arguments):
    """No arguments."""


async def list_connections(_arguments: ConnectionsArguments, _http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return one item per service with its state; none of them can be cited."""
    services = await context.list_services()
    return ToolResult(
        items=tuple(
            Item(
                title=f"{service.name}: {service.state}",
                url="",
                fields={"service": service.provider, "state": service.state, "account": service.account},
            )
            for service in services
        )
    )


CONNECTIONS = Tool(
    name="connections",
    provider="",
    label=gettext_noop("Checking connections…"),
    reads="",
    description=(
        "Tells for each service whether it is connected, paused, revoked or not connected, and as which account. "
        "Use it only when the user asks what is connected; to read a service just call its tools, "
        "they say themselves when they may not."
    ),
    arguments=ConnectionsArguments,
    scope="",
    run=list_connections,
    endpoints=(),
)
