"""Google Calendar in the user's words."""

from django.utils.translation import gettext_noop as _

from permissions.exclusions import ExclusionKind
from permissions.types import Service

GOOGLE_CALENDAR = Service(
    slug="google-calendar",
    name="Google Calendar",
    can_read=(_("Events on the calendars you own"), _("Times, titles, places, descriptions and attendees")),
    cannot=(_("Create, change or answer events"), _("Read your mail or files")),
    # Source: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke.
    revocation=_(
        "Google ends all access of DevContext's whole Google Cloud project to this account: each calendar, and "
        "every other program that belongs to the same project."
    ),
    # Source: https://developers.google.com/identity/protocols/oauth2/web-server#incrementalAuth.
    reducing=_(
        "DevContext's new token reads less. Your Google Account goes on listing what you allowed before, until you "
        "remove DevContext there."
    ),
    # Source: https://developers.google.com/workspace/calendar/api/auth.
    scope_words={
        "openid": _("Know which account this is"),
        "email": _("See the account's e-mail address"),
        "https://www.googleapis.com/auth/userinfo.email": _("See the account's e-mail address"),
        "https://www.googleapis.com/auth/calendar.events.owned.readonly": _("See events on calendars you own"),
        "https://www.googleapis.com/auth/calendar.events.readonly": _(
            "See events on all your calendars, shared ones too"
        ),
        "https://www.googleapis.com/auth/calendar.calendarlist.readonly": _(
            "See which calendars you are subscribed to"
        ),
        "https://www.googleapis.com/auth/calendar.events.freebusy": _("See when you are free on calendars you can see"),
        "https://www.googleapis.com/auth/calendar.events": _("See and change events on all your calendars"),
        "https://www.googleapis.com/auth/calendar.readonly": _("See and download any calendar you can see"),
        "https://www.googleapis.com/auth/calendar": _("See, change, share and delete all calendars you can see"),
    },
    # They tell whose calendar it is; Google writes the second in either way.
    base_scopes=frozenset({"openid", "email", "https://www.googleapis.com/auth/userinfo.email"}),
    exclusion_kinds=frozenset({ExclusionKind.PRIVATE_EVENTS, ExclusionKind.WORD}),
)
