"""The form of a schedule: what its owner wants told, when, and what passes by without a briefing."""

from datetime import time
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agent.briefing import recipes
from agent.briefing.lengths import Length
from agent.briefing.working_week import list_countries, list_subdivisions
from agent.schedules.owning import MAX_NAME_CHARACTERS
from agent.schedules.types import Condition, Draft
from agent.types import WeekSettings
from agent.week_form import TIMES, WEEKDAYS

MICRO_USD = 1_000_000
# When most standups are.
_NINE = time(9)
# What needs no more than this to say when it is due.
_DAYS_FIELDS = ("weekdays", "at", "time_zone", "keeps_week", "skips_holidays", "country", "subdivision")
_NOT_LISTED = _("Choose from the list.")


def _time_field(label: Any, *, help_text: Any = "", is_required: bool = False) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        help_text=help_text,
        required=is_required,
        input_formats=TIMES,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        error_messages={
            "invalid": _("Write a time of day such as 9:30."),
            "required": _("Say at what time of day."),
        },
    )


class ScheduleForm(forms.Form):
    """What somebody wants of a schedule. The parts of a country are those of the country that was sent or saved."""

    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME_CHARACTERS, error_messages={"required": _("Give it a name.")}
    )
    recipe = forms.ChoiceField(label=_("What to tell"), error_messages={"invalid_choice": _NOT_LISTED})
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"),
        coerce=int,
        choices=list(enumerate(WEEKDAYS)),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day."), "invalid_choice": _NOT_LISTED},
    )
    at = _time_field(
        _("Time"),
        help_text=_("It begins within two minutes after, so that not everybody's nine o'clock begins at once."),
        is_required=True,
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), error_messages={"invalid_choice": _NOT_LISTED})
    keeps_week = forms.BooleanField(label=_("Skip days that are not in my working week"), required=False)
    skips_holidays = forms.BooleanField(label=_("Skip public holidays"), required=False)
    country = forms.ChoiceField(label=_("Public holidays of"), required=False)
    subdivision = forms.ChoiceField(label=_("State or region"), required=False)
    skips_out_of_office = forms.BooleanField(
        label=_("Skip when my calendar says that I am out of office"),
        help_text=_("Your agenda of that day is read for it, if this schedule may read it."),
        required=False,
    )
    condition = forms.ChoiceField(
        label=_("Tell me"),
        widget=forms.RadioSelect,
        choices=[
            (Condition.ALWAYS.value, _("Always")),
            (Condition.IF_CHANGED.value, _("Only if something changed since the last briefing")),
            (Condition.IF_NEEDS_ME.value, _("Only if something needs me")),
        ],
        error_messages={"invalid_choice": _NOT_LISTED},
    )
    length = forms.ChoiceField(
        label=_("Length when it is copied or sent"),
        choices=[
            (Length.FULL.value, _("Full")),
            (Length.SHORT.value, _("Short")),
            (Length.HEADLINE.value, _("Headline")),
        ],
        help_text=_("Its own page always has all of it."),
        error_messages={"invalid_choice": _NOT_LISTED},
    )
    quiet_from = _time_field(_("Quiet from"))
    quiet_until = _time_field(
        _("Quiet until"), help_text=_("What is ready in these hours is told at their end. Leave both empty for none.")
    )
    budget = forms.DecimalField(
        label=_("At most, in US dollars a day"),
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal(1000),
        decimal_places=2,
        help_text=_("Once its briefings of a day have cost this much, the next ones are skipped. Empty for no limit."),
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose_from("recipe", [(one.name, gettext(one.title)) for one in recipes.RECIPES.values()])
        self._choose_from("time_zone", [(zone, zone) for zone in sorted(available_timezones())])
        self._choose_from("country", [("", gettext("The country of my working week")), *list_countries()])
        parts = list_subdivisions(str(self["country"].value() or ""))
        self._choose_from("subdivision", [("", gettext("The whole country")), *((part, part) for part in parts)])
        self.has_parts = bool(parts)

    def _choose_from(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.error_messages["invalid_choice"] = str(_NOT_LISTED)

    def clean(self) -> dict[str, Any]:
        """Refuse quiet hours of which one end is missing."""
        data: dict[str, Any] = super().clean() or {}
        begin, end = data.get("quiet_from"), data.get("quiet_until")
        if begin is not None and end is None and "quiet_until" not in self.errors:
            self.add_error("quiet_until", gettext("Say when they end as well, or leave both empty."))
        if end is not None and begin is None and "quiet_from" not in self.errors:
            self.add_error("quiet_from", gettext("Say when they begin as well, or leave both empty."))
        return data

    @property
    def draft(self) -> Draft:
        """What was filled in; for a valid form."""
        data = self.cleaned_data
        same = (*_DAYS_FIELDS, "name", "recipe", "skips_out_of_office", "quiet_from", "quiet_until")
        fields = {name: data[name] for name in same} | {"weekdays": tuple(sorted(data["weekdays"]))}
        return Draft(
            **fields,
            condition=Condition(data["condition"]),
            length=Length(data["length"]),
            daily_budget_micro_usd=int((data["budget"] or 0) * MICRO_USD),
        )

    def find_days(self) -> Draft | None:
        """Return a draft that knows no more than when it is due, by a bound form or its initial; None without it."""
        if not self.is_bound:
            return _only_days({name: self.get_initial_for_field(self.fields[name], name) for name in _DAYS_FIELDS})
        return None if set(_DAYS_FIELDS) & self.errors.keys() else _only_days(self.cleaned_data)


def _only_days(known: dict[str, Any]) -> Draft:
    fields = {name: known[name] for name in _DAYS_FIELDS} | {"weekdays": tuple(known["weekdays"])}
    return Draft(name="", recipe="", **fields)


def initial_of(draft: Draft) -> dict[str, Any]:
    """Return what the form shows of a schedule."""
    same = ("name", "recipe", *_DAYS_FIELDS, "skips_out_of_office", "quiet_from", "quiet_until")
    budget = Decimal(draft.daily_budget_micro_usd) / MICRO_USD if draft.daily_budget_micro_usd else None
    return {name: getattr(draft, name) for name in same} | {
        "condition": draft.condition.value,
        "length": draft.length.value,
        "budget": budget,
    }


def offered(week: WeekSettings, *, recipe: str) -> Draft:
    """Return what a new schedule begins with: the standup's time, on the days of the user's working week."""
    found = recipes.find(recipe) or recipes.RECIPES["standup"]
    return Draft(
        name=gettext(found.title),
        recipe=found.name,
        weekdays=week.weekdays,
        at=week.standup_time or _NINE,
        time_zone=week.time_zone or "UTC",
    )
