"""What a page will say next."""

from django.contrib.messages import get_messages
from django.http import HttpResponse


def said(response: HttpResponse) -> list[tuple[str, str]]:
    """Return (level, sentence) of each message that the next page will show."""
    return [(message.level_tag, message.message) for message in get_messages(response.asgi_request)]  # type: ignore[attr-defined]
