"""Every page that has an address, by who sees it; and what has an address and shows no page, with the reason.

`{chat}`, `{run}`, `{schedule}`, `{event}`, `{key}` and `{reset}` stand for what the visitor owns. A test compares the
lists with the URL conf.
"""

from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from permissions.services import SERVICES
from tests.e2e.journey import ask, connect, schedule_standup

STRANGERS = (
    "/",
    "/setup/",
    "/unsubscribe/out-of-date/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/inactive/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/out-of-date/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-out-of-date/",
    "/accounts/password/reset/key/done/",
    "/accounts/3rdparty/login/cancelled/",
    "/accounts/3rdparty/login/error/",
    "/debug/components/",
)
# The demo user, who has connected nothing and asked nothing.
NEWCOMER = (
    "/",
    "/schedules/",
    "/schedules/new/",
    "/welcome/",
    "/plan/",
    "/chats/",
    "/settings/permissions/",
    "/settings/permissions/exclusions",
    "/settings/working-week/",
    "/settings/spending/",
    "/inbox/",
    "/auth/connect/github",
    "/auth/connect/github/return",
    "/audit/",
    "/accounts/email/",
    "/accounts/password/set/",
    "/accounts/sessions/",
    "/accounts/2fa/",
    "/accounts/3rdparty/",
    "/accounts/demo/reauthenticate/",
    "/accounts/logout/",
    "/nowhere/",
)
# The demo user with GitHub connected, Google Calendar paused and Slack revoked, after a briefing.
REGULAR = (
    "/schedules/",
    "/schedules/{schedule}/",
    "/schedules/{schedule}/edit/",
    "/schedules/{schedule}/grant/",
    "/schedules/{schedule}/plan/",
    "/schedules/{schedule}/delete/",
    "/chat/{chat}/",
    "/runs/{run}/",
    "/chats/",
    "/chats/?q=standup",
    "/chats/?q=zeppelin",
    "/welcome/",
    "/plan/standup/",
    "/settings/permissions/",
    "/settings/permissions/github/disconnect",
    "/audit/",
    "/audit/?q=service:github+exchanged",
    "/audit/?q=service:jira+zeppelin",
    "/audit/?q=token:0ca0afdd686147d6e4c78c3b6f9f08c1",
    "/audit/{event}/",
    "/audit/{event}/why/",
    "/account/delete/",
    "/schedules/{schedule}/delivery/",
    "/settings/spending/",
)
# An account with a password, a passkey, an authenticator app and recovery codes.
HOLDER = (
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/sessions/",
    "/accounts/2fa/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/webauthn/reauthenticate/",
    "/accounts/2fa/webauthn/keys/{key}/edit/",
    "/accounts/2fa/webauthn/keys/{key}/remove/",
)
# The holder again, once they are an auditor too.
AUDITOR = ("/audit/everybody/", "/audit/everybody/?q=service:github")
# Seen on the way to what the holder has.
ON_THE_WAY = ("/accounts/2fa/totp/activate/", "/accounts/2fa/authenticate/")

POST = "answers POST alone"
FILE = "answers with a file"
JSON = "answers with JSON"
PART = "answers with a part of a page"
LEADS_ON = "leads on at once, and shows nothing"
LEADS_TO_OWN = "leads on to something of the visitor's own, and shows nothing"
# By the name of the address, or by its pattern where it has no name.
NO_PAGES = {
    "end_everywhere": POST,
    "demo_login": POST,
    "permissions:revoke_all": POST,
    "permissions:dots": PART,
    "permissions:tools": POST,
    "permissions:pause": POST,
    "permissions:away": POST,
    "permissions:revoke": POST,
    "permissions:restore": POST,
    "permissions:make_default": POST,
    "permissions:connect_choose": POST,
    "agent:answer": POST,
    "permissions:end_allowance": POST,
    "agent:complete": POST,
    "agent:remove_channel": POST,
    "agent:test_channel": POST,
    "agent:send_again": POST,
    "agent:count_unread": JSON,
    "agent:fork": POST,
    "agent:change_chat": POST,
    "agent:change_schedule": POST,
    "agent:narrow_schedule": POST,
    "agent:chat_file": FILE,
    "agent:chat_page_file": FILE,
    "agent:answer_file": FILE,
    "agent:export": FILE,
    "mfa_download_recovery_codes": FILE,
    "audit:export": FILE,
    "audit:export_everybody": FILE,
    "audit:proof": JSON,
    "audit:newer": PART,
    "audit:facts": PART,
    "audit:completions": JSON,
    "audit:completions_of_auditors": JSON,
    "permissions:trace_token": POST,
    "audit:save_search": POST,
    "audit:delete_search": POST,
    "mfa_login_webauthn": JSON,
    "set_language": LEADS_ON,
    "agent:read": LEADS_TO_OWN,
    "account_confirm_login_code": LEADS_ON,
    "socialaccount_signup": LEADS_ON,
    "accounts/social/login/cancelled/": LEADS_ON,
    "accounts/social/login/error/": LEADS_ON,
    "accounts/social/signup/": LEADS_ON,
    "accounts/social/connections/": LEADS_ON,
    "vault_callback": LEADS_ON,
    "vault_metadata": JSON,
    "vault_openid_configuration": JSON,
    "vault_jwks": JSON,
}


async def pages_with_everything(page: Page) -> list[str]:
    """Let the demo user come by all that `REGULAR` is about, and return its addresses."""
    for slug in SERVICES:
        await connect(page, slug)
    schedule = await schedule_standup(page)
    await page.goto("/settings/permissions/")
    await page.get_by_role("region", name="Slack").get_by_role("button", name="Revoke").click()
    calendar = page.get_by_role("region", name="Google Calendar")
    await calendar.get_by_text("Pause, and while you are away").click()
    await calendar.get_by_role("button", name="Pause for an hour").click()
    await expect(calendar.get_by_text("AI blocked until")).to_be_visible()
    await page.goto("/")
    run = await ask(page, "Brief me for standup")
    chat = urlsplit(page.url).path.split("/")[2]
    await page.goto(f"/audit/?run={run}&service=github&q=exchanged")
    event = await page.locator("[data-number]").first.get_attribute("data-number")
    return [address.format(chat=chat, run=run, event=event, schedule=schedule) for address in REGULAR]
