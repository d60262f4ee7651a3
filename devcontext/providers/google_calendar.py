"""Where Google Calendar is."""

from devcontext.providers.types import Place, ProviderSettings, StandInPaths


def configure(client_id: str, client_secret: str) -> ProviderSettings:
    """Return the settings of Google. Source: https://developers.google.com/identity/protocols/oauth2/web-server."""
    return ProviderSettings(
        client_id=client_id,
        client_secret=client_secret,
        authorization_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106
        revocation_url="https://oauth2.googleapis.com/revoke",
        account_url="https://openidconnect.googleapis.com/v1/userinfo",
        api_url="https://www.googleapis.com/calendar/v3",
        web_url="https://calendar.google.com",
    )


GOOGLE_CALENDAR = Place(
    id="google-calendar",
    variable_prefix="GOOGLE",
    configure=configure,
    stand_in=StandInPaths(
        root="/google",
        authorization="/o/oauth2/v2/auth",
        token="/token",  # noqa: S106  (a path)
        revocation="/revoke",
        account="/v1/userinfo",
        api="/calendar/v3",
    ),
    # Not documented, but stable.
    token_pattern=r"ya29\.[\w.-]+|1//[\w-]+",  # noqa: S106  (a pattern)
)
