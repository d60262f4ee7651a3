"""The sandbox's HTML: one frame for every page, one stylesheet, no script; all foreign text is escaped here."""

from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from devcontext.sandbox.links import Links
from devcontext.sandbox.types import Snapshot

_STYLESHEET = (Path(__file__).parent / "sandbox.css").read_text(encoding="utf-8")


def page(title: str, body: str, *, notice: str, status: int = 200, form_target: str = "") -> HTMLResponse:
    """Return a page; `body` is HTML, everything else plain text.

    `form_target` names the origins a form's answer may redirect to.
    """
    policy = f"default-src 'none'; style-src 'self'; form-action 'self' {form_target}".rstrip()
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/sandbox.css"></head><body>'
        f'<p class="notice" role="note">{escape(notice)}</p><main><h1>{escape(title)}</h1>{body}</main></body></html>',
        status_code=status,
        headers={
            "content-security-policy": f"{policy}; base-uri 'none'; frame-ancestors 'none'",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
    )


def paragraph(text: str) -> str:
    """Return a paragraph of plain text, or nothing for no text."""
    return f"<p>{escape(text)}</p>" if text else ""


def facts(rows: list[tuple[str, str]]) -> str:
    """Return a list of names and plain values; rows without a value are left out."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
    return f"<dl>{items}</dl>"


def entries(heading: str, rows: list[tuple[str, str, str]]) -> str:
    """Return a section of (anchor, who and when, text) rows, or nothing when there are none."""
    if not rows:
        return ""
    items = "".join(
        f'<li id="{escape(anchor)}"><strong>{escape(who)}</strong><br>{escape(text)}</li>' for anchor, who, text in rows
    )
    return f"<h2>{escape(heading)}</h2><ul>{items}</ul>"


def link(url: str, words: str) -> str:
    """Return a link."""
    return f'<a href="{escape(url)}">{escape(words)}</a>'


def linked_text(text: str, *, snapshot: Snapshot, links: Links) -> str:
    """Return a paragraph in which `{ledger#88}` is a link."""
    return f"<p>{links.spell_out(escape(text), snapshot=snapshot, link=link)}</p>" if text else ""


def not_found(notice: str) -> HTMLResponse:
    """Return the page for an address that leads nowhere."""
    return page("Not here", paragraph("The sandbox has no such item."), notice=notice, status=404)


async def stylesheet(_: Request) -> Response:
    """Answer with the one stylesheet."""
    return Response(_STYLESHEET, media_type="text/css")
