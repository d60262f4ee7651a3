"""System checks of the agent: content is not stored without keys that seal it."""

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
