"""What a stand-in for a provider is made of; each provider's folder describes one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from starlette.routing import BaseRoute

from devcontext.sandbox.faults.cases import Case
from devcontext.sandbox.limits import Mode

# Documented and recorded answers, one file for each provider.
RECORDED = Path(str(resources.files("devcontext.sandbox.faults")))


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One provider's stand-in.

    Attributes:
        provider: Provider id.
        name: The provider's name.
        path: Where it is mounted, such as `/google`; its pages are at `web` below that.
        routes: Returns OAuth and API below `path`.
        pages: Returns what the links of its items lead to, below `web`.
        cases: The failures that can be ordered, by name; see `faults.cases.load_cases`.
        modes: The ways in which it can count requests.
    """

    provider: str
    name: str
    path: str
    routes: Callable[[], Sequence[BaseRoute]]
    pages: Callable[[], Sequence[BaseRoute]]
    cases: Mapping[str, Case]
    modes: tuple[Mode, ...] = (Mode.OFF, Mode.DOCUMENTED)
