"""The services a user can connect, in the user's words, and the answers of the gate."""

from dataclasses import dataclass
from datetime import datetime

from vault.client import ConnectionState


@dataclass(frozen=True, slots=True)
class Service:
    """One provider as the user knows it.

    `slug` is the provider id, `can_read` and `cannot` are plain sentences for the connect page and the card.
    """

    slug: str
    name: str
    can_read: tuple[str, ...]
    cannot: tuple[str, ...]


SERVICES: tuple[Service, ...] = (
    Service(
        "github",
        "GitHub",
        ("Pull requests, reviews and issues you can see", "Titles, states, checks and sizes", "Your commit activity"),
        ("Push, merge, comment or change anything", "Read your keys or settings"),
    ),
    Service(
        "google-calendar",
        "Google Calendar",
        ("Events on the calendars you own", "Times, titles, places and attendees"),
        ("Create, change or answer events", "Read your mail or files"),
    ),
    Service(
        "slack",
        "Slack",
        ("Messages in public channels you are in", "Messages that mention you"),
        ("Send, edit or delete messages", "Give the AI direct messages or private channels"),
    ),
)
SERVICES_BY_SLUG = {service.slug: service for service in SERVICES}


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What the pages show of one service for one user: exactly three states, and a badge when it needs reconnecting."""

    service: Service
    state: ConnectionState
    account: str = ""
    granted_scope: str = ""
    connected_at: datetime | None = None
    reconnect_reason: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's yes: this user lets this tool read this provider, as far as this process knows.

    The vault decides again at the exchange that follows.
    """

    user: str
    provider: str
    tool: str
