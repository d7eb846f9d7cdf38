"""A sign-in leads back to the address from which it began, and one that names no site to the site itself."""

import pytest
from playwright.sync_api import Browser, Page

from sandbox.local import Sandbox
from tests.e2e.person import agree
from tests.page.person import expect_signed_in

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]


@pytest.mark.parametrize("here", ["/#comment-3", "/?page=2#comment-3", "/index.html#/board/7?a=1"])
def test_a_sign_in_returns_to_the_fragment(page: Page, sandbox: Sandbox, here: str) -> None:
    page.goto(sandbox.site + here)
    page.get_by_role("link", name="카카오 로그인").click()
    agree(page)
    expect_signed_in(page)
    assert page.url == sandbox.site + here


def test_a_user_without_javascript_signs_in_at_the_site(browser: Browser, sandbox: Sandbox) -> None:
    with browser.new_context(locale="ko-KR", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(sandbox.site)
        page.get_by_role("link", name="여기에서").click()
        agree(page)
        page.wait_for_url(f"{sandbox.site}/")
        assert "__Host-id" in {cookie["name"] for cookie in context.cookies()}
