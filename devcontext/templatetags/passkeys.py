"""What the server wants of a browser's passkey, as a page's script reads it from an attribute."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def as_json(options: dict[str, Any]) -> str:
    """Return `options` as JSON; the template escapes it as it does any text."""
    return json.dumps(options)
