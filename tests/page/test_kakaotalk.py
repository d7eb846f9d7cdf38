"""KakaoTalk's own browser: a member is signed in without a press of the button, and other users see no change."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from sandbox.local import Sandbox
from tests.e2e.person import BADA, HANEUL, agree, cookies
from tests.page.person import expect_signed_in, expect_signed_out, press_kakao, sign_in
from tests.sandbox.deployed import Switch

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

# As Kakao documents it, of Android.
KAKAOTALK = (
    "Mozilla/5.0 (Linux; Android 14; SM-S908N Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/126.0.6478.134 Mobile Safari/537.36 KAKAOTALK/10.8.3 (INAPP)"
)
SILENT = "/api/auth/login?"


@pytest.fixture
def in_kakaotalk(browser: Browser) -> Iterator[BrowserContext]:
    """One user's KakaoTalk."""
    context = browser.new_context(locale="ko-KR", user_agent=KAKAOTALK, viewport={"width": 360, "height": 740})
    yield context
    context.close()


def visit(context: BrowserContext, sandbox: Sandbox, path: str = "/") -> tuple[Page, list[str]]:
    """Open the page in a new tab; return it, and the logins that start there."""
    page = context.new_page()
    begun: list[str] = []
    page.on("request", lambda request: begun.append(request.url) if SILENT in request.url else None)
    page.goto(sandbox.site + path)
    return page, begun


def member(context: BrowserContext, sandbox: Sandbox) -> None:
    """Sign in once by the button, so that Kakao knows the browser and the user has agreed, and sign out of the site."""
    page = context.new_page()
    sign_in(page, sandbox, BADA)
    page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(page)
    page.close()


@pytest.mark.both_modes
def test_in_kakaotalk_a_member_is_signed_in_at_once_on_the_linked_page(
    in_kakaotalk: BrowserContext, sandbox: Sandbox
) -> None:
    member(in_kakaotalk, sandbox)
    page, begun = visit(in_kakaotalk, sandbox, "/board/7?sort=new#comment-3")
    expect_signed_in(page, BADA)
    assert len(begun) == 1
    assert "prompt=none" in begun[0]
    assert page.url == f"{sandbox.site}/board/7?sort=new#comment-3"
    kept = cookies(in_kakaotalk)
    assert {"__Host-id", "__Host-person", "__Secure-refresh"} <= kept.keys()
    assert not [name for name in kept if name.startswith("__Host-login-")]


@pytest.mark.both_modes
def test_in_kakaotalk_a_new_user_sees_the_signed_out_page_and_can_sign_in(
    in_kakaotalk: BrowserContext, sandbox: Sandbox
) -> None:
    page, begun = visit(in_kakaotalk, sandbox)
    expect_signed_out(page)
    expect(page.locator("#notice")).to_be_empty()
    assert len(begun) == 1
    page.get_by_role("link", name="카카오 로그인").click()
    agree(page, HANEUL)
    expect_signed_in(page, HANEUL)
    assert len(begun) == 2
    assert "prompt" not in begun[1]


def test_the_silent_sign_in_is_tried_once_a_visit(in_kakaotalk: BrowserContext, sandbox: Sandbox) -> None:
    page, begun = visit(in_kakaotalk, sandbox)
    expect_signed_out(page)
    page.reload()
    expect_signed_out(page)
    page.goto(f"{sandbox.site}/board/7")
    expect_signed_out(page)
    assert len(begun) == 1


@pytest.mark.both_modes
def test_a_user_who_signs_out_stays_signed_out_for_the_visit(in_kakaotalk: BrowserContext, sandbox: Sandbox) -> None:
    member(in_kakaotalk, sandbox)
    page, begun = visit(in_kakaotalk, sandbox)
    expect_signed_in(page, BADA)
    page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(page)
    page.reload()
    expect_signed_out(page)
    assert len(begun) == 1


def test_a_user_with_a_session_who_signs_out_is_not_signed_in_again(
    in_kakaotalk: BrowserContext, sandbox: Sandbox
) -> None:
    page = in_kakaotalk.new_page()
    sign_in(page, sandbox, BADA)
    page.close()
    page, begun = visit(in_kakaotalk, sandbox)
    expect_signed_in(page, BADA)
    page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(page)
    assert begun == []


@pytest.mark.parametrize(
    "blocked",
    [
        "Object.defineProperty(window, 'sessionStorage', {get() { throw new DOMException('', 'SecurityError') }})",
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }",
        "Storage.prototype.setItem = () => {}",
    ],
)
def test_with_blocked_storage_no_silent_sign_in_is_tried(
    in_kakaotalk: BrowserContext, sandbox: Sandbox, blocked: str
) -> None:
    in_kakaotalk.add_init_script(blocked)
    page, begun = visit(in_kakaotalk, sandbox)
    expect_signed_out(page)
    page.reload()
    expect_signed_out(page)
    assert begun == []


@pytest.mark.both_modes
def test_a_silent_sign_in_while_kakao_is_down_ends_on_the_signed_out_page(
    in_kakaotalk: BrowserContext, sandbox: Sandbox, kakao: Switch
) -> None:
    member(in_kakaotalk, sandbox)
    kakao("down", "/oauth/token")
    page, begun = visit(in_kakaotalk, sandbox)
    expect_signed_out(page)
    assert (len(begun), page.url) == (1, f"{sandbox.site}/")


def test_a_browser_other_than_kakaotalk_tries_no_silent_sign_in(page: Page, sandbox: Sandbox) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    press_kakao(page, sandbox)
    assert not [url for url in asked if "kakaotalk.js" in url or "prompt" in url]


# Sign-out at Kakao too


@pytest.mark.both_modes
def test_a_sign_out_at_kakao_too_ends_both_sessions_and_returns_to_the_site(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox, BADA)
    page.get_by_label("카카오계정에서도 로그아웃").check()
    page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(page)
    assert page.url == f"{sandbox.site}/"
    page.goto(f"{sandbox.site}/api/auth/login?provider=Kakao&prompt=none")
    expect_signed_out(page)


@pytest.mark.both_modes
def test_a_plain_sign_out_keeps_the_session_at_kakao(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox, BADA)
    page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(page)
    page.goto(f"{sandbox.site}/api/auth/login?provider=Kakao&prompt=none")
    expect_signed_in(page, BADA)
