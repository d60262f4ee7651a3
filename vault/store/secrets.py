"""Sealed secrets in the tables: which place each is bound to, sealing on the way in and opening on the way out."""

from functools import cache
from secrets import token_hex

from vault import keyring, sealing
from vault.database import ALIAS
from vault.errors import VaultUnavailableError
from vault.models import Connection, Installation, SealedToken
from vault.sealing import Binding

ACCESS = "access"
REFRESH = "refresh"


def put_tokens(connection: Connection, *, access_token: str, refresh_token: str) -> None:
    """Store the tokens of `connection.generation` over the earlier ones; an empty `refresh_token` means none."""
    for field, token in ((ACCESS, access_token), (REFRESH, refresh_token)):
        row = SealedToken.objects.using(ALIAS).filter(connection=connection, field=field)
        if not token:
            row.delete()
            continue
        sealed = seal(token, binding=_binding(connection, field=field))
        SealedToken.objects.using(ALIAS).update_or_create(
            connection=connection, field=field, defaults={"sealed": sealed}
        )


def find_token(connection: Connection, *, field: str) -> str:
    """Return the token, or "" if the connection has none.

    Raises:
        vault.errors.SealBrokenError: The record does not belong to this connection and generation.
    """
    row = SealedToken.objects.using(ALIAS).filter(connection=connection, field=field).first()
    return unseal(row.sealed, binding=_binding(connection, field=field)) if row else ""


def seal(secret: str, *, binding: Binding) -> bytes:
    """Return `secret` sealed with the newest key."""
    return sealing.seal(secret, binding=binding, keyring=keyring.current())


def unseal(record: bytes | memoryview, *, binding: Binding) -> str:
    """Return the secret in `record`.

    Raises:
        vault.errors.SealBrokenError: It does not open at this place.
    """
    return sealing.unseal(bytes(record), binding=binding, keyring=keyring.current())


def place(*, user: str, connection: str, provider: str, field: str, generation: int = 0) -> Binding:
    """Return the place of a secret in this installation."""
    return Binding(
        installation=_installation(),
        user=user,
        connection=connection,
        provider=provider,
        field=field,
        generation=generation,
    )


def _binding(connection: Connection, *, field: str) -> Binding:
    return place(
        user=connection.subject,
        connection=connection.id,
        provider=connection.provider,
        field=field,
        generation=connection.generation,
    )


@cache
def _installation() -> str:
    row = Installation.objects.using(ALIAS).first()
    if row is None:
        # The migration makes it. Made here, a rollback could lose the name of what another transaction sealed.
        raise VaultUnavailableError
    return row.name


def name_installation() -> None:
    """Give the installation its random name, once, when its tables are made."""
    Installation.objects.using(ALIAS).get_or_create(pk=1, defaults={"name": token_hex(16)})
    _installation.cache_clear()
