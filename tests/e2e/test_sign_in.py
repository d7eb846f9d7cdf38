"""A user signs in by a login link in Chromium, through the distribution, the API and the Lambdas of the program."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from sandbox import hosted_login
from sandbox.local import EMAIL_USER, Sandbox
from tests.e2e.person import (
    BADA,
    HANEUL,
    agree,
    begin_sign_in,
    cookies,
    expect_signed_in,
    session,
    sign_in,
    sign_out,
    user,
)
from tests.sandbox.deployed import Switch, is_direct

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

SESSION = {"__Host-id": "/", "__Host-person": "/", "__Secure-refresh": "/api/auth"}  # cookies, with their paths


def expect_error_page(page: Page, status: int, seen: list[int], words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)
    assert seen[-1] == status
    with page.expect_navigation():
        page.get_by_role("link").first.click()
    assert user(page) is None


@pytest.fixture
def statuses(page: Page) -> list[int]:
    """The statuses of the callback, in order."""
    seen: list[int] = []
    page.on("response", lambda r: seen.append(r.status) if "/api/auth/callback" in r.url else None)
    return seen


@pytest.mark.both_modes
def test_scripts_of_the_page_cannot_read_the_session(page: Page, context: BrowserContext, sandbox: Sandbox) -> None:
    urls: list[str] = []
    page.on("framenavigated", lambda frame: urls.append(frame.url))
    sign_in(page, sandbox)
    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert not [name for name, value in session(context).items() if str(value) in kept]
    assert not any("token" in url or "eyJ" in url for url in urls)
    stored = cookies(context)
    assert set(stored) == SESSION.keys()
    for name, path in SESSION.items():
        cookie = stored[name]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (
            True,
            True,
            "Strict",
            path,
        )


@pytest.mark.both_modes
def test_the_refresh_token_renews_a_session_without_an_id_token(
    page: Page, context: BrowserContext, sandbox: Sandbox
) -> None:
    sign_in(page, sandbox)
    context.clear_cookies(name="__Host-id")
    page.reload()
    expect_signed_in(page)  # login.js renews the session
    assert "__Host-id" in cookies(context)


@pytest.mark.both_modes
def test_sign_out_clears_the_cookies_and_revokes_the_refresh_token(
    page: Page, context: BrowserContext, sandbox: Sandbox
) -> None:
    sign_in(page, sandbox)
    kept = "; ".join(f"{name}={value}" for name, value in session(context).items())
    visited: list[str] = []
    page.on("request", lambda request: visited.append(request.url))
    sign_out(page, sandbox)
    assert user(page) is None
    assert cookies(context) == {}
    assert any(url.startswith(f"{sandbox.hosted_login}/logout?") for url in visited) is not is_direct(sandbox)

    copied = requests.post(
        f"{sandbox.site.replace('localhost', '127.0.0.1')}/api/auth/refresh",
        headers={"Cookie": kept, "Origin": sandbox.site},
        timeout=60,
    )
    assert (copied.status_code, copied.json()["error"]) == (401, "signed_out")


@pytest.mark.both_modes
def test_cancelling_at_kakao_shows_a_page_with_a_link_to_sign_in_again(
    page: Page, sandbox: Sandbox, statuses: list[int]
) -> None:
    begin_sign_in(page, sandbox)
    page.get_by_role("button", name="취소").click()
    expect_error_page(page, 403, statuses, "취소")
    sign_in(page, sandbox)


@pytest.mark.both_modes
def test_while_kakao_is_down_an_error_page_appears_and_the_next_sign_in_works(
    page: Page, sandbox: Sandbox, statuses: list[int], kakao: Switch
) -> None:
    begin_sign_in(page, sandbox)
    kakao("down", "/oauth/token")
    agree(page)
    expect_error_page(page, 502, statuses, "카카오")
    kakao("up")
    sign_in(page, sandbox)


@pytest.mark.both_modes
def test_an_unreadable_token_response_of_kakao_shows_an_error_page(
    page: Page, sandbox: Sandbox, statuses: list[int], kakao: Switch
) -> None:
    begin_sign_in(page, sandbox)
    kakao("garbage", "/oauth/token")
    agree(page)
    expect_error_page(page, 502, statuses, "카카오")


@pytest.mark.both_modes
def test_a_slow_token_response_of_kakao_shows_an_error_page(
    page: Page, sandbox: Sandbox, statuses: list[int], kakao: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted_login, "PROVIDER_TIMEOUT_SECONDS", 0.3)
    begin_sign_in(page, sandbox)
    kakao("slow", "/oauth/token")
    agree(page)
    expect_error_page(page, 504, statuses, "카카오")


@pytest.mark.both_modes
def test_a_user_stays_signed_in_while_kakao_is_down(page: Page, sandbox: Sandbox, kakao: Switch) -> None:
    sign_in(page, sandbox)
    kakao("down")
    page.reload()
    expect_signed_in(page)


@pytest.mark.both_modes
def test_two_tabs_sign_in_side_by_side(context: BrowserContext, sandbox: Sandbox) -> None:
    first, second = context.new_page(), context.new_page()
    begin_sign_in(first, sandbox)
    begin_sign_in(second, sandbox)
    for tab in (first, second):
        agree(tab)
        tab.wait_for_url(f"{sandbox.site}/")
        expect_signed_in(tab)


@pytest.mark.both_modes
def test_a_warm_function_does_not_mix_up_users(browser: Browser, sandbox: Sandbox) -> None:
    for person in (HANEUL, BADA, HANEUL):
        context = browser.new_context(locale="ko-KR")
        sign_in(context.new_page(), sandbox, person)
        context.close()


@pytest.mark.both_modes
def test_a_login_of_another_browser_cannot_be_finished(page: Page, sandbox: Sandbox, statuses: list[int]) -> None:
    """Login CSRF: the attacker's own state and code, in the victim's browser."""
    begin_sign_in(page, sandbox)
    with page.expect_request(lambda request: "/api/auth/callback" in request.url) as callback:
        page.route("**/api/auth/callback**", lambda route: route.abort())
        agree(page)
    stolen = callback.value.url

    victim = page.context.browser.new_context(locale="ko-KR").new_page()
    response = victim.goto(stolen)
    assert response is not None
    assert response.status == 400
    assert victim.context.cookies() == []
    victim.context.close()


@pytest.mark.both_modes
def test_a_forged_state_is_refused_and_the_users_own_login_still_works(page: Page, sandbox: Sandbox) -> None:
    begin_sign_in(page, sandbox)
    forged = page.context.new_page()
    response = forged.goto(f"{sandbox.site}/api/auth/callback?{urlencode({'code': 'x', 'state': 'A' * 43})}")
    assert response is not None
    assert response.status == 400
    agree(page)
    page.wait_for_url(f"{sandbox.site}/")
    expect_signed_in(page)


@pytest.mark.both_modes
def test_a_sign_in_ends_at_its_return_path(page: Page, sandbox: Sandbox) -> None:
    query = urlencode({"provider": "Kakao", "origin": sandbox.site, "return_to": "/board/7?sort=new"})
    page.goto(f"{sandbox.site}/api/auth/login?{query}")
    agree(page)
    page.wait_for_url(f"{sandbox.site}/board/7?sort=new")
    expect_signed_in(page)


@pytest.mark.both_modes
def test_a_sign_in_by_password_makes_a_session_for_the_page(
    page: Page, context: BrowserContext, sandbox: Sandbox
) -> None:
    """From the page's own origin, as a team's own form would."""
    page.goto(sandbox.site)
    email, password = EMAIL_USER
    answer = page.evaluate(
        """async (body) => {
            const answer = await fetch("/api/auth/sign-in", {method: "POST", body: JSON.stringify(body)});
            return [answer.status, await answer.json(), document.cookie];
        }""",
        {"email": email, "password": password, "session": True},
    )
    assert answer == [200, {"message": "Signed in."}, ""]
    assert cookies(context).keys() == SESSION.keys()
    page.reload()
    assert (user(page) or {})["email"] == email
    sign_out(page, sandbox)
    assert user(page) is None


@pytest.mark.both_modes
@pytest.mark.parametrize("path", ["/api/userinfo", "/api/auth/refresh", "/api/auth/logout"])
def test_another_site_can_read_nothing_with_the_users_cookies(page: Page, sandbox: Sandbox, path: str) -> None:
    sign_in(page, sandbox)
    other = page.context.new_page()
    other.goto(f"{sandbox.kakao}/.well-known/openid-configuration")  # any page of another site
    method = "GET" if path == "/api/userinfo" else "POST"
    outcome = other.evaluate(
        "([url, method]) => fetch(url, {method, credentials: 'include'}).then(r => r.status, () => 'blocked')",
        [sandbox.site + path, method],
    )
    assert outcome == "blocked"
    page.reload()
    expect_signed_in(page)


@pytest.mark.both_modes
def test_the_page_cannot_be_framed(page: Page, sandbox: Sandbox) -> None:
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.set_content(f"<iframe src='{sandbox.site}'></iframe>")
    assert page.frames[1].url.startswith("chrome-error:")


@pytest.mark.both_modes
def test_each_login_has_a_new_state_nonce_and_pkce_challenge(sandbox: Sandbox) -> None:
    site = sandbox.site.replace("localhost", "127.0.0.1")
    asked = []
    for _ in range(2):
        answer = requests.get(f"{site}/api/auth/login?provider=Kakao", allow_redirects=False, timeout=60)
        asked.append(parse_qs(urlsplit(answer.headers["Location"]).query))
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]
