"""What a user sees on the page while a service fails, and how the user goes on."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from sandbox.local import Sandbox, running
from tests.e2e.conftest import Lose
from tests.e2e.person import session
from tests.page.person import expect_signed_in, expect_signed_out, sign_in
from tests.ports import free_ports
from tests.programs import WITH_A_SOCKET
from tests.sandbox.deployed import Switch

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

REFRESH, LOGOUT = "**/api/auth/refresh", "**/api/auth/logout"


def expect_failure(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def try_again(page: Page) -> None:
    page.get_by_role("button", name="다시 시도").click()


# Kakao


@pytest.mark.both_modes
@pytest.mark.parametrize("mode", ["down", "garbage"])
def test_going_back_from_a_failed_login_page_of_kakao_shows_the_sign_in_button(
    page: Page, sandbox: Sandbox, kakao: Switch, mode: str
) -> None:
    page.goto(sandbox.site)
    kakao(mode, "/oauth/authorize")
    page.get_by_role("link", name="카카오 로그인").click()
    page.wait_for_url(f"{sandbox.kakao}/**")
    kakao("up")
    page.go_back()
    expect_signed_out(page)
    sign_in(page, sandbox)


# Cognito


@pytest.mark.parametrize("mode", ["down", "broken", "garbage", "refusing", "throttled", "slow"])
def test_a_session_survives_a_failed_refresh_at_cognito(
    page: Page, context: BrowserContext, sandbox: Sandbox, cognito: Switch, mode: str
) -> None:
    sign_in(page, sandbox)
    context.clear_cookies(name="__Host-id")
    before = session(context)
    cognito(mode, "/oauth2/token")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("연결하지 못했어요")
    assert session(context) == before
    cognito("up")
    try_again(page)
    expect_signed_in(page)


@pytest.mark.parametrize("mode", ["down", "throttled"])
def test_going_back_from_a_failed_login_page_of_cognito_shows_the_sign_in_button(
    page: Page, sandbox: Sandbox, cognito: Switch, mode: str
) -> None:
    page.goto(sandbox.site)
    cognito(mode)
    page.get_by_role("link", name="카카오 로그인").click()
    page.wait_for_url(f"{sandbox.hosted_login}/**")
    cognito("up")
    page.go_back()
    expect_signed_out(page)
    sign_in(page, sandbox)


def test_a_sign_out_works_while_cognito_is_down(
    page: Page, context: BrowserContext, sandbox: Sandbox, cognito: Switch
) -> None:
    sign_in(page, sandbox)
    cognito("down")
    page.get_by_role("button", name="로그아웃").click()
    page.wait_for_url(f"{sandbox.hosted_login}/logout?*")
    assert session(context) == {}
    page.go_back()
    expect_signed_out(page)


# Several tabs at once


@pytest.mark.both_modes
@pytest.mark.parametrize("script", ["", "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})"])
def test_five_tabs_that_refresh_at_once_all_stay_signed_in(
    context: BrowserContext, sandbox: Sandbox, script: str
) -> None:
    context.add_init_script(script)
    tabs = [context.new_page() for _ in range(5)]
    sign_in(tabs[0], sandbox)
    for tab in tabs[1:]:
        tab.goto(sandbox.site)
        expect_signed_in(tab)
    context.clear_cookies(name="__Host-id")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url) if request.url.endswith("/refresh") else None)
    for tab in tabs:
        tab.evaluate("setTimeout(() => location.reload())")
    for tab in tabs:
        tab.wait_for_load_state()
        expect_signed_in(tab)
    assert set(session(context)) == {"__Host-id", "__Host-person", "__Secure-refresh"}
    assert len(asked) >= 1 if script else len(asked) == 1


# A function that crashes after its work is done, before it responds


@pytest.mark.both_modes
def test_a_refresh_with_a_lost_response_can_be_tried_again(
    page: Page, context: BrowserContext, sandbox: Sandbox, lose: Lose
) -> None:
    sign_in(page, sandbox)
    context.clear_cookies(name="__Host-id")
    lose(REFRESH)
    page.reload()
    expect_failure(page, "연결하지 못했어요")
    try_again(page)
    expect_signed_in(page)


@pytest.mark.both_modes
def test_a_sign_out_with_a_lost_response_keeps_the_session_and_the_next_one_ends_it(
    page: Page, context: BrowserContext, sandbox: Sandbox, lose: Lose
) -> None:
    sign_in(page, sandbox)
    lose(LOGOUT)
    page.get_by_role("button", name="로그아웃").click()
    expect_failure(page, "로그아웃하지 못했어요")
    assert set(session(context)) == {"__Host-id", "__Host-person", "__Secure-refresh"}
    try_again(page)
    expect_signed_out(page)
    assert session(context) == {}


# All of AWS


def test_a_signed_in_page_offers_a_new_sign_in_after_the_sandbox_lost_all_users(page: Page) -> None:
    port = free_ports()
    with running(port, main=WITH_A_SOCKET) as sandbox:
        sign_in(page, sandbox)
        expect(page.locator("#connection")).to_contain_text("연결됐어요")
    expect(page.locator("#connection")).to_contain_text("연결이 끊겼어요")
    expect_signed_in(page)
    with running(port, main=WITH_A_SOCKET) as sandbox:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect_signed_out(page)
        expect(page.locator("#notice")).to_have_text("로그인 시간이 끝났어요. 다시 로그인해 주세요.")
        sign_in(page, sandbox)
