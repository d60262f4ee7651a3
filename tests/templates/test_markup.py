"""Every page as markup: nothing inline, one heading of the first rank, a name on every control, no dead reference."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from allauth.account.forms import (
    AddEmailForm,
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    SignupForm,
)
from allauth.mfa.base.forms import ReauthenticateForm as MFAReauthenticateForm
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import RequestFactory

from agent.beginning import Beginning
from agent.completion import SIGNS
from agent.week_form import WeekForm
from devcontext.views import components_context
from permissions.dots import Dot, Dots
from permissions.services import SERVICES
from tests.templates.first_steps import SETUP, SPENDING, WELCOME
from tests.templates.history import HISTORY_PAGES
from tests.templates.schedules import SCHEDULE_PAGES
from tests.templates.timeline import TIMELINE, TIMELINE_PAGES, asking

NOW = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)
RUN = "7d9f3a3e-1111-4222-8333-123456789abc"
CHAT = SimpleNamespace(id=RUN, title="<script>alert(1)</script>", started_at=NOW)
STATES = ("connected", "revoked", "not_connected")


def dot(slug: str, name: str, state: str) -> Dot:
    """Return one service as the shell gets it."""
    connection = "" if state == "not_connected" else f"connection-{slug}"
    return Dot(slug, name, state, state.capitalize(), "maya", connection, needs_reconnect=state == "revoked")


def card(service: Any, state: str) -> SimpleNamespace:
    """Return one service as the permission page gets it."""
    is_linked = state != "not_connected"
    return SimpleNamespace(
        slug=service.slug,
        name=service.name,
        state=state,
        state_word=state.replace("_", " ").capitalize(),
        account="maya" if is_linked else "",
        connected_at=NOW - timedelta(days=3) if is_linked else None,
        scopes=("repo",) if is_linked else (),
        scope_words=("Repositories you can see",) if is_linked else (),
        surplus=("chat:write",) if is_linked else (),
        writing=("Read and write access",) if is_linked else (),
        can_read=service.can_read,
        cannot=service.cannot,
        last_used_at=NOW if is_linked else None,
        last_used_ago="just now" if is_linked else "",
        last_used_for="your activity on GitHub" if is_linked else "",
        last_used_by="",
        last_used_run="run-7" if is_linked else "",
        reconnect_reason="Reconnect it to let the AI read again." if state == "revoked" else "",
        is_sandbox=True,
    )


DOTS = Dots(
    tuple(dot(service.slug, service.name, state) for service, state in zip(SERVICES.values(), STATES, strict=True))
)
AWAY = Dots(tuple(Dot(service.slug, service.name) for service in SERVICES.values()), "The vault is away.")
CARDS = [card(service, state) for service, state in zip(SERVICES.values(), STATES, strict=True)]
NEW_CHAT = {
    "conversation": None,
    "run_ids": [],
    "recipes": [("standup", "Brief me", "Since yesterday", "Brief me for standup")],
    "beginning": Beginning("standup", "2026-11-20T00:00", "", 92),
    "completions": [tool.completion for tool in SIGNS.values()],
}
OLD_CHAT = NEW_CHAT | {"conversation": CHAT, "run_ids": [RUN], "service_dots": AWAY}
ENTRANCE = {"signup_url": "/accounts/signup/", "login_url": "/accounts/login/"}
USER = User(pk=1, username="maya", email="maya@tidewater.example")
PASSKEY = SimpleNamespace(pk=7, name="Phone", wrap={"is_passwordless": True}, created_at=NOW, last_used_at=None)
CODES = {"get_unused_codes": ["12345678"], "generate_codes": ["12345678"] * 10}
FACTORS = {
    "authenticators": {"webauthn": [{"instance": PASSKEY}], "totp": True, "recovery_codes": CODES},
    "is_mfa_enabled": True,
}
SESSION = SimpleNamespace(user_agent="Firefox", created_at=NOW, ip="127.0.0.1", is_current=True)
EMAIL = {
    "form": AddEmailForm(user=USER),
    "current_emailaddress": {"email": "maya@tidewater.example", "verified": False},
    "new_emailaddress": {"email": "maya@new.example"},
}


class NameForm(forms.Form):
    """What allauth's forms of a passkey show."""

    name = forms.CharField()


PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "new chat": ("agent/chat.html", NEW_CHAT),
    "old chat, vault away": ("agent/chat.html", OLD_CHAT),
    "permissions": (
        "permissions/page.html",
        {"cards": CARDS, "zone": "Asia/Tokyo", "vault_message": "The vault is away."},
    ),
    "connect": ("permissions/connect.html", {"service": SERVICES["github"], "is_sandbox": True}),
    "connect failed": ("permissions/connect_failed.html", {"service": SERVICES["github"], "message": "Too late."}),
    "connect failed, service unknown": ("permissions/connect_failed.html", {"service": None, "message": "Too late."}),
    **HISTORY_PAGES,
    **SCHEDULE_PAGES,
    "working week": ("agent/working_week.html", {"form": WeekForm(initial={"country": "DE"})}),
    "working week, refused": ("agent/working_week.html", {"form": WeekForm({"country": "DE", "subdivision": "X"})}),
    "spending": ("agent/spending.html", SPENDING),
    "spending, no price": ("agent/spending.html", SPENDING | {"price_state": "unknown", "has_unpriced": True}),
    "spending, used up": ("agent/spending.html", SPENDING | {"is_mine_spent": True, "budget": ""}),
    "spending, none": ("agent/spending.html", SPENDING | {"price_state": "simulated", "days": []}),
    **TIMELINE_PAGES,
    "landing": ("agent/landing.html", {}),
    "welcome": ("agent/welcome.html", WELCOME),
    "welcome, vault away": ("agent/welcome.html", WELCOME | {"statuses": (), "vault_message": "The vault is away."}),
    "set-up": ("setup/page.html", SETUP),
    "sign in": ("account/login.html", ENTRANCE | {"form": LoginForm()}),
    "sign up": ("account/signup.html", ENTRANCE | {"form": SignupForm()}),
    "sign out": ("account/logout.html", {}),
    "demo user, again": ("account/demo_reauthenticate.html", {"reauthentication_alternatives": []}),
    "password, again": ("account/reauthenticate.html", ENTRANCE | {"form": ReauthenticateForm(user=USER)}),
    "code, again": ("mfa/reauthenticate.html", {"form": MFAReauthenticateForm(user=USER)}),
    "password change": ("account/password_change.html", {"form": ChangePasswordForm(user=USER)}),
    "e-mail change": ("account/email_change.html", EMAIL),
    "sign-in, nothing set up": ("mfa/index.html", {"authenticators": {}}),
    "sign-in, all set up": ("mfa/index.html", FACTORS),
    "passkeys": ("mfa/webauthn/authenticator_list.html", {"authenticators": [PASSKEY]}),
    "passkey, add": ("mfa/webauthn/add_form.html", {"form": NameForm(), "js_data": {"creation_options": {}}}),
    "passkey, remove": ("mfa/webauthn/authenticator_confirm_delete.html", {"authenticator": PASSKEY}),
    "passkey, rename": ("mfa/webauthn/edit_form.html", {"form": NameForm()}),
    "passkey, again": ("mfa/webauthn/reauthenticate.html", {"js_data": {"request_options": {}}}),
    "second step": ("mfa/authenticate.html", {"form": MFAReauthenticateForm(user=USER)}),
    "recovery codes": ("mfa/recovery_codes/index.html", {"unused_codes": ["12345678"], "total_count": 10}),
    "recovery codes, new": ("mfa/recovery_codes/generate.html", {"unused_code_count": 9}),
    "authenticator app, off": ("mfa/totp/deactivate_form.html", {}),
    "sessions": ("usersessions/usersession_list.html", {"sessions": [SESSION], "session_count": 2}),
    "password reset": ("account/password_reset.html", {"form": ResetPasswordForm()}),
    "password reset sent": ("account/password_reset_done.html", {}),
    "verification sent": ("account/verification_sent.html", {}),
    "400": ("400.html", {}),
    "403": ("403.html", {}),
    "403 for CSRF": ("403_csrf.html", {}),
    "404": ("404.html", {}),
    "429": ("429.html", {}),
    "components": ("debug/components.html", components_context()),
    "500": ("500.html", {}),
}


@dataclass
class Tag:
    """One element with all text inside it; `is_template` if a script copies it and fills it in."""

    name: str
    attrs: dict[str, str]
    is_template: bool
    text: str = ""


@dataclass
class Markup(HTMLParser):
    """All elements of a page; `open` are those not closed yet."""

    tags: list[Tag] = field(default_factory=list)
    open: list[Tag] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_template = any(element.name == "template" for element in self.open)
        element = Tag(tag, {name: value or "" for name, value in attrs}, is_template)
        self.tags.append(element)
        if tag not in {"meta", "link", "input", "br", "hr", "img", "source"}:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data.strip()

    def all(self, *names: str) -> list[Tag]:
        """Return the elements with one of these names."""
        return [tag for tag in self.tags if tag.name in names]


def render(template: str, context: dict[str, Any], *, query: str = "", is_signed_in: bool = True) -> str:
    """Render a page as a view does, for a signed-in user or a visitor."""
    request = RequestFactory().get(f"/{query}")
    request.user = User(pk=1, username="maya", email="maya@tidewater.example") if is_signed_in else AnonymousUser()
    messages = [Message(constants.SUCCESS, "Done."), Message(constants.ERROR, "Not done.")]
    frame = (
        {"messages": messages, "recent": [CHAT], "service_dots": DOTS, "unread": 3}
        if is_signed_in
        else {"messages": messages}
    )
    return render_to_string(template, frame | context, request=request)


def parse(html: str) -> Markup:
    """Return the parsed page; every element it opens is closed."""
    markup = Markup()
    markup.feed(html)
    markup.close()
    assert not markup.open
    return markup


@pytest.fixture(params=PAGES.values(), ids=PAGES.keys())
def page(request: pytest.FixtureRequest) -> Markup:
    template, context = request.param
    return parse(render(template, context))


def test_nothing_is_inline(page: Markup) -> None:
    """The Content Security Policy allows no inline script, style or handler; one would be dead, not just frowned on."""
    assert not page.all("style")
    assert all(script.attrs.get("src") for script in page.all("script"))
    for tag in page.tags:
        assert "style" not in tag.attrs
        assert not [name for name in tag.attrs if name.startswith("on")]
        assert not tag.attrs.get("href", "").startswith("javascript:")


def test_there_is_one_first_heading_and_every_control_has_a_name(page: Markup) -> None:
    """WCAG 2.2: 1.3.1, 2.4.6 and 4.1.2."""
    assert len(page.all("h1")) == 1
    labelled = {label.attrs["for"] for label in page.all("label")}
    for control in page.all("input", "textarea", "select"):
        is_named = control.attrs.get("aria-label") or control.attrs.get("id") in labelled
        assert control.attrs.get("type") == "hidden" or is_named, control
    for control in page.all("button", "a", "summary"):
        assert control.text or control.attrs.get("aria-label") or control.is_template


def test_ids_are_unique_and_references_to_them_hold(page: Markup) -> None:
    ids = Counter(tag.attrs["id"] for tag in page.tags if "id" in tag.attrs)
    assert [name for name, count in ids.items() if count > 1] == []
    for tag in page.tags:
        for name in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "popovertarget", "data-opens"):
            assert set(tag.attrs.get(name, "").split()) <= set(ids)


def test_no_label_follows_the_conversation() -> None:
    """With several labels, one of them after it, autofill took Chromium 6 ms more at each key with 300 messages."""
    tags = parse(render(*PAGES["old chat, vault away"])).tags
    transcript = next(number for number, tag in enumerate(tags) if "data-transcript" in tag.attrs)
    labels = [number for number, tag in enumerate(tags) if tag.name == "label"]
    assert labels
    assert max(labels) < transcript


def icons_of(path: str) -> set[str]:
    """Return the icons in a file."""
    sprite = ET.parse(finders.find(path))  # noqa: S314  (our own file)
    return {symbol.attrib["id"] for symbol in sprite.iter("{http://www.w3.org/2000/svg}symbol")}


def test_every_static_file_and_icon_exists(page: Markup) -> None:
    for tag in page.tags:
        for address in (tag.attrs.get("href", ""), tag.attrs.get("src", "")):
            if address.startswith(settings.STATIC_URL):
                path, _, icon = address.removeprefix(settings.STATIC_URL).partition("#")
                assert finders.find(path), path
                assert not icon or icon in icons_of(path)


def test_every_form_that_changes_something_carries_the_csrf_token(page: Markup) -> None:
    forms = [form for form in page.all("form") if form.attrs.get("method") == "post"]
    tokens = [tag for tag in page.all("input") if tag.attrs.get("name") == "csrfmiddlewaretoken"]
    assert len(tokens) == len(forms)


@pytest.mark.parametrize("template", ["400.html", "500.html"])
def test_pages_without_a_request_need_no_context(template: str) -> None:
    """Django renders both without a request, so a context processor's value would be missing."""
    assert "Back to DevContext" in render_to_string(template)


@pytest.mark.parametrize("name", ["old chat, vault away", "chats", "chats, found", "run"])
def test_what_others_wrote_stays_text(name: str) -> None:
    html = render(*PAGES[name])
    assert "<script>alert(" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_stand_ins_are_named_on_every_page_that_knows_them() -> None:
    html = render("permissions/page.html", {"cards": CARDS, "zone": "Asia/Tokyo"})
    assert re.search(
        r"Sandbox: GitHub, Google Calendar, Slack, Claude\s+are local stand-ins, not the real services", html
    )


def test_nothing_is_said_of_stand_ins_where_there_are_none() -> None:
    installation = {"is_demo": False, "stand_ins": [], "model": "claude-sonnet-5-5"}
    html = render("permissions/page.html", {"cards": CARDS, "zone": "Asia/Tokyo", "installation": installation})
    assert "stand-in" not in html


def test_the_demo_button_is_only_where_the_demo_user_is() -> None:
    context = ENTRANCE | {"form": LoginForm()}
    assert "Continue as demo user" in render("account/login.html", context, is_signed_in=False)
    installation = {"is_demo": False, "stand_ins": [], "model": "claude-sonnet-5-5"}
    hidden = render("account/login.html", context | {"installation": installation}, is_signed_in=False)
    assert "Continue as demo user" not in hidden


def test_a_visitor_gets_no_rail() -> None:
    html = render("account/login.html", ENTRANCE | {"form": LoginForm()}, is_signed_in=False)
    assert 'id="rail"' not in html


@pytest.mark.parametrize(
    ("state", "offered", "withheld"),
    [
        ("connected", "/github/revoke", "/github/restore"),
        ("revoked", "/github/restore", "/github/revoke"),
        ("not_connected", "/auth/connect/github", "/github/disconnect"),
    ],
)
def test_a_card_offers_what_its_state_allows(state: str, offered: str, withheld: str) -> None:
    html = render(
        "permissions/page.html", {"cards": [card(SERVICES["github"], state)], "zone": "UTC", "service_dots": AWAY}
    )
    assert offered in html
    assert withheld not in html


def test_a_filter_keeps_the_others_and_goes_back_to_the_first_page() -> None:
    asked = asking("service:slack outcome:denied")
    html = render("audit/timeline.html", TIMELINE | asked, query="?service=slack&outcome=denied&before=90")
    assert 'href="?q=service%3Agithub+outcome%3Adenied"' in html
    assert 'href="?q=outcome%3Adenied"' in html


def test_events_stand_under_their_day() -> None:
    headings = [tag.text for tag in parse(render("audit/timeline.html", TIMELINE)).all("h2")]
    assert "Tuesday, 5 May 2026" in headings
    assert "Monday, 4 May 2026" in headings
