"""What a test of an installation comes to; no part of the vault, so that a web process without one has it too."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a check; the value is shown."""

    GOOD = "ok"
    WRONG = "wrong"
    OPEN = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, in one sentence."""

    verdict: Verdict
    sentence: str
