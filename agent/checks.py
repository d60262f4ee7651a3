"""System checks of the agent: content is not stored without keys that seal it, nor without an end."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from agent import content_keys


@register(Tags.security)
def check_content_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse content keys that are missing or malformed."""
    try:
        content_keys.parse(settings.CONTENT_KEYS)
    except ImproperlyConfigured as error:
        hint = "Make one with content_generate_key; set CONTENT_KEYS, or CONTENT_KEYS_FILE with the path of a file."
        return [Error(str(error), hint=hint, id="agent.E001")]
    return []


@register(Tags.security)
def check_retention(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a time of less than a day: a run would lose what it reads while it goes on."""
    if settings.CONTENT_RETENTION_DAYS >= 1:
        return []
    return [Error("CONTENT_RETENTION_DAYS must be at least 1.", hint="Set it, or leave it unset.", id="agent.E002")]
