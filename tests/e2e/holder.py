"""What somebody with an account of their own does: a password, a passkey in the browser's device, codes of an app.

The passkey is Chromium's virtual authenticator. Source: W3C WebAuthn Level 3, section 11.
"""

import base64
import hashlib
import hmac
import struct
import time

from playwright.async_api import CDPSession, Page, expect

EMAIL = "alice@example.org"
PASSWORD = "correct horse battery"
_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def with_device(page: Page) -> CDPSession:
    """Give the browser a device, which keeps passkeys and confirms each request at once."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
    return session


def code_of(secret: str) -> str:
    """Return the code that an authenticator app shows now. Source: RFC 6238 section 4."""
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


async def sign_up(page: Page) -> None:
    """Make the account."""
    await page.goto("/accounts/signup/")
    await page.get_by_label("Email").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("link", name="New briefing").first).to_be_visible()


async def give_password(page: Page) -> None:
    """Sign in, as far as the password goes."""
    await page.goto("/accounts/login/")
    await page.get_by_label("Email").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def sign_out(page: Page) -> None:
    """Sign out on the page that asks for it."""
    await page.goto("/accounts/logout/")
    await page.get_by_role("main").get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
