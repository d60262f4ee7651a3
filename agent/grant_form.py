"""The form of what a schedule may read while its owner is away, and until when."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agent.schedules.owning import tools_of
from agent.tools import TOOLS
from vault.client import Grant

# The vault gives none for longer than a year; a quarter is what people remember that they gave.
_DAYS = {"30": _("For 30 days"), "90": _("For 90 days"), "180": _("For half a year"), "365": _("For a year")}
_KEPT = "kept"


class GrantForm(forms.Form):
    """What a schedule may read, of the services that its owner connected; `held` is what it may read now."""

    providers = forms.MultipleChoiceField(
        label=_("Services"),
        error_messages={"required": _("Choose at least one service."), "invalid_choice": _("Choose from the list.")},
    )
    tools = forms.MultipleChoiceField(
        label=_("Reads"),
        required=False,
        error_messages={"invalid_choice": _("Choose from the list.")},
    )
    until = forms.ChoiceField(label=_("How long"), error_messages={"invalid_choice": _("Choose from the list.")})
    consents = forms.BooleanField(
        label=_("I let these services be read by this schedule while I am away."),
        error_messages={"required": _("Nothing is read while you are away without your consent.")},
    )

    def __init__(self, *args: Any, connected: Collection[str], held: Grant | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = held if held and held.expires_at > timezone.now() else None
        readable = tools_of(connected)
        self._choose_from("providers", [(slug, slug) for slug in connected])
        self._choose_from("tools", [(name, name) for name in readable])
        kept = [(_KEPT, _("As long as now"))] if self._held else []
        self._choose_from("until", [*kept, *_DAYS.items()])
        granted = [name for name in readable if name in held.tools] if held else readable
        self.initial.setdefault("providers", [slug for slug in connected if held is None or slug in held.providers])
        # A service that is added is offered with all of its reads.
        new = [name for name in readable if held and TOOLS[name].provider not in held.providers]
        self.initial.setdefault("tools", [*granted, *new])
        self.initial.setdefault("until", _KEPT if self._held else "90")

    def _choose_from(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Leave out reads of services that were not chosen, and refuse a service without any."""
        data: dict[str, Any] = super().clean() or {}
        chosen = set(tools_of(data.get("providers", ())))
        data["tools"] = [name for name in data.get("tools", ()) if name in chosen]
        empty = set(data.get("providers", ())) - {TOOLS[name].provider for name in data["tools"]}
        if empty and "providers" not in self.errors:
            self.add_error("tools", _("Choose at least one read of each service, or leave the service out."))
        return data

    @property
    def expires_at(self) -> datetime:
        """When it ends; for a valid form."""
        until = self.cleaned_data["until"]
        if until == _KEPT:
            assert self._held is not None
            return self._held.expires_at
        return timezone.now() + timedelta(days=int(until))
