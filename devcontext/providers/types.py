"""What a process knows of where a provider is: addresses, the credentials there, and what its tokens look like."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider as configured; addresses carry no trailing slash.

    `graphql_url` is that of an enterprise's own GitHub; "" where GraphQL lies below the API or there is none.
    `ca_file` holds the certificates of the authorities that vouch for this provider's hosts, in PEM, and then no others
    do; "" for the public ones. `app_kind` says how GitHub knows this installation: as a GitHub App, or as an OAuth App,
    whose scopes cannot be read-only.
    """

    client_id: str
    client_secret: str = field(repr=False)
    authorization_url: str
    token_url: str
    revocation_url: str
    account_url: str
    api_url: str
    web_url: str
    graphql_url: str = ""
    ca_file: str = ""
    app_kind: Literal["app", "oauth"] = "app"
    is_sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInPaths:
    """Where the sandbox's stand-in is: `root` below the sandbox's address, the others below that."""

    root: str
    authorization: str
    token: str
    revocation: str
    account: str
    api: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One provider as settings, launcher and log filter need it.

    Attributes:
        id: Provider id.
        variable_prefix: What the names of its variables begin with: `<prefix>_CLIENT_ID`, `<prefix>_CLIENT_SECRET`.
        configure: Returns the real provider's settings for a client id and a secret.
        stand_in: Where its stand-in is.
        token_pattern: A regular expression of what its tokens look like, for the log's filter; no groups.
    """

    id: str
    variable_prefix: str
    configure: Callable[[str, str], ProviderSettings]
    stand_in: StandInPaths
    token_pattern: str

    @property
    def client_id_variable(self) -> str:
        """The variable that configures the real provider."""
        return f"{self.variable_prefix}_CLIENT_ID"

    @property
    def client_secret_variable(self) -> str:
        """The variable of the secret that belongs to the client id."""
        return f"{self.variable_prefix}_CLIENT_SECRET"
