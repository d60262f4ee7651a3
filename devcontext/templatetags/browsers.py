"""Which browser a session belongs to, in words. A guess for its owner's eyes: anything can call itself anything."""

import re

from django import template
from django.utils.translation import gettext

register = template.Library()

# The first that matches counts: nearly every browser also names those that it wants to be served like.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_name(user_agent: str) -> str:
    """Return `Firefox on Linux`, or as much of it as the header tells."""
    browser = _first(_BROWSERS, user_agent) or gettext("A browser or program")
    system = _first(_SYSTEMS, user_agent)
    return gettext("{browser} on {system}").format(browser=browser, system=system) if system else browser


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for pattern, name in names if re.search(pattern, text)), "")
