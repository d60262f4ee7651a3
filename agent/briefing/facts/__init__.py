"""What is true of a person's work, worked out from what was read: no model, no clock, no network."""

from agent.briefing.facts.gathering import gather
from agent.briefing.facts.writing import write

__all__ = ["gather", "write"]
