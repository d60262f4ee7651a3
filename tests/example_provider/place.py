"""Where Tasklist is: the example's `devcontext/providers/tasklist.py`."""

from devcontext.providers.types import Place, ProviderSettings, StandInPaths


def configure(client_id: str, client_secret: str) -> ProviderSettings:
    """Return the settings of the real Tasklist, if there were one."""
    return ProviderSettings(
        client_id=client_id,
        client_secret=client_secret,
        authorization_url="https://tasklist.example/oauth/authorize",
        token_url="https://tasklist.example/oauth/token",
        revocation_url="https://tasklist.example/oauth/revoke",
        account_url="https://tasklist.example/api/me",
        api_url="https://tasklist.example/api",
        web_url="https://tasklist.example",
    )


TASKLIST = Place(
    id="tasklist",
    variable_prefix="TASKLIST",
    configure=configure,
    stand_in=StandInPaths(
        root="/tasklist",
        authorization="/oauth/authorize",
        token="/oauth/token",
        revocation="/oauth/revoke",
        account="/api/me",
        api="/api",
    ),
    token_pattern=r"tsk_\w+",
)
