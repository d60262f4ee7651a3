"""Everything that the tables hold of one user, for when they are gone for good."""

from dataclasses import dataclass

from vault import models
from vault.database import ALIAS
from vault.store import grants, revocations


@dataclass(frozen=True, slots=True)
class Erased:
    """One active connection that is erased."""

    id: str
    provider: str
    account: str


def erase(user: str) -> tuple[Erased, ...]:
    """Erase the user's connections, pending ones too, and keep their tokens until the providers took them back.

    For callers that hold the user's sessions alone. What waits to be revoked, and how older revocations ended, does not
    name the account any more.
    """
    rows = models.Connection.objects.using(ALIAS).filter(subject=user).order_by("id").select_for_update()
    erased = []
    for row in rows:
        revocations.add_for(row)
        if row.activated_at is not None:
            erased.append(Erased(row.id, row.provider, row.account))
        row.delete(using=ALIAS)
    models.OAuthState.objects.using(ALIAS).filter(subject=user).delete()
    models.Revocation.objects.using(ALIAS).filter(subject=user).update(account="")
    models.EndedRevocation.objects.using(ALIAS).filter(subject=user).delete()
    grants.end_all(user=user)
    return tuple(erased)
