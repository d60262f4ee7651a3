"""Sends each app's tables to its database: `vault` and `audit` have their own, everything else is in `default`."""

from typing import Any

from django.db.models import Model

_DATABASES = {"vault": "vault", "audit": "audit"}


def _database_of(model: Model | type[Model]) -> str:
    return _DATABASES.get(model._meta.app_label, "default")


class AppRouter:
    """Routes by app label; no relation crosses databases."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        """Return the database of the model's app."""
        return _database_of(model)

    db_for_write = db_for_read

    def allow_relation(self, left: Model, right: Model, **_hints: Any) -> bool:
        """Allow relations inside one database only."""
        # By instance, not by type: the user of a request is a lazy object that only acts like a row.
        return _database_of(left) == _database_of(right)

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        """Create an app's tables in its own database and nowhere else."""
        return db == _DATABASES.get(app_label, "default")
