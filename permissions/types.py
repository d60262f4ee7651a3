"""The services a user can connect, in the user's words, and the answers of the gate."""

from dataclasses import dataclass
from datetime import datetime

from vault.client import ConnectionState


@dataclass(frozen=True, slots=True)
class Service:
    """One provider as the user knows it.

    `slug` is the provider id, `can_read` and `cannot` are plain sentences for the connect page and the card, and
    `revocation` says what the service really ends when it is disconnected.
    """

    slug: str
    name: str
    can_read: tuple[str, ...]
    cannot: tuple[str, ...]
    revocation: str


SERVICES: tuple[Service, ...] = (
    Service(
        "github",
        "GitHub",
        ("Pull requests, reviews and issues you can see", "Titles, states, checks and sizes", "Your commit activity"),
        ("Push, merge, comment or change anything", "Read your keys or settings"),
        # Source: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-authorization.
        "GitHub ends every token that DevContext has of this account, also one that somebody else connected here. The "
        "app stays installed: remove it at GitHub under Settings, Applications.",
    ),
    Service(
        "google-calendar",
        "Google Calendar",
        ("Events on the calendars you own", "Times, titles, places, descriptions and attendees"),
        ("Create, change or answer events", "Read your mail or files"),
        # Source: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke.
        "Google ends all access of DevContext's whole Google Cloud project to this account: each calendar, and every "
        "other program that belongs to the same project.",
    ),
    Service(
        "slack",
        "Slack",
        ("Messages in public channels you are in", "Messages that mention you"),
        ("Send, edit or delete messages", "Give the AI private channels or direct messages that you did not add"),
        # Source: https://docs.slack.dev/reference/methods/auth.revoke.
        "Slack ends this token only. The app stays installed in the workspace: remove it at Slack under Settings & "
        "administration, Manage apps.",
    ),
)
SERVICES_BY_SLUG = {service.slug: service for service in SERVICES}


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What the pages show of one service for one user: exactly three states, and a badge when it needs reconnecting.

    It is the default account's, which the agent reads; `others` are the user's other accounts there. `connection` is
    "" when there is none. `missing_scope` is what was asked for and not granted, space-separated.
    `paused_until` is None unless the agent may use it again by itself then: a pause is a revoke with an end.
    """

    service: Service
    state: ConnectionState
    connection: str = ""
    account: str = ""
    granted_scope: str = ""
    missing_scope: str = ""
    connected_at: datetime | None = None
    reconnect_reason: str = ""
    paused_until: datetime | None = None
    others: tuple["ServiceStatus", ...] = ()

    @property
    def accounts(self) -> tuple["ServiceStatus", ...]:
        """Every connected account, the default one first."""
        return (self, *self.others) if self.connection else ()


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's yes: this user lets this tool read this provider, as far as this process knows.

    The vault decides again at the exchange that follows.
    """

    user: str
    provider: str
    tool: str
