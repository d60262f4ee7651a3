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


def user_message(question: str, *, now: datetime, user_name: str) -> str:
    """Return `question` with the line of context that the system prompt announces.

    `now` is in the user's time zone, a `ZoneInfo`. The line reads `[Context: Monday 2026-11-23, 09:12, time zone
    Europe/Berlin. Last working day: Friday 2026-11-20. User: Maya Okafor.]`
    """
    since = last_working_day(now.date())
    zone = now.tzinfo.key if isinstance(now.tzinfo, ZoneInfo) else now.tzname()
    # A name is the user's own text; brackets in it could end the line of context.
    person = clean_text(user_name, max_characters=80).translate(str.maketrans("[]\n", "() "))
    return (
        f"{question}\n\n[Context: {now:%A %Y-%m-%d, %H:%M}, time zone {zone}. "
        f"Last working day: {since:%A %Y-%m-%d}. User: {person}.]"
    )
