"""A user signs in on the page in Chromium, through everything that the program declared."""

import pytest
from playwright.sync_api import Page, expect

from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from tests.e2e.person import BADA, HANEUL, agree
from tests.page.person import expect_signed_in, expect_signed_out, press_kakao, sign_in
from tests.sandbox.deployed import forget

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

NO_EMAIL = next(person for person in PEOPLE if not person.email)


@pytest.mark.both_modes
def test_a_signed_in_user_sees_nickname_and_email_also_after_a_reload(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox)
    expect(page.locator("#email")).to_have_text(HANEUL.email or "")
    page.reload()
    expect_signed_in(page)
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


@pytest.mark.both_modes
def test_the_back_button_shows_no_personal_data_after_sign_out(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox)
    page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(page)
    pages_of_the_site = 0
    for _ in range(page.evaluate("history.length - 1")):
        page.go_back()  # also to Kakao's page, which shows the user that is signed in at Kakao
        if page.url.startswith(sandbox.site):
            pages_of_the_site += 1
            expect_signed_out(page)
            assert HANEUL.email not in page.content()
            assert HANEUL.nickname not in page.content()
    assert pages_of_the_site


@pytest.mark.both_modes
def test_a_user_who_withholds_the_email_signs_in(page: Page, sandbox: Sandbox) -> None:
    forget(sandbox, BADA)
    press_kakao(page, sandbox)
    agree(page, BADA, withhold=("account_email",))
    expect_signed_in(page, BADA)
    expect(page.locator("#no-email")).to_be_visible()


@pytest.mark.both_modes
def test_a_user_who_withholds_the_nickname_signs_in(page: Page, sandbox: Sandbox) -> None:
    forget(sandbox, NO_EMAIL)
    press_kakao(page, sandbox)
    agree(page, NO_EMAIL, withhold=("profile_nickname",))
    expect(page.get_by_role("button", name="로그아웃")).to_be_visible()
    expect(page.locator("#nickname")).to_have_text("회원님")


@pytest.mark.both_modes
def test_the_page_refreshes_the_session_before_the_token_expires(page: Page, sandbox: Sandbox) -> None:
    page.clock.install()
    sign_in(page, sandbox)
    with page.expect_response(lambda response: response.url.endswith("/api/auth/refresh")) as refreshed:
        page.clock.fast_forward("14:30")
    assert refreshed.value.status == 204
    expect_signed_in(page)
