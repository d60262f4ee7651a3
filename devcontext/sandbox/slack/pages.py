"""The pages behind Slack links: the workspace, its conversations and their messages."""

from html import escape, unescape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devcontext.sandbox.context import sandbox_of
from devcontext.sandbox.links import Links, slack_ts
from devcontext.sandbox.pages import linked_text, not_found, page, paragraph
from devcontext.sandbox.types import INVENTED, Message, Snapshot


def slack_pages() -> list[Route]:
    """Return the pages below `/slack/web`."""
    return [
        Route("/", workspace),
        Route("/archives/{channel_id}", channel),
        Route("/archives/{channel_id}/{ts}", message),
    ]


async def workspace(request: Request) -> Response:
    """Show what the workspace is."""
    notice = sandbox_of(request).world.slack_notice
    is_invented = notice == INVENTED
    sentence = "The invented workspace of this sandbox." if is_invented else "Your workspace, as it was exported."
    return page("Tidewater" if is_invented else "Slack", paragraph(sentence), notice=notice)


async def channel(request: Request) -> Response:
    """Show a conversation's newest messages."""
    sandbox = sandbox_of(request)
    snapshot, notice = sandbox.world.now(), sandbox.world.slack_notice
    for found in snapshot.channels:
        if found.id == request.path_params["channel_id"]:
            messages = [one for one in snapshot.messages if one.channel_id == found.id]
            newest = sorted(messages, key=lambda one: one.at, reverse=True)
            body = "".join(_message_html(one, snapshot=snapshot, links=sandbox.links) for one in newest)
            return page(f"#{found.name}" if found.name else "Direct message", body, notice=notice)
    return not_found(notice)


async def message(request: Request) -> Response:
    """Show one message with its thread.

    The last six digits of an invented message are its number, which stays while the world's days move on; so a
    permalink of last week still shows the message it was made from. Exported messages stay where they are.
    """
    sandbox, wanted = sandbox_of(request), request.path_params
    snapshot, notice = sandbox.world.now(), sandbox.world.slack_notice
    digits = 6 if notice == INVENTED else len(wanted["ts"])
    for found in snapshot.messages:
        name = f"p{slack_ts(found.at).replace('.', '')}"
        if found.channel_id == wanted["channel_id"] and name[-digits:] == wanted["ts"][-digits:]:
            thread = [one for one in snapshot.messages if one == found or _is_in_thread(one, found)]
            body = "".join(_message_html(one, snapshot=snapshot, links=sandbox.links) for one in thread)
            return page(f"Message of {found.author.name}", body, notice=notice)
    return not_found(notice)


def _is_in_thread(one: Message, found: Message) -> bool:
    return found.thread_at is not None and one.thread_at == found.thread_at


def _message_html(one: Message, *, snapshot: Snapshot, links: Links) -> str:
    # Slack keeps <, > and & of a text escaped: https://docs.slack.dev/messaging/formatting-message-text
    text = unescape(one.text)
    for person in snapshot.people:
        text = text.replace(f"<@{person.slack_id}>", f"@{person.name}")
    head = f"<p><strong>{escape(one.author.name)}</strong>, {one.at:%Y-%m-%d %H:%M}</p>"
    return head + linked_text(text, snapshot=snapshot, links=links)
