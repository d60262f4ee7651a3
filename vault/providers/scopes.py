"""What a connect flow asks a provider for: the groups that the user chose, from the provider's closed table."""

from collections.abc import Collection

from vault.errors import InvalidRequestError
from vault.providers.base import Provider


def scope_of(
    provider: Provider, *, groups: Collection[str], kept: str = "", leaves_out: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the scopes to ask for: those that name the account, and those of `groups`, in the table's order.

    Args:
        provider: Whom to ask.
        groups: Names of scope groups; none means the default ones.
        kept: Space-separated scopes of a connection that is made again. The groups among them are asked for as well,
            so that adding one takes none away. Scopes that are in no group are not: the table is closed.
        leaves_out: Names of the groups among those that are not asked for any more.

    Raises:
        InvalidRequestError: A group is not one of the provider's, or nothing would be left of what was kept.
    """
    if not {*groups, *leaves_out} <= set(provider.scope_groups):
        raise InvalidRequestError
    chosen = {*groups, *_groups_in(kept, provider=provider)} or set(provider.default_scope_groups)
    chosen -= set(leaves_out)
    if leaves_out and not (kept and chosen):
        raise InvalidRequestError
    listed = [scope for name, scopes in provider.scope_groups.items() if name in chosen for scope in scopes]
    return (*provider.identity_scope, *listed)


def _groups_in(scope: str, *, provider: Provider) -> list[str]:
    present = set(scope.split())
    return [name for name, scopes in provider.scope_groups.items() if present.issuperset(scopes)]
