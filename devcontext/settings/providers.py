"""Which provider is asked, and as whom: the real one where there are credentials, else the local sandbox.

Only addresses and credentials differ between the two; no code elsewhere asks which it is, except to label it.
"""

from devcontext import env
from devcontext.providers import PLACES
from devcontext.providers.types import ProviderSettings, StandInPaths

# Sandbox credentials are public on purpose: they open only a process on this machine that holds invented data.
SANDBOX_CLIENT_ID = "devcontext-sandbox"
SANDBOX_CLIENT_SECRET = "sandbox-secret"  # noqa: S105


def load(*, sandbox_url: str, with_secrets: bool) -> dict[str, ProviderSettings]:
    """Return the configured providers by id; without `sandbox_url` only those with credentials are there.

    Args:
        sandbox_url: Address of the sandbox for providers that have no credentials, or "" for none.
        with_secrets: False in a web process whose vault is elsewhere: it has no business with client secrets.
    """
    providers = {}
    for provider, place in PLACES.items():
        client_id = env.text(place.client_id_variable)
        if client_id:
            secret = env.secret(place.client_secret_variable) if with_secrets else ""
            providers[provider] = place.configure(client_id, secret)
        elif sandbox_url:
            providers[provider] = _stand_in(place.stand_in, sandbox_url=sandbox_url)
    return providers


def _stand_in(paths: StandInPaths, *, sandbox_url: str) -> ProviderSettings:
    root = f"{sandbox_url}{paths.root}"
    return ProviderSettings(
        client_id=SANDBOX_CLIENT_ID,
        client_secret=SANDBOX_CLIENT_SECRET,
        authorization_url=f"{root}{paths.authorization}",
        token_url=f"{root}{paths.token}",
        revocation_url=f"{root}{paths.revocation}".replace("{client_id}", SANDBOX_CLIENT_ID),
        account_url=f"{root}{paths.account}",
        api_url=f"{root}{paths.api}",
        web_url=f"{root}/web",
        is_sandbox=True,
    )
