"""Pages lead on: from a refusal to what helps, from the rail to the palette, and without scripts to what needs none."""

import re

import pytest

from agent.transcript import CallTold
from tests.templates.history import RUN_PAGE
from tests.templates.test_markup import PAGES, RUN, render
from tests.templates.timeline import TIMELINE


def test_without_scripts_a_chat_leads_to_the_pages_of_its_answers() -> None:
    html = render(*PAGES["old chat, vault away"])
    told = html[html.index("<noscript>") : html.index("</noscript>")]
    assert set(re.findall(r'href="([^"]+)"', told)) == {"/settings/permissions/", "/audit/", "/chats/", f"/runs/{RUN}/"}


@pytest.mark.parametrize(
    ("code", "link"),
    [
        ("revoked", '<a href="/settings/permissions/#slack">Allow again</a>'),
        ("not_connected", '<a href="/auth/connect/slack">Connect</a>'),
        ("missing_scope", '<a href="/auth/connect/slack">Reconnect</a>'),
        ("policy_denied", '<a href="/settings/permissions/#slack">Permissions</a>'),
        ("upstream_unavailable", ""),
    ],
)
def test_a_runs_page_offers_the_way_out_of_a_refusal(code: str, link: str) -> None:
    call = CallTold(tool="t", provider="slack", label="Reading", arguments={}, outcome=code, message="Not read.")
    html = render("agent/run.html", RUN_PAGE | {"calls": [call]})
    told = html[html.index("<dd>Not read.") :].partition("</dd>")[0]
    assert told.removeprefix("<dd>Not read.").strip() == link


def test_every_address_of_the_rail_is_in_the_palette() -> None:
    html = render("audit/timeline.html", TIMELINE | {"recent": [], "is_operator": True})
    rail, palette = html[html.index('id="rail"') : html.index("</nav>")], html[html.index('id="palette"') :]
    addresses = set(re.findall(r'href="(/[^"#]*)"', rail))
    assert {"/", "/inbox/", "/setup/"} <= addresses
    assert addresses - set(re.findall(r'href="(/[^"#]*)"', palette)) == set()
