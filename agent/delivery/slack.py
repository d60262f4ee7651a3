"""A message to the one channel that a Slack incoming webhook posts to; the owner made it, and no scope is asked for.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. NOT VERIFIED against a real
workspace: that an incoming webhook takes a `markdown` block.
"""

import json
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from agent.briefing.renderings import slack
from agent.delivery.addresses import resolve
from agent.delivery.posting import post
from agent.delivery.types import Channel, Letter


async def send(channel: Channel, *, letter: Letter) -> None:
    """Post the letter; raises as `posting.post` and `addresses.resolve` do."""
    # SECURITY: only the path is the owner's.
    target = await resolve(f"{settings.SLACK_HOOKS_URL}{channel.address}")
    await post(target, body=json.dumps(_message(letter)).encode(), headers={})


def _message(letter: Letter) -> dict[str, Any]:
    """Return the blocks, and the text that a notification shows instead of them."""
    head = slack.escape(letter.title)
    lines = [f"*{head}*", *([_label()] if letter.is_simulated else [])]
    if letter.notice:
        lines.append(slack.escape(letter.notice))
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}
    link = f"<{letter.page}|{gettext('Open in DevContext')}>"
    foot = {"type": "context", "elements": [{"type": "mrkdwn", "text": link}]}
    body = slack.blocks(letter.document) if letter.document else []
    return {"text": head, "blocks": [section, *body, foot], "unfurl_links": False, "unfurl_media": False}


def _label() -> str:
    return gettext("Simulated: invented data from the sandbox.")
