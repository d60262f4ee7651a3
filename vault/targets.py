"""Which connection a token is asked for: exactly one `audience` or `resource` (RFC 8693 section 2.1, RFC 8707)."""

from vault.forms import Pairs
from vault.providers import registry

# The two parameters that may be repeated. An upstream token opens one provider, so more than one target is none.
NAMES = frozenset({"audience", "resource"})


def audience_of(pairs: Pairs) -> str:
    """Return the provider id or connection id that is meant; "" when none is, several are, or the resource is unknown.

    An audience is not judged here. Empty parameters count as left out (RFC 6749 section 3.2).
    """
    targets = [(name, value) for name, value in pairs if name in NAMES and value]
    if len(targets) != 1:
        return ""
    name, value = targets[0]
    return value if name == "audience" else registry.find_by_resource(value)
