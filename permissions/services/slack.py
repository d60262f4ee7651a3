"""Slack in the user's words."""

from permissions.exclusions import ExclusionKind
from permissions.types import ScopeGroup, Service

SLACK = Service(
    slug="slack",
    name="Slack",
    can_read=("Messages in public channels you are in", "Messages that mention you"),
    cannot=("Send, edit or delete messages", "Give the AI private channels or direct messages that you did not add"),
    # Source: https://docs.slack.dev/reference/methods/auth.revoke.
    revocation="Slack ends this token only. The app stays installed in the workspace: remove it at Slack under "
    "Settings & administration, Manage apps.",
    optional_groups=(
        ScopeGroup("search", "Messages that mention you", frozenset({"search:read"}), is_default=True),
        ScopeGroup("private-channels", "Private channels you are in", frozenset({"groups:history", "groups:read"})),
        ScopeGroup(
            "direct-messages",
            "Your direct messages",
            frozenset({"im:history", "im:read", "mpim:history", "mpim:read"}),
        ),
    ),
    # Source: https://docs.slack.dev/reference/scopes.
    scope_words={
        "channels:history": "Read messages in public channels",
        "channels:read": "See which public channels there are",
        "groups:history": "Read messages in your private channels",
        "groups:read": "See which private channels you are in",
        "im:history": "Read your direct messages",
        "im:read": "See with whom you have direct messages",
        "mpim:history": "Read your group direct messages",
        "mpim:read": "See which group direct messages you are in",
        "search:read": "Search the messages you can see",
        "chat:write": "Send messages as you",
        "files:read": "See the files of your conversations",
        "users:read": "See people's names",
    },
    exclusion_kinds=frozenset({ExclusionKind.CHANNEL, ExclusionKind.WORD}),
)
