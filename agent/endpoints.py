"""What a tool may ask its provider: a closed list of endpoints, each a method, a path template and a GraphQL document.

The scope of a token is the provider's word and often wider than a tool; this is ours, and as narrow as the tool.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request that may be made of a provider.

    Attributes:
        provider: Provider id; it stands for the one host that the provider is pinned to.
        method: HTTP method.
        path: Path template as the audit tells it, such as `/calendars/{calendar}/events`; of a GraphQL call also the
            document's name, after "#".
        document: The one GraphQL document that may be sent there, "" where none may be.
    """

    provider: str
    method: Literal["GET", "POST"]
    path: str
    document: str = field(default="", repr=False)

    def covers(self, method: str, path: str, *, body: Any) -> bool:
        """Tell whether a request by this method and template, with this JSON body, is the one meant."""
        # SECURITY: the name after "#" is for the audit and proves nothing; what is sent must be the document itself.
        document = body.get("query", "") if isinstance(body, dict) else ""
        return (self.method, self.path, self.document) == (method, path, document)


def is_declared(endpoints: Iterable[Endpoint], *, provider: str) -> bool:
    """Tell whether a tool's declaration names something to ask, and of `provider` alone."""
    return {endpoint.provider for endpoint in endpoints} == {provider}
