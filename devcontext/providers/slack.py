"""Where Slack is."""

from devcontext.providers.types import Place, ProviderSettings, StandInPaths


def configure(client_id: str, client_secret: str) -> ProviderSettings:
    """Return the settings of Slack. Source: https://docs.slack.dev/authentication/installing-with-oauth."""
    return ProviderSettings(
        client_id=client_id,
        client_secret=client_secret,
        authorization_url="https://slack.com/oauth/v2/authorize",
        token_url="https://slack.com/api/oauth.v2.access",  # noqa: S106
        revocation_url="https://slack.com/api/auth.revoke",
        account_url="https://slack.com/api/auth.test",
        api_url="https://slack.com/api",
        web_url="https://slack.com",
    )


SLACK = Place(
    id="slack",
    variable_prefix="SLACK",
    configure=configure,
    stand_in=StandInPaths(
        root="/slack",
        authorization="/oauth/v2/authorize",
        token="/api/oauth.v2.access",  # noqa: S106  (a path)
        revocation="/api/auth.revoke",
        account="/api/auth.test",
        api="/api",
    ),
    # Source: https://docs.slack.dev/authentication/tokens.
    token_pattern=r"xox[abeprs][\w.-]+",  # noqa: S106  (a pattern)
)
