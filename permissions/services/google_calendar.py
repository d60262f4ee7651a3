"""Google Calendar in the user's words."""

from permissions.exclusions import ExclusionKind
from permissions.types import Service

GOOGLE_CALENDAR = Service(
    slug="google-calendar",
    name="Google Calendar",
    can_read=("Events on the calendars you own", "Times, titles, places, descriptions and attendees"),
    cannot=("Create, change or answer events", "Read your mail or files"),
    # Source: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke.
    revocation="Google ends all access of DevContext's whole Google Cloud project to this account: each calendar, and "
    "every other program that belongs to the same project.",
    # Source: https://developers.google.com/workspace/calendar/api/auth.
    scope_words={
        "openid": "Know which account this is",
        "email": "See the account's e-mail address",
        "https://www.googleapis.com/auth/userinfo.email": "See the account's e-mail address",
        "https://www.googleapis.com/auth/calendar.events.owned.readonly": "See events on calendars you own",
        "https://www.googleapis.com/auth/calendar.events.readonly": "See events on all your calendars, shared ones too",
        "https://www.googleapis.com/auth/calendar.calendarlist.readonly": "See which calendars you are subscribed to",
        "https://www.googleapis.com/auth/calendar.events.freebusy": "See when you are free on calendars you can see",
        "https://www.googleapis.com/auth/calendar.events": "See and change events on all your calendars",
        "https://www.googleapis.com/auth/calendar.readonly": "See and download any calendar you can see",
        "https://www.googleapis.com/auth/calendar": "See, change, share and delete all calendars you can see",
    },
    # They tell whose calendar it is; Google writes the second in either way.
    base_scopes=frozenset({"openid", "email", "https://www.googleapis.com/auth/userinfo.email"}),
    exclusion_kinds=frozenset({ExclusionKind.PRIVATE_EVENTS, ExclusionKind.WORD}),
)
