"""Slack in the user's words."""

from django.utils.translation import gettext_noop as _

from permissions.exclusions import ExclusionKind
from permissions.types import ScopeGroup, Service

SLACK = Service(
    slug="slack",
    name="Slack",
    can_read=(_("Messages in public channels you are in"), _("Messages that mention you")),
    cannot=(
        _("Send, edit or delete messages"),
        _("Give the AI private channels or direct messages that you did not add"),
    ),
    # Source: https://docs.slack.dev/reference/methods/auth.revoke.
    revocation=_(
        "Slack ends this token only. The app stays installed in the workspace: remove it at Slack under "
        "Settings & administration, Manage apps."
    ),
    # Source: https://docs.slack.dev/authentication/installing-with-oauth.
    reducing=_(
        "Slack only ever adds to what a token may read, so DevContext ends the present one first: until you come back "
        "from Slack, nothing of it is read."
    ),
    optional_groups=(
        ScopeGroup("search", _("Messages that mention you"), frozenset({"search:read"}), is_default=True),
        ScopeGroup("private-channels", _("Private channels you are in"), frozenset({"groups:history", "groups:read"})),
        ScopeGroup(
            "direct-messages",
            _("Your direct messages"),
            frozenset({"im:history", "im:read", "mpim:history", "mpim:read"}),
        ),
    ),
    # Source: https://docs.slack.dev/reference/scopes.
    scope_words={
        "channels:history": _("Read messages in public channels"),
        "channels:read": _("See which public channels there are"),
        "groups:history": _("Read messages in your private channels"),
        "groups:read": _("See which private channels you are in"),
        "im:history": _("Read your direct messages"),
        "im:read": _("See with whom you have direct messages"),
        "mpim:history": _("Read your group direct messages"),
        "mpim:read": _("See which group direct messages you are in"),
        "search:read": _("Search the messages you can see"),
        "chat:write": _("Send messages as you"),
        "files:read": _("See the files of your conversations"),
        "users:read": _("See people's names"),
    },
    exclusion_kinds=frozenset({ExclusionKind.CHANNEL, ExclusionKind.WORD}),
)
