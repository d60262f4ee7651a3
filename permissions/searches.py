"""The searches of the audit timeline that users keep: preferences, in the open. It is an `audit.saved.Keeper`."""

from django.contrib.auth import get_user_model
from django.db import transaction

from audit.saved import MAX_SAVED, SavedSearch
from permissions.models import TimelineSearch
from permissions.subjects import user_id_of


def list_searches(user: str) -> tuple[SavedSearch, ...]:
    """Return the user's searches by name."""
    rows = TimelineSearch.objects.filter(user_id=user_id_of(user)).order_by("name")
    return tuple(SavedSearch(row.pk, row.name, row.text) for row in rows)


def save_search(user: str, *, name: str, text: str) -> bool:
    """Keep a search, in the place of the one of this name; False if the user has as many as they may have."""
    user_id = user_id_of(user)
    with transaction.atomic(using="default"):
        # Two tabs save one after the other, so that neither exceeds the limit.
        get_user_model().objects.select_for_update().get(pk=user_id)
        others = TimelineSearch.objects.filter(user_id=user_id).exclude(name=name)
        if others.count() >= MAX_SAVED:
            return False
        TimelineSearch.objects.update_or_create(user_id=user_id, name=name, defaults={"text": text})
    return True


def delete_search(user: str, *, number: int) -> SavedSearch | None:
    """Delete the user's search with this id and return it; None if they have none."""
    row = TimelineSearch.objects.filter(user_id=user_id_of(user), pk=number).first()
    if row is None:
        return None
    TimelineSearch.objects.filter(pk=number).delete()
    return SavedSearch(number, row.name, row.text)
