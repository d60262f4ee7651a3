"""What a granted scope means in plain words; a scope this table does not know is shown as the provider calls it."""

from collections.abc import Mapping

# Sources: https://developers.google.com/workspace/calendar/api/auth, https://docs.slack.dev/reference/scopes.
_WORDS: Mapping[str, str] = {
    "openid": "Know which account this is",
    "email": "See the account's e-mail address",
    "https://www.googleapis.com/auth/userinfo.email": "See the account's e-mail address",
    "https://www.googleapis.com/auth/calendar.events.owned.readonly": "See events on calendars you own",
    "channels:history": "Read messages in public channels",
    "channels:read": "See which public channels there are",
    "search:read": "Search the messages you can see",
    "users:read": "See people's names",
}


def words_of(scope: str) -> str:
    """Return what `scope` lets DevContext do."""
    return _WORDS.get(scope, scope)
