"""Briefings that leave a whole installation by mail and webhook, as receivers get them and their owner sees it."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.holder import EMAIL, sign_up
from tests.e2e.installation import Installation, running
from tests.e2e.journey import connect, schedule_standup, visiting
from tests.receivers import Got, Mailbox, Receiver, serve_mailbox, serve_receiver
from tests.slack_hooks import SlackHook, serve_slack_hook

# In the order in which they stand: each goes on with what the one before it left.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("owner")]

SENTENCE = "Simulated: invented data from the sandbox."


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with serve_receiver() as made:
        yield made


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with serve_mailbox() as made:
        yield made


@pytest.fixture(scope="module")
def slack_hook() -> Iterator[SlackHook]:
    with serve_slack_hook("/services/T0ACME/B0ACME/abcdefgh12345678ABCDEFGH") as made:
        yield made


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox, slack_hook: SlackHook
) -> Iterator[Installation]:
    variables = {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mailbox.port),
        "WEBHOOKS_ALLOW_LOOPBACK": "true",
        "TEST_SLACK_HOOKS_URL": slack_hook.url,
    }
    folder = tmp_path_factory.mktemp("installation")
    with running(folder, variables=variables, web_settings="tests.e2e.slack_settings") as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def owner(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """Alice, who has an account of her own and lets GitHub be read by a schedule; an address that is refused is 422."""
    async with visiting(browser, installation.app_url, expected="status of 422") as page:
        await sign_up(page)
        await connect(page, "github")
        yield page


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def schedule(owner: Page) -> str:
    """The address of the page of her schedule."""
    return f"/schedules/{await schedule_standup(owner)}/"


async def brief(page: Page, schedule: str) -> Locator:
    """Run the schedule now, and return what its history tells of it once that is done."""
    await page.goto(schedule)
    await page.get_by_role("main").get_by_role("button", name="Run now").click()
    newest = page.locator("#history .occurrences > li").first
    await expect(newest.get_by_text("Done", exact=True)).to_be_visible(timeout=60_000)
    return newest


def way(entry: Locator, name: str) -> Locator:
    """Return what became of a briefing by a way, in an entry of the history."""
    return entry.locator(".deliveries-by-way > li").filter(has_text=re.compile(rf"^\s*{name}\b"))


def is_signed(message: Got, *, secret: str) -> bool:
    """Tell whether a message is who it says it is from, as a receiver does.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
    """
    told = ".".join((message.headers["webhook-id"], message.headers["webhook-timestamp"])).encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, told + b"." + message.body, hashlib.sha256).digest()
    return message.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


async def test_a_webhook_gets_a_briefing_that_its_receiver_can_check(
    owner: Page, schedule: str, receiver: Receiver
) -> None:
    await owner.goto(f"{schedule}delivery/")
    webhook = owner.get_by_role("form", name="Webhook")
    await webhook.get_by_label("Address").fill("https://10.0.0.1/briefings")
    await webhook.get_by_role("button", name="Turn Webhook on").click()
    await expect(owner.get_by_role("alert")).to_contain_text("This address is inside a network.")
    await webhook.get_by_label("Address").fill(f"{receiver.url}/briefings")
    await webhook.get_by_role("button", name="Turn Webhook on").click()
    secret = await owner.locator(".delivery-secret").inner_text()
    entry = await brief(owner, schedule)
    await expect(way(entry, "Webhook")).to_contain_text("Sent", timeout=30_000)
    (message,) = receiver.got
    assert is_signed(message, secret=secret)
    assert not is_signed(Got(message.path, message.headers, message.body + b" "), secret=secret)
    data = json.loads(message.body)["data"]
    assert (data["state"], data["is_simulated"]) == ("done", True)
    assert re.match(r"http://localhost:\d+/runs/", data["url"])
    assert "#" in data["markdown"]


async def test_what_a_receiver_refuses_is_told_and_sent_again(owner: Page, schedule: str, receiver: Receiver) -> None:
    before = len(receiver.got)
    receiver.answers = [403]
    entry = await brief(owner, schedule)
    refused = way(entry, "Webhook")
    await expect(refused).to_contain_text("Given up", timeout=30_000)
    await expect(refused).to_contain_text("The receiver refused it.")
    await refused.get_by_role("button", name="Send again").click()
    await expect(owner.get_by_text("It is sent again by Webhook.").first).to_be_visible()
    await expect(way(owner.locator("#history .occurrences > li").first, "Webhook")).to_contain_text("Sent")
    ids = {message.headers["webhook-id"] for message in receiver.got[before:]}
    assert (len(receiver.got) - before, len(ids)) == (2, 1)


async def test_a_mail_arrives_as_text_and_as_html(owner: Page, schedule: str, mailbox: Mailbox) -> None:
    await owner.goto(f"{schedule}delivery/")
    await owner.get_by_role("button", name="Turn E-mail on").click()
    await owner.get_by_role("button", name=re.compile("Send a test.*E-mail")).click()
    await expect(owner.get_by_text("The test was taken: look for it in E-mail.").first).to_be_visible()
    entry = await brief(owner, schedule)
    await expect(way(entry, "E-mail")).to_contain_text("Sent", timeout=30_000)
    test, mail = mailbox.got[-2:]
    assert str(test["Subject"]).startswith("[DevContext] Test of")
    assert isinstance(mail, EmailMessage)
    assert (mail["X-Envelope-To"], mail["To"], mail.get_content_type()) == (EMAIL, EMAIL, "multipart/alternative")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert SENTENCE in part.get_content()
        assert "/runs/" in part.get_content()


async def test_one_click_ends_the_mails_and_nothing_else(
    owner: Page, schedule: str, mailbox: Mailbox, receiver: Receiver
) -> None:
    """RFC 8058: a mail program posts to the header's address, without a cookie."""
    url = str(mailbox.got[-1]["List-Unsubscribe"]).strip().strip("<>")
    async with httpx.AsyncClient(trust_env=False) as program:
        assert (await program.get(url)).status_code == 200
        await owner.goto(f"{schedule}delivery/")
        await expect(owner.get_by_role("button", name="Turn E-mail off")).to_be_visible()
        assert (await program.post(url, data={"List-Unsubscribe": "One-Click"})).status_code == 200
    await owner.reload()
    await expect(owner.get_by_role("button", name="Turn E-mail on")).to_be_visible()
    await expect(owner.get_by_role("button", name="Turn Webhook off")).to_be_visible()
    mails, messages = len(mailbox.got), len(receiver.got)
    entry = await brief(owner, schedule)
    await expect(way(entry, "Webhook")).to_contain_text("Sent", timeout=30_000)
    await expect(way(entry, "E-mail")).to_have_count(0)
    assert (len(mailbox.got), len(receiver.got)) == (mails, messages + 1)


async def test_the_rail_counts_what_is_unread_and_corrects_itself(owner: Page) -> None:
    await owner.goto("/schedules/")
    number = owner.locator("[data-unread-number]")
    await expect(number).to_have_text("4")
    await expect(owner.get_by_role("link", name="Inbox 4 unread")).to_be_visible()
    other = await owner.context.new_page()
    await other.goto("/inbox/")
    await other.get_by_role("button", name="Mark all as read").click()
    await other.close()
    # As a browser says when somebody comes back to the page.
    await owner.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(number).to_be_hidden()


async def test_a_slack_webhook_takes_a_briefing_as_slack_documents_messages(
    owner: Page, schedule: str, slack_hook: SlackHook
) -> None:
    await owner.goto(f"{schedule}delivery/")
    form = owner.get_by_role("form", name="Slack")
    await form.get_by_label("Address").fill(f"https://hooks.slack.example{slack_hook.path}")
    await form.get_by_role("button", name="Turn Slack on").click()
    await expect(owner.get_by_role("alert")).to_contain_text("begins with https://hooks.slack.com/services/")
    await form.get_by_label("Address").fill(f"https://hooks.slack.com{slack_hook.path}")
    await form.get_by_role("button", name="Turn Slack on").click()
    entry = await brief(owner, schedule)
    await expect(way(entry, "Slack")).to_contain_text("Sent", timeout=30_000)
    (message,) = slack_hook.got
    assert message["text"].startswith("Standup, ")
    head, briefing, foot = message["blocks"]
    assert SENTENCE in head["text"]["text"]
    assert "#" in briefing["text"]
    assert re.match(r"<http://localhost:\d+/runs/[0-9a-f-]+/\|Open in DevContext>$", foot["elements"][0]["text"])


async def test_a_slack_webhook_that_was_removed_is_told_in_the_history_and_tried_again_by_a_press(
    owner: Page, schedule: str, slack_hook: SlackHook
) -> None:
    before = len(slack_hook.got), slack_hook.asked
    slack_hook.is_removed = True
    refused = way(await brief(owner, schedule), "Slack")
    await expect(refused).to_contain_text("Given up", timeout=30_000)
    await expect(refused).to_contain_text("The receiver refused it.")
    slack_hook.is_removed = False
    await refused.get_by_role("button", name="Send again").click()
    await expect(owner.get_by_text("It is sent again by Slack.").first).to_be_visible()
    await expect(way(owner.locator("#history .occurrences > li").first, "Slack")).to_contain_text("Sent")
    assert (len(slack_hook.got), slack_hook.asked) == (before[0] + 1, before[1] + 2)
