"""What was read of each service and what was not; a briefing never says that all is well where it did not look."""

from collections.abc import Sequence

from agent.briefing.facts.types import ServiceCoverage
from agent.briefing.types import Reading


def coverage(readings: Sequence[Reading]) -> tuple[ServiceCoverage, ...]:
    """Return what was read of each service that was asked, by its slug."""
    providers = sorted({reading.provider for reading in readings if reading.provider})
    return tuple(
        _of([one for one in readings if one.provider == provider], provider=provider) for provider in providers
    )


def _of(readings: Sequence[Reading], *, provider: str) -> ServiceCoverage:
    errors = sorted(reading.error for reading in readings if reading.error)
    read = [reading for reading in readings if not reading.error]
    if not read:
        return ServiceCoverage(provider, state=errors[0], items=0, is_partial=True)
    found = {str(entry.get("id") or entry.get("title")) for reading in read for entry in reading.entries}
    is_cut = any(reading.is_truncated or reading.warnings for reading in read)
    return ServiceCoverage(provider, state="read", items=len(found), is_partial=is_cut or bool(errors))
