"""What the model is told: the system prompt, the same for every user and run, and the message that carries the rest.

Thinking signatures and the prompt cache bind the system prompt, so time, names and permissions never enter it.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.reads import last_working_day
from agent.untrusted import clean_text


@cache
def system_prompt() -> str:
    """Return the system prompt; it is read once per process."""
    return Path(__file__).with_name("briefing.md").read_text(encoding="utf-8").strip()


def user_message(question: str, *, now: datetime, time_zone: ZoneInfo, name: str) -> str:
    """Return `question` with the line of context that the system prompt announces.

    The line reads `[Context: Monday 2026-11-23, 09:12, time zone Europe/Berlin. Last working day: Friday 2026-11-20.
    User: Maya Okafor.]`
    """
    local = now.astimezone(time_zone)
    since = last_working_day(local.date())
    # A name is the user's own text; brackets in it could end the line of context.
    person = clean_text(name, max_characters=80).translate(str.maketrans("[]\n", "() "))
    return (
        f"{question}\n\n[Context: {local:%A %Y-%m-%d, %H:%M}, time zone {time_zone.key}. "
        f"Last working day: {since:%A %Y-%m-%d}. User: {person}.]"
    )
