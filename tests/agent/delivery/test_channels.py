"""What each channel sends: a mail that loads nothing, a webhook that can be checked, Slack's blocks."""

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client

from agent.briefing.document import parse
from agent.delivery import email, slack, webhook
from agent.delivery.errors import NeverError, SendError, TryAgainError, UnknownOutcomeError
from agent.delivery.types import Channel, Kind, Letter
from agent.delivery_models import Channel as ChannelRow
from agent.schedules.types import Schedule
from audit.models import AuditEvent
from tests.agent.delivery.conftest import ANSWER, HOOK, add
from tests.receivers import Mailbox, Receiver

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"], transaction=True)

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def letter(**changes: Any) -> Letter:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "user": 1,
        "title": "Standup, 3 May 2027",
        "at": datetime(2027, 5, 3, 9, tzinfo=UTC),
        "state": "done",
        "reason": "",
        "notice": "",
        "document": parse(ANSWER, evidence={}),
        "page": "https://devcontext.example/runs/1/",
        "is_simulated": False,
    }
    return Letter(**{**fields, **changes})


def channel(kind: Kind, *, user: User | None = None, address: str = "", secret: str = "") -> Channel:
    return Channel(id=uuid4(), schedule=uuid4(), user=user.pk if user else 1, kind=kind, address=address, secret=secret)


def parts(mail: Any) -> tuple[str, str]:
    assert isinstance(mail, EmailMessage)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


async def test_a_mail_is_text_and_html_and_loads_nothing(alice: User, mailbox: Mailbox) -> None:
    await email.send(channel(Kind.EMAIL, user=alice), letter=letter(is_simulated=True))
    (mail,) = mailbox.got
    text, html = parts(mail)
    assert (mail["Subject"], mail["To"]) == ("[DevContext] Standup, 3 May 2027", "alice@example.org")
    assert mail["X-Envelope-To"] == "alice@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    for told in (text, html):
        assert "Review the fix" in told
        assert "Simulated: invented data from the sandbox." in told
        assert "https://devcontext.example/runs/1/" in told
    for carrier in ("<img", "<script", "<link", "<style", " src=", "url(", "tracker.example/x.png"):
        assert carrier not in html.lower()
    assert len(mail.get_payload()) == 2


async def test_a_mail_can_be_ended_with_one_click(alice: User, mailbox: Mailbox) -> None:
    """RFC 8058 sections 3.1 and 3.2: an https or http address and the one fixed value, both in headers."""
    sent = channel(Kind.EMAIL, user=alice)
    await email.send(sent, letter=letter())
    (mail,) = mailbox.got
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].strip() == f"<{email.unsubscribe_url(sent)}>"
    assert email.unsubscribe_url(sent) in parts(mail)[0]


@pytest.mark.parametrize(
    "title",
    [
        "Standup\r\nBcc: mallory@example.org",
        "Standup\nBcc: mallory@example.org\n\nHello",
        "Standup\x00\x1b[31m\u2028Bcc: mallory@example.org",
        "Übersicht \N{SNOWMAN} " + "x" * 5000,
    ],
)
async def test_a_name_makes_no_header(alice: User, mailbox: Mailbox, title: str) -> None:
    await email.send(channel(Kind.EMAIL, user=alice), letter=letter(title=title))
    (mail,) = mailbox.got
    assert mail["Bcc"] is None
    assert mail["X-Envelope-To"] == "alice@example.org"
    assert len(str(mail["Subject"])) < 150


async def test_each_try_has_the_same_message_id(alice: User, mailbox: Mailbox) -> None:
    same = letter()
    for _ in range(2):
        await email.send(channel(Kind.EMAIL, user=alice), letter=same)
    assert mailbox.got[0]["Message-ID"] == mailbox.got[1]["Message-ID"]


@pytest.mark.parametrize(
    ("reply", "error", "failure"),
    [
        ("451 Try again later", TryAgainError, "unreachable"),
        ("554 No, since you are <b>you</b>", NeverError, "refused"),
    ],
)
async def test_what_a_mail_server_says_is_kept_as_a_code(
    alice: User, mailbox: Mailbox, reply: str, error: type[SendError], failure: str
) -> None:
    mailbox.reply = reply
    with pytest.raises(error) as raised:
        await email.send(channel(Kind.EMAIL, user=alice), letter=letter())
    assert str(raised.value) == failure


async def test_a_mail_server_that_is_away_is_asked_again(alice: User, mailbox: Mailbox, settings: Any) -> None:
    settings.EMAIL_PORT = 9
    with pytest.raises(TryAgainError):
        await email.send(channel(Kind.EMAIL, user=alice), letter=letter())


async def test_an_account_without_an_address_gets_no_mail(alice: User, mailbox: Mailbox) -> None:
    await User.objects.filter(pk=alice.pk).aupdate(email="")
    with pytest.raises(NeverError, match="no_address"):
        await email.send(channel(Kind.EMAIL, user=alice), letter=letter())
    await User.objects.filter(pk=alice.pk).aupdate(email="alice@example.org", is_active=False)
    with pytest.raises(NeverError, match="no_address"):
        await email.send(channel(Kind.EMAIL, user=alice), letter=letter())


def test_one_click_without_a_cookie_ends_the_mails_and_a_look_does_not(daily: Schedule) -> None:
    """RFC 8058 section 3.2: the POST comes without cookies; scanners of mails follow links by GET."""
    made = add(daily, kind=Kind.EMAIL).channel
    path = email.unsubscribe_url(made).partition("//")[2].partition("/")[2]
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.get(f"/{path}").status_code == 200
    assert ChannelRow.objects.count() == 1
    for _ in range(2):
        answer = stranger.post(f"/{path}", {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert ChannelRow.objects.count() == 0
    removed = AuditEvent.objects.filter(event="agent:channel:removed").values_list("user", "method", "reason")
    assert list(removed) == [(f"user:{daily.user}", "email", "unsubscribed")]


@pytest.mark.parametrize(
    "token",
    ["x", "", "a:b:c", signing.dumps("not-ours", salt="another")],
    ids=["a word", "nothing", "three parts", "signed for something else"],
)
def test_a_link_that_we_did_not_make_ends_nothing(daily: Schedule, token: str) -> None:
    made = add(daily, kind=Kind.EMAIL).channel
    forged = signing.dumps(str(made.id), key="another key", salt="agent.delivery.unsubscribe")
    for one in (token or "x", forged):
        assert Client().post(f"/unsubscribe/{one}/").status_code == 404
    assert ChannelRow.objects.count() == 1


def verify(got: Any, *, secret: str) -> bool:
    """Check a message as a receiver does, written anew from the specification."""
    signed = b".".join([got.headers["webhook-id"].encode(), got.headers["webhook-timestamp"].encode(), got.body])
    key = base64.b64decode(secret[len("whsec_") :])
    wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return hmac.compare_digest(got.headers["webhook-signature"], f"v1,{wanted}")


async def test_a_webhook_is_signed_in_the_manner_of_standard_webhooks(receiver: Receiver) -> None:
    sent = letter(is_simulated=True)
    await webhook.send(channel(Kind.WEBHOOK, address=f"{receiver.url}/hook?x=1", secret=SECRET), letter=sent)
    (got,) = receiver.got
    assert verify(got, secret=SECRET)
    assert not verify(got, secret=webhook.new_secret())
    assert got.headers["webhook-id"] == f"msg_{sent.id.hex}"
    assert abs(int(got.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    told = json.loads(got.body)
    assert (told["type"], told["timestamp"]) == ("briefing.told", "2027-05-03T09:00:00+00:00")
    assert told["data"]["is_simulated"] is True
    assert "Review the fix" in told["data"]["markdown"]
    assert "cookie" not in got.headers
    assert "authorization" not in got.headers


def test_a_signature_is_that_of_the_specification() -> None:
    """Source: the example of the specification's reference libraries."""
    signed = webhook.sign(
        b'{"test": 2432232314}',
        id_="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_receiver_that_hangs_leaves_nobody_knowing(receiver: Receiver, settings: Any) -> None:
    settings.WEBHOOK_SECONDS = 0.3
    receiver.answers = ["wait"]
    with pytest.raises(UnknownOutcomeError):
        await webhook.send(channel(Kind.WEBHOOK, address=receiver.url, secret=SECRET), letter=letter())


async def test_a_receiver_that_drips_is_left_in_time(settings: Any) -> None:
    """Each byte of its head comes soon, and the head never ends."""
    hung_up = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        hung_up.set()
        writer.close()

    settings.WEBHOOKS_ALLOW_LOOPBACK, settings.WEBHOOK_SECONDS = True, 0.5
    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(UnknownOutcomeError):
            await webhook.send(channel(Kind.WEBHOOK, address=url, secret=SECRET), letter=letter())
        await asyncio.wait_for(hung_up.wait(), timeout=10)


async def test_the_body_of_an_answer_is_not_read(receiver: Receiver) -> None:
    receiver.answers = ["huge"]
    await webhook.send(channel(Kind.WEBHOOK, address=receiver.url, secret=SECRET), letter=letter())
    assert len(receiver.got) == 1


async def test_a_briefing_without_end_is_cut(receiver: Receiver) -> None:
    long = parse("\n\n".join(["word " * 3000] * 20), evidence={})
    await webhook.send(channel(Kind.WEBHOOK, address=receiver.url, secret=SECRET), letter=letter(document=long))
    told = json.loads(receiver.got[0].body)["data"]
    assert (len(told["markdown"]), told["is_cut"]) == (webhook.MAX_CHARACTERS, True)


async def test_nobody_at_the_address_is_tried_again(receiver: Receiver) -> None:
    with pytest.raises(TryAgainError):
        await webhook.send(channel(Kind.WEBHOOK, address="http://127.0.0.1:9/", secret=SECRET), letter=letter())


async def test_slack_gets_blocks_that_call_nobody(receiver: Receiver) -> None:
    said = letter(title="<!channel> @here *Standup*", notice="Late & <b>", is_simulated=True)
    await slack.send(channel(Kind.SLACK, address=HOOK), letter=said)
    (got,) = receiver.got
    assert got.path == HOOK
    told = json.loads(got.body)
    assert [block["type"] for block in told["blocks"]] == ["section", "markdown", "context"]
    assert told["unfurl_links"] is told["unfurl_media"] is False
    head = told["blocks"][0]["text"]["text"]
    assert "<!channel>" not in head + told["text"]
    assert "@here" not in head + told["text"]
    assert "Simulated" in head
    assert "Review the fix" in told["blocks"][1]["text"]
    assert "<https://devcontext.example/runs/1/|" in told["blocks"][2]["elements"][0]["text"]


async def test_what_is_told_without_a_briefing_is_its_reason(alice: User, receiver: Receiver, mailbox: Mailbox) -> None:
    said = letter(document=None, state="skipped", reason="grant_expired", notice="Nothing was read.")
    await webhook.send(channel(Kind.WEBHOOK, address=receiver.url, secret=SECRET), letter=said)
    await slack.send(channel(Kind.SLACK, address=HOOK), letter=said)
    await email.send(channel(Kind.EMAIL, user=alice), letter=said)
    assert json.loads(receiver.got[0].body)["data"]["notice"] == "Nothing was read."
    assert "Nothing was read." in json.loads(receiver.got[1].body)["blocks"][0]["text"]["text"]
    assert all("Nothing was read." in told for told in parts(mailbox.got[0]))
