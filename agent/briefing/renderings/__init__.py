"""An answer as something to paste: Markdown, Slack's mrkdwn, words to say, HTML for a clipboard, and plain text."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from agent.briefing.document import Document
from agent.briefing.lengths import Length, shorten
from agent.briefing.renderings import html, markdown, slack, speech, text

FORMATS: Mapping[str, Callable[[Document], str]] = MappingProxyType(
    {
        "slack": slack.render,
        "markdown": markdown.render,
        "speech": speech.render,
        "html": html.render,
        "text": text.render,
    }
)


def render(document: Document, *, form: str, length: Length) -> str:
    """Return `document` in one of `FORMATS`, as long as asked."""
    return FORMATS[form](shorten(document, length=length))
