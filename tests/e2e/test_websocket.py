"""The WebSocket behind the login, in Chromium: only for the signed-in user on the site's own page."""

import pytest
from playwright.sync_api import Page

from sandbox.local import Sandbox
from tests.e2e.person import HANEUL, expect_signed_in, sign_in, sign_out, user
from tests.sandbox.deployed import forget

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

CONNECT = """url => new Promise(resolve => {
    const socket = new WebSocket(url);
    socket.onopen = () => { resolve("connected"); socket.close(); };
    socket.onerror = () => resolve("refused");
})"""


def connect(page: Page, sandbox: Sandbox) -> str:
    """Connect from a script of this page, and return the outcome."""
    outcome: str = page.evaluate(CONNECT, f"{sandbox.site.replace('http', 'ws', 1)}/ws")
    return outcome


def test_a_page_of_another_origin_cannot_connect_with_the_users_cookies(page: Page, sandbox: Sandbox) -> None:
    """Another site gets none of the cookies, and another port of the same host gets all of them."""
    sign_in(page, sandbox)
    assert connect(page, sandbox) == "connected"
    for origin in (sandbox.kakao, sandbox.kakao.replace("127.0.0.1", "localhost")):
        other = page.context.new_page()
        other.goto(f"{origin}/.well-known/openid-configuration")
        assert connect(other, sandbox) == "refused", origin


def test_a_signed_out_user_cannot_connect_again(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox)
    assert connect(page, sandbox) == "connected"
    sign_out(page, sandbox)
    assert user(page) is None
    assert connect(page, sandbox) == "refused"


def test_a_disabled_user_cannot_connect_with_a_session_that_is_still_valid(page: Page, sandbox: Sandbox) -> None:
    forget(sandbox, HANEUL)
    sign_in(page, sandbox)
    assert connect(page, sandbox) == "connected"
    person = {"UserPoolId": sandbox.exports["userPoolId"], "Username": f"Kakao_{HANEUL.id}"}
    sandbox.account.call("cognito-idp", "AdminDisableUser", person)
    try:
        expect_signed_in(page)
        assert connect(page, sandbox) == "refused"
    finally:
        sandbox.account.call("cognito-idp", "AdminEnableUser", person)
    assert connect(page, sandbox) == "connected"
