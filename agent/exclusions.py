"""What the user leaves out, as the dispatcher sees it: two questions, which the permission centre answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Exclusions(Protocol):
    """What is left out of what one service answers; a permit carries it."""

    def refuses(self, place: str) -> bool:
        """Tell whether `place`, such as `owner/name` or `#channel`, may not be asked for at all."""
        ...

    def hides(self, *, title: str, places: Sequence[str], fields: Mapping[str, Any]) -> bool:
        """Tell whether an item that a tool read may be shown to nobody."""
        ...


class _Nothing:
    def refuses(self, place: str) -> bool:
        return False

    def hides(self, *, title: str, places: Sequence[str], fields: Mapping[str, Any]) -> bool:
        return False


# For what reads no service, and has nothing that could be left out.
NOTHING_EXCLUDED: Exclusions = _Nothing()
