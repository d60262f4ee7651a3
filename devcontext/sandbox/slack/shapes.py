"""How Slack writes people, conversations and messages: no field that its documented or recorded answers lack."""

from typing import Any

from devcontext.sandbox.links import Links, slack_ts
from devcontext.sandbox.slack.call import Call
from devcontext.sandbox.slack.oauth import TEAM
from devcontext.sandbox.types import Channel, Message, Person, Snapshot

# When the invented workspace began, in epoch seconds: 1 March 2021.
_CREATED = 1614589200


def user_body(person: Person, *, call: Call) -> dict[str, Any]:
    """Return a person; the e-mail address only with `users:read.email`."""
    offset = call.snapshot.now.astimezone(call.zone).utcoffset()
    email = {"email": person.email} if "users:read.email" in call.scopes else {}
    first_name = person.name.split()[0]
    return {
        "id": person.slack_id,
        "team_id": TEAM["id"],
        "name": person.login,
        "deleted": False,
        "real_name": person.name,
        "tz": call.zone.key,
        "tz_label": call.zone.key,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": {
            "title": person.title,
            "real_name": person.name,
            "real_name_normalized": person.name,
            "display_name": first_name,
            "display_name_normalized": first_name,
            "team": TEAM["id"],
            **email,
        },
        "is_admin": False,
        "is_owner": False,
        "is_bot": False,
        "is_app_user": False,
        "updated": _CREATED,
    }


def channel_body(channel: Channel, *, snapshot: Snapshot) -> dict[str, Any]:
    """Return a conversation; a direct message names the other person instead of itself."""
    if channel.kind == "im":
        other = next(person for person in channel.members if person != snapshot.me)
        return {"id": channel.id, "created": _CREATED, "is_im": True, "is_org_shared": False, "user": other.slack_id}
    is_private, is_group = channel.kind != "public_channel", channel.kind == "mpim"
    creator = channel.members[0].slack_id
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not is_private,
        "is_group": is_private,
        "is_im": False,
        "is_mpim": is_group,
        "is_private": is_private,
        "created": _CREATED,
        "creator": creator,
        "is_archived": False,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "name_normalized": channel.name,
        "topic": {"value": channel.topic, "creator": creator, "last_set": _CREATED},
        "purpose": {"value": channel.topic, "creator": creator, "last_set": _CREATED},
    }


def message_body(message: Message, *, snapshot: Snapshot, links: Links) -> dict[str, Any]:
    """Return a message; the first of a thread says how many answered."""
    body: dict[str, Any] = {
        "type": "message",
        **_author(message.author),
        "team": TEAM["id"],
        "text": message_text(message, snapshot=snapshot, links=links),
        "ts": slack_ts(message.at),
    }
    if message.subtype:
        body["subtype"] = message.subtype
    if message.edited_at:
        body["edited"] = {**_author(message.author), "ts": slack_ts(message.edited_at)}
    if message.reactions:
        body["reactions"] = [{"name": name, "count": count} for name, count in message.reactions]
    if message.thread_at is None:
        return body
    body["thread_ts"] = slack_ts(message.thread_at)
    thread = [one for one in snapshot.messages if one.thread_at == message.thread_at and one.at != message.thread_at]
    if message.at != message.thread_at:
        return body
    repliers = tuple(dict.fromkeys(one.author.slack_id or one.author.name for one in thread))
    latest = max((one.at for one in thread), default=message.at)
    return body | {
        "reply_count": len(thread),
        "reply_users_count": len(repliers),
        "reply_users": list(repliers),
        "latest_reply": slack_ts(latest),
    }


def _author(author: Person) -> dict[str, str]:
    """Return who wrote: people by their id, apps by the name they chose."""
    return {"user": author.slack_id} if author.slack_id else {"username": author.name}


def message_text(message: Message, *, snapshot: Snapshot, links: Links) -> str:
    """Return a message's text in Slack's mrkdwn, with real links."""
    return links.spell_out(message.text, snapshot=snapshot, link=lambda url, words: f"<{url}|{words}>")
