"""The form of the working week: which days, whose public holidays, which time zone, and when the standup is."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agent.briefing.working_week import list_countries, list_subdivisions
from agent.types import WeekSettings

WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
# What a browser's field of a time sends stands first; the others are how people write one where it is a plain field.
TIMES = ("%H:%M", "%H:%M:%S", "%H.%M", "%Hh%M", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p", "%H")


class WeekForm(forms.Form):
    """Which days somebody works. The parts of a country are those of the country that was sent or saved last."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_("Working days"),
        coerce=int,
        choices=list(enumerate(WEEKDAYS)),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day."), "invalid_choice": _("Choose from the list.")},
    )
    country = forms.ChoiceField(label=_("Public holidays of"), required=False)
    subdivision = forms.ChoiceField(label=_("State or region"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    standup_time = forms.TimeField(
        label=_("Standup at"),
        required=False,
        input_formats=TIMES,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "aria-describedby": "standup-time-hint"}),
        error_messages={"invalid": _("Write a time of day such as 9:30, or leave it empty.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose_from("country", [("", gettext("No country")), *list_countries()])
        zones = sorted(available_timezones())
        self._choose_from("time_zone", [("", gettext("That of my browser")), *((zone, zone) for zone in zones)])
        parts = list_subdivisions(str(self["country"].value() or ""))
        self._choose_from("subdivision", [("", gettext("The whole country")), *((part, part) for part in parts)])
        self.has_parts = bool(parts)

    def _choose_from(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        # A part that belongs to the country before is the likeliest mistake here.
        field.error_messages["invalid_choice"] = gettext("Choose from the list.")

    @property
    def chosen(self) -> WeekSettings:
        """What was chosen; for a valid form."""
        data = self.cleaned_data
        return WeekSettings(
            weekdays=tuple(sorted(data["weekdays"])),
            country=data["country"],
            subdivision=data["subdivision"],
            time_zone=data["time_zone"],
            standup_time=data["standup_time"],
        )
