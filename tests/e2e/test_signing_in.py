"""An account's own ways in, in a real browser: passkey, code, recovery code, and the question who is there."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page, expect

from tests.e2e.holder import PASSWORD, code_of, give_password, sign_out, sign_up, with_device
from tests.e2e.installation import Installation
from tests.e2e.journey import visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """A browser without a passkey, one for all steps."""
    async with visiting(browser, installation.app_url) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def device(visitor: Page) -> CDPSession:
    """The browser's device, which keeps passkeys and confirms each request at once."""
    return await with_device(visitor)


async def test_an_account_is_made_with_address_and_password(visitor: Page) -> None:
    await sign_up(visitor)
    await visitor.goto("/accounts/2fa/")
    await expect(visitor.get_by_role("heading", name="How you sign in")).to_be_visible()


async def test_a_passkey_is_added_after_the_password_was_given_again(visitor: Page, device: CDPSession) -> None:
    await visitor.goto("/accounts/2fa/")
    await visitor.get_by_role("link", name="Add a passkey").click()
    await expect(visitor.get_by_role("heading", name="Is it still you?")).to_be_visible()
    await visitor.get_by_label("Password").fill(PASSWORD)
    await visitor.get_by_role("button", name="Confirm").click()
    await visitor.get_by_label("What to call it").fill("This machine")
    await visitor.get_by_role("button", name="Add the passkey").click()
    await expect(visitor.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await visitor.goto("/accounts/2fa/")
    await expect(visitor.get_by_role("link", name="Rename This machine")).to_be_visible()


async def test_the_passkey_alone_signs_in(visitor: Page, device: CDPSession) -> None:
    await sign_out(visitor)
    await visitor.get_by_role("button", name="Sign in with a passkey").click()
    await visitor.wait_for_url("**/welcome/")
    await visitor.goto("/accounts/sessions/")
    await expect(visitor.get_by_text("This one")).to_be_visible()


async def test_the_password_then_wants_a_second_step(visitor: Page, device: CDPSession) -> None:
    await sign_out(visitor)
    await give_password(visitor)
    await expect(visitor.get_by_role("heading", name="Second step")).to_be_visible()
    await visitor.goto("/settings/permissions/")
    await expect(visitor.get_by_role("heading", name="Second step")).to_be_visible()
    await visitor.get_by_role("button", name="Use your passkey").click()
    await visitor.wait_for_url("**/welcome/")


async def test_a_passkey_says_again_who_is_there(visitor: Page, device: CDPSession) -> None:
    await visitor.goto("/accounts/2fa/totp/activate/")
    await visitor.get_by_role("link", name=re.compile("security key|passkey", re.IGNORECASE)).click()
    await visitor.get_by_role("button", name="Use your passkey").click()
    await expect(visitor.get_by_role("heading", name="Set up an authenticator app")).to_be_visible()


async def test_an_authenticator_app_is_set_up_and_lets_in(visitor: Page, device: CDPSession) -> None:
    await visitor.goto("/accounts/2fa/totp/activate/")
    await visitor.get_by_text("Or type the key").click()
    secret = await visitor.locator(".secret").inner_text()
    await visitor.get_by_label("code").fill(code_of(secret))
    await visitor.get_by_role("button", name="Turn on").click()
    await expect(visitor.get_by_text("also asks for a code")).to_be_visible()

    await sign_out(visitor)
    await give_password(visitor)
    await visitor.get_by_label("Code").fill("000000")
    await visitor.get_by_role("button", name="Sign in", exact=True).click()
    await expect(visitor.get_by_text("Incorrect code")).to_be_visible()
    await visitor.get_by_label("Code").fill(code_of(secret))
    await visitor.get_by_role("button", name="Sign in", exact=True).click()
    await visitor.wait_for_url("**/welcome/")


async def test_a_recovery_code_lets_in_once(visitor: Page, device: CDPSession) -> None:
    await visitor.goto("/accounts/2fa/recovery-codes/")
    await visitor.get_by_role("link", name=re.compile("security key|passkey", re.IGNORECASE)).click()
    await visitor.get_by_role("button", name="Use your passkey").click()
    code = await visitor.locator(".codes code").first.inner_text()
    await sign_out(visitor)
    for heading in ("One service is enough to begin", "Second step"):
        await give_password(visitor)
        await visitor.get_by_label("Code").fill(code)
        await visitor.get_by_role("button", name="Sign in", exact=True).click()
        await expect(visitor.get_by_role("heading", name=heading)).to_be_visible()
        if heading != "Second step":
            await sign_out(visitor)


async def test_no_secret_of_a_second_factor_lies_in_the_open(visitor: Page, installation: Installation) -> None:
    assert b'"secret": "eyJ' in installation.written_bytes("default"), "an app's secret lies sealed"
    assert b'"seed": "eyJ' in installation.written_bytes("default"), "as what recovery codes are made from does"
