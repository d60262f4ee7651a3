"""What tells the vault who asks; for the modules of `vault.client` that manage what a user keeps there."""

from vault import tokens
from vault.types import Asker


def mint_for(asker: Asker) -> str:
    """Return the subject token by which somebody manages connections, grants and sessions. It opens no service."""
    return tokens.mint_subject(**asker, purpose="connections")
