"""What the agent knows of each provider, whatever its tools read: its name, and how it wants to be asked.

How a provider's API refuses is in `agent.api.refusals`, where it is in the settings, its tools in `agent.tools`.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """One provider.

    Attributes:
        id: Provider id.
        name: What the user calls it, as `permissions.services` does; the API clients cannot ask there.
        evidence_prefix: Two letters before the ids of what it returned; stored conversations hold them.
        request_id_header: The header in which it names each request, in lower case; "" for none.
        is_serial: Whether it wants one request after another with the same token.
    """

    id: str
    name: str
    evidence_prefix: str
    request_id_header: str = ""
    is_serial: bool = False


# By provider id, in the order of the coverage line.
PROVIDERS: dict[str, ProviderFacts] = {
    facts.id: facts
    for facts in (
        # One by one: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
        # #avoid-concurrent-requests.
        ProviderFacts(
            id="github",
            name="GitHub",
            evidence_prefix="gh",
            request_id_header="x-github-request-id",
            is_serial=True,
        ),
        ProviderFacts(id="google-calendar", name="Google Calendar", evidence_prefix="gc"),
        ProviderFacts(id="slack", name="Slack", evidence_prefix="sl", request_id_header="x-slack-req-id"),
    )
}


def name_pattern() -> str:
    """Return a regular expression of what people call the providers, also by the last word alone, as in `Calendar`."""
    words = {word for facts in PROVIDERS.values() for word in (facts.name, facts.name.split()[-1])}
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
