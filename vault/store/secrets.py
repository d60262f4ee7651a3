"""Sealed secrets in the tables: which place each is bound to, sealing on the way in and opening on the way out."""

import logging
from functools import cache
from secrets import token_hex

from django.core.exceptions import ImproperlyConfigured

from vault import keyring, sealing
from vault.database import ALIAS
from vault.errors import SealBrokenError, VaultUnavailableError
from vault.keys.base import Purpose
from vault.models import Connection, Installation, SealedToken
from vault.sealing import Binding
from vault.store import statements

ACCESS = "access"
REFRESH = "refresh"

logger = logging.getLogger(__name__)


def put_tokens(connection: Connection, *, access_token: str, refresh_token: str) -> None:
    """Store the tokens of `connection.generation` over the earlier ones; an empty `refresh_token` means none."""
    for field, token in ((ACCESS, access_token), (REFRESH, refresh_token)):
        row = SealedToken.objects.using(ALIAS).filter(connection=connection, field=field)
        if not token:
            row.delete()
            continue
        sealed = seal(token, binding=place_of_token(connection, field=field))
        SealedToken.objects.using(ALIAS).update_or_create(
            connection=connection, field=field, defaults={"sealed": sealed}
        )


def find_token(connection: Connection, *, field: str) -> str:
    """Return the token, or "" if the connection has none.

    Raises:
        vault.errors.SealBrokenError: The record does not belong to this connection and generation.
    """
    sealed = statements.find_sealed(connection=connection.id, field=field)
    return unseal(sealed, binding=place_of_token(connection, field=field)) if sealed else ""


def seal(secret: str, *, binding: Binding) -> bytes:
    """Return `secret` sealed with the newest key.

    Raises:
        VaultUnavailableError: There is no key to seal with.
    """
    try:
        return sealing.seal(secret, binding=binding, keyring=keyring.current())
    except ImproperlyConfigured:
        logger.exception("vault.keys.unusable")
        raise VaultUnavailableError from None


def unseal(record: bytes | memoryview, *, binding: Binding) -> str:
    """Return the secret in `record`.

    Raises:
        vault.errors.SealBrokenError: It does not open at this place, or there are no keys.
    """
    try:
        return sealing.unseal(bytes(record), binding=binding, keyring=keyring.current())
    except ImproperlyConfigured:
        logger.exception("vault.keys.unusable")
        raise SealBrokenError from None


def place(
    *,
    user: str,
    connection: str,
    provider: str,
    field: str,
    generation: int = 0,
    purpose: Purpose = Purpose.STORED,
) -> Binding:
    """Return the place of a secret in this installation."""
    return Binding(
        installation=installation(),
        user=user,
        connection=connection,
        provider=provider,
        field=field,
        generation=generation,
        purpose=purpose,
    )


def place_of_token(connection: Connection, *, field: str) -> Binding:
    """Return the place of a token of `connection.generation`."""
    return place(
        user=connection.subject,
        connection=connection.id,
        provider=connection.provider,
        field=field,
        generation=connection.generation,
    )


def place_of_verifier(*, user: str, provider: str, state_hash: str) -> Binding:
    """Return the place of a connect flow's PKCE verifier."""
    return place(user=user, connection=state_hash, provider=provider, field="code_verifier")


def place_of_revocation(revocation: str, *, user: str, provider: str) -> Binding:
    """Return the place of the tokens that wait to be revoked; their key is not the one that exchanges open with."""
    return place(user=user, connection=revocation, provider=provider, field="revocation", purpose=Purpose.REVOCATION)


@cache
def installation() -> str:
    """Return this installation's name.

    Raises:
        VaultUnavailableError: Its tables were not made by `migrate`.
    """
    row = Installation.objects.using(ALIAS).first()
    if row is None:
        # The migration makes it. Made here, a rollback could lose the name of what another transaction sealed.
        raise VaultUnavailableError
    return row.name


def name_installation() -> None:
    """Give the installation its random name, once, when its tables are made."""
    Installation.objects.using(ALIAS).get_or_create(pk=1, defaults={"name": token_hex(16)})
    installation.cache_clear()
