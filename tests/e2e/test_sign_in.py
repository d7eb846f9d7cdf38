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
def test_nothing_of_the_session_is_within_reach_of_page_script(
    page: Page, context: BrowserContext, sandbox: Sandbox
) -> None:
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
def test_a_session_goes_on_by_its_refresh_token_when_the_id_token_is_gone(
    page: Page, context: BrowserContext, sandbox: Sandbox
) -> None:
    sign_in(page, sandbox)
    context.clear_cookies(name="__Host-id")
    page.reload()
    expect_signed_in(page)  # login.js renews the session
    assert "__Host-id" in cookies(context)


@pytest.mark.both_modes
def test_sign_out_ends_the_session_here_and_at_cognito(page: Page, context: BrowserContext, sandbox: Sandbox) -> None:
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
def test_cancelling_at_kakao_leads_to_a_page_from_which_one_can_try_again(
    page: Page, sandbox: Sandbox, statuses: list[int]
) -> None:
    begin_sign_in(page, sandbox)
    page.get_by_role("button", name="취소").click()
    expect_error_page(page, 403, statuses, "취소")
    sign_in(page, sandbox)


@pytest.mark.both_modes
def test_kakao_down_is_said_in_words_and_the_next_try_works(
    page: Page, sandbox: Sandbox, statuses: list[int], kakao: Switch
) -> None:
    begin_sign_in(page, sandbox)
    kakao("down", "/oauth/token")
    agree(page)
    expect_error_page(page, 502, statuses, "카카오")
    kakao("up")
    sign_in(page, sandbox)


@pytest.mark.both_modes
def test_kakao_talking_garbage_is_said_in_words(
    page: Page, sandbox: Sandbox, statuses: list[int], kakao: Switch
) -> None:
    begin_sign_in(page, sandbox)
    kakao("garbage", "/oauth/token")
    agree(page)
    expect_error_page(page, 502, statuses, "카카오")


@pytest.mark.both_modes
def test_a_slow_kakao_is_said_in_words(
    page: Page, sandbox: Sandbox, statuses: list[int], kakao: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted_login, "PROVIDER_TIMEOUT_SECONDS", 0.3)
    begin_sign_in(page, sandbox)
    kakao("slow", "/oauth/token")
    agree(page)
    expect_error_page(page, 504, statuses, "카카오")


@pytest.mark.both_modes
def test_a_signed_in_person_stays_so_while_kakao_is_down(page: Page, sandbox: Sandbox, kakao: Switch) -> None:
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
def test_two_people_in_one_warm_function_do_not_mix(browser: Browser, sandbox: Sandbox) -> None:
    for person in (HANEUL, BADA, HANEUL):
        context = browser.new_context(locale="ko-KR")
        sign_in(context.new_page(), sandbox, person)
        context.close()


@pytest.mark.both_modes
def test_a_login_begun_elsewhere_cannot_be_finished_here(page: Page, sandbox: Sandbox, statuses: list[int]) -> None:
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
def test_a_forged_state_is_refused_and_the_own_login_still_works(page: Page, sandbox: Sandbox) -> None:
    begin_sign_in(page, sandbox)
    forged = page.context.new_page()
    response = forged.goto(f"{sandbox.site}/api/auth/callback?{urlencode({'code': 'x', 'state': 'A' * 43})}")
    assert response is not None
    assert response.status == 400
    agree(page)
    page.wait_for_url(f"{sandbox.site}/")
    expect_signed_in(page)


@pytest.mark.both_modes
def test_a_return_path_is_where_the_person_ends(page: Page, sandbox: Sandbox) -> None:
    query = urlencode({"provider": "Kakao", "origin": sandbox.site, "return_to": "/board/7?sort=new"})
    page.goto(f"{sandbox.site}/api/auth/login?{query}")
    agree(page)
    page.wait_for_url(f"{sandbox.site}/board/7?sort=new")
    expect_signed_in(page)


@pytest.mark.both_modes
def test_a_session_by_password_is_the_pages_own(page: Page, context: BrowserContext, sandbox: Sandbox) -> None:
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
def test_no_other_site_gets_anything_with_the_persons_cookies(page: Page, sandbox: Sandbox, path: str) -> None:
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
def test_a_framed_page_stays_empty(page: Page, sandbox: Sandbox) -> None:
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.set_content(f"<iframe src='{sandbox.site}'></iframe>")
    assert page.frames[1].url.startswith("chrome-error:")


@pytest.mark.both_modes
def test_the_login_asks_for_state_nonce_and_pkce_anew_each_time(sandbox: Sandbox) -> None:
    site = sandbox.site.replace("localhost", "127.0.0.1")
    asked = []
    for _ in range(2):
        answer = requests.get(f"{site}/api/auth/login?provider=Kakao", allow_redirects=False, timeout=60)
        asked.append(parse_qs(urlsplit(answer.headers["Location"]).query))
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]
