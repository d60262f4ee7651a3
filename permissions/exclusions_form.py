"""The form of what is left out of every answer: a line for each thing."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from permissions.exclusions import ExclusionKind, normal
from permissions.store import Written

# More lines than anyone keeps in mind; each is compared with each thing that is read.
_MAX_LINES = 100
_MAX_CHARACTERS = 100
_PATTERNS: Mapping[ExclusionKind, re.Pattern[str]] = {
    ExclusionKind.REPOSITORY: re.compile(r"[A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100}"),
    ExclusionKind.ORGANISATION: re.compile(r"[A-Za-z0-9_-]{1,100}"),
    ExclusionKind.CHANNEL: re.compile(r"#?[\w-]{1,80}"),
    ExclusionKind.WORD: re.compile(r".*\w.*"),
}


class LinesField(forms.CharField):
    """Lines of text; each must fit the pattern of its kind, and none counts twice."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"})

    def __init__(self, *, kind: ExclusionKind, **texts: Any) -> None:
        super().__init__(required=False, **texts)
        self._pattern = _PATTERNS[kind]

    def clean(self, value: Any) -> tuple[str, ...]:
        """Return the lines as they were written, each once.

        Raises:
            ValidationError: A line does not fit, or there are too many.
        """
        text: str = super().clean(value) or ""
        lines = {normal(line): line.strip() for line in text.splitlines() if line.strip()}
        if len(lines) > _MAX_LINES:
            raise forms.ValidationError(gettext("At most {number} lines.").format(number=_MAX_LINES))
        for line in lines.values():
            if len(line) > _MAX_CHARACTERS or not self._pattern.fullmatch(line):
                unfit = gettext("This line does not fit: {line}")
                raise forms.ValidationError(unfit.format(line=line[:_MAX_CHARACTERS]))
        return tuple(lines.values())


class ExclusionsForm(forms.Form):
    """What is left out, by kind."""

    repository = LinesField(
        kind=ExclusionKind.REPOSITORY, label=_("Repositories"), help_text=_("One per line, as owner/name.")
    )
    organisation = LinesField(
        kind=ExclusionKind.ORGANISATION,
        label=_("Owners and organisations on GitHub"),
        help_text=_("All their repositories are left out. One per line."),
    )
    channel = LinesField(
        kind=ExclusionKind.CHANNEL, label=_("Slack channels"), help_text=_("One per line, by name or by id.")
    )
    private_events = forms.BooleanField(required=False, label=_("Leave out events marked as private"))
    word = LinesField(
        kind=ExclusionKind.WORD,
        label=_("Words"),
        help_text=_("What shows one of them, in its title or its text, is left out, from every service. One per line."),
    )

    @property
    def lines(self) -> list[forms.BoundField]:
        """The fields of lines, in their order."""
        return [self[kind.value] for kind in _PATTERNS]

    @property
    def chosen(self) -> Written:
        """What is to be left out; for a valid form."""
        data = self.cleaned_data
        private = ("",) if data["private_events"] else ()
        return {kind: data[kind.value] for kind in _PATTERNS} | {ExclusionKind.PRIVATE_EVENTS: private}


def initial_of(exclusions: Written) -> dict[str, Any]:
    """Return what the form shows of what is left out now."""
    lines = {kind.value: "\n".join(exclusions[kind]) for kind in _PATTERNS}
    return lines | {"private_events": bool(exclusions[ExclusionKind.PRIVATE_EVENTS])}
