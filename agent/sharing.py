"""A conversation or one answer as one HTML file that needs nothing else: no script, no picture, no other file.

Pure but for our own style sheets, which are read once. What a service said reaches it through `agent.markdown` alone.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import UUID

from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from agent.transcript import Transcript

_SHEETS = ("tokens.css", "agent/share.css")


@dataclass(frozen=True, slots=True)
class Shared:
    """One question and its answer, and when it was asked."""

    run: UUID
    started_at: datetime
    told: Transcript


def render(request: HttpRequest, *, title: str, runs: Sequence[Shared], made_at: datetime) -> str:
    """Return the file; `request` tells the reader's language and what in this installation is a stand-in."""
    styles = _styles()
    # SECURITY: our own sheets, which hold no end tag; the policy below lets nothing else style or do anything.
    style = SafeString(f"<style>{styles}</style>")
    context = {"title": title, "runs": runs, "made_at": made_at, "style": style, "policy": _policy(styles)}
    return render_to_string("agent/share.html", context, request=request)


@cache
def _styles() -> str:
    return "\n".join(Path(str(finders.find(name))).read_text(encoding="utf-8") for name in _SHEETS)


def _policy(styles: str) -> str:
    """Return the policy that the file brings along: opened from a disk or a mail, it asks nobody for anything.

    Source: https://www.w3.org/TR/CSP3/#meta-element
    """
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
