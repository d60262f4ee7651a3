"""What a grant holds, and what the audit tells of a change of it: providers and tools by name, and its last day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from audit.record import MAX_TEXT_LENGTH


@dataclass(frozen=True, slots=True)
class Content:
    """What a grant holds."""

    providers: Sequence[str]
    tools: Sequence[str]
    expires_at: datetime

    def is_within(self, other: Self) -> bool:
        """Tell whether it holds nothing that the other does not."""
        is_as_short = self.expires_at <= other.expires_at
        return is_as_short and {*self.providers} <= {*other.providers} and {*self.tools} <= {*other.tools}


def tell_change(was: Content | None, *, content: Content) -> str:
    """Return what a grant held, if it is none that is created, and holds now, with the tools that come and go by name.

    It is as long as a row's text may be, at the most: of more tools than fit the others are counted.
    """
    told = f"{_tell(was)} → {_tell(content)}" if was else _tell(content)
    before, now = set(was.tools if was else ()), set(content.tools)
    changes = {"added": sorted(now - before), "removed": sorted(before - now)}
    named = {word: tools for word, tools in changes.items() if tools}
    for left, (word, tools) in zip(range(len(named), 0, -1), named.items(), strict=True):
        # What the first does not need of its half is the second's.
        room, label = (MAX_TEXT_LENGTH - len(told)) // left, f"; {word} "
        told += label + _listed(tools, length=room - len(label))
    return told


def _tell(content: Content) -> str:
    """Return what a grant holds, with its tools by their number."""
    names = ", ".join(sorted(set(content.providers)))
    return f"{names} with {len(set(content.tools))} tools until {content.expires_at.astimezone(UTC):%Y-%m-%d}"


def _listed(names: Sequence[str], *, length: int) -> str:
    """Return as many names as fit into `length` characters, and how many more there are."""
    for count in range(len(names), 0, -1):
        others = f" and {len(names) - count} more" if count < len(names) else ""
        text = ", ".join(names[:count]) + others
        if len(text) <= length:
            return text
    return f"{len(names)} tools"
