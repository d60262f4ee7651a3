"""What the user leaves out, as the dispatcher and the tools see it; the permission centre answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Exclusions(Protocol):
    """What is left out of what one service answers; a permit carries it.

    The names are what a search may ask its provider to leave out: in lower case, channels without "#".
    """

    @property
    def repositories(self) -> frozenset[str]:
        """`owner/name` of each."""
        ...

    @property
    def organisations(self) -> frozenset[str]:
        """Owners of repositories."""
        ...

    @property
    def channels(self) -> frozenset[str]:
        """Names, or the provider's own ids."""
        ...

    def refuses(self, place: str) -> bool:
        """Tell whether `place`, such as `owner/name` or `#channel`, may not be asked for at all."""
        ...

    def hides(self, *, title: str, places: Sequence[str], fields: Mapping[str, Any]) -> bool:
        """Tell whether an item that a tool read may be shown to nobody."""
        ...


class _Nothing:
    repositories: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()

    def refuses(self, place: str) -> bool:
        return False

    def hides(self, *, title: str, places: Sequence[str], fields: Mapping[str, Any]) -> bool:
        return False


# For what reads no service, and has nothing that could be left out.
NOTHING_EXCLUDED: Exclusions = _Nothing()
