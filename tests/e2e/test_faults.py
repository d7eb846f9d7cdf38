"""What a person sees in Chromium while a service fails, and how they go on."""

from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, Route, expect

from handlers.error_page import AWS_FAILED
from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox, running
from tests.e2e.person import (
    agree,
    cookies,
    expect_signed_in,
    expect_signed_out,
    press_kakao,
    sign_in,
)
from tests.ports import free_ports
from tests.sandbox.deployed import Switch, forget, functions, is_direct, profiles

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

CALLBACK, REFRESH, LOGOUT = "**/api/auth/callback?*", "**/api/auth/refresh", "**/api/auth/logout"


def expect_failure(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def try_again(page: Page) -> None:
    page.get_by_role("link", name="다시 시도").or_(page.get_by_role("button", name="다시 시도")).click()


def callback_after_agreeing(page: Page, sandbox: Sandbox) -> str:
    """Where the hosted login sends a person who has agreed; the browser does not go there, nor knows of it."""
    found = []

    def follow(route: Route) -> None:
        sent = route.request
        headers = {"Content-Type": sent.headers["content-type"]}
        answer = requests.post(sent.url, sent.post_data, headers=headers, allow_redirects=False, timeout=60)
        while not answer.headers["Location"].startswith(sandbox.site):
            answer = requests.get(answer.headers["Location"], allow_redirects=False, timeout=60)
        found.append(answer.headers["Location"])
        route.fulfill(status=204)

    page.route(f"{sandbox.kakao}/**", follow, times=1)
    with page.expect_response(f"{sandbox.kakao}/**"):
        agree(page)
    return found[0]


def session(context: BrowserContext) -> dict[str, object]:
    return {name: cookie["value"] for name, cookie in cookies(context).items()}


# Kakao


@pytest.mark.both_modes
@pytest.mark.parametrize("mode", ["throttled", "broken", "refusing"])
def test_a_kakao_that_gives_no_token_is_said_in_words_and_the_next_try_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, kakao: Switch, mode: str
) -> None:
    press_kakao(page, sandbox)
    kakao(mode, "/oauth/token")
    agree(page)
    expect_failure(page, "지금은 로그인이 몰려 있어요" if mode == "throttled" else "카카오에 연결하지 못했어요")
    assert session(context) == {}
    kakao("up")
    try_again(page)
    sign_in(page, sandbox)


@pytest.mark.both_modes
@pytest.mark.parametrize("mode", ["down", "garbage"])
def test_who_comes_back_from_a_kakao_without_a_login_page_is_offered_to_sign_in(
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


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("down", "카카오에 연결하지 못했어요"),
        ("broken", "카카오에 연결하지 못했어요"),
        ("garbage", "카카오에 연결하지 못했어요"),
        ("refusing", "카카오에 연결하지 못했어요"),
        ("throttled", "지금은 로그인이 몰려 있어요"),
        ("slow", "카카오의 응답이 늦어요"),
    ],
)
def test_a_cognito_that_gives_no_token_is_said_in_words_and_the_next_try_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, cognito: Switch, mode: str, words: str
) -> None:
    press_kakao(page, sandbox)
    cognito(mode, "/oauth2/token")
    agree(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(words)
    assert session(context) == {}
    cognito("up")
    try_again(page)
    sign_in(page, sandbox)


@pytest.mark.parametrize("mode", ["down", "broken", "garbage", "refusing", "throttled", "slow"])
def test_a_session_outlives_a_cognito_that_does_not_renew_it(
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
def test_who_comes_back_from_a_cognito_without_a_login_page_is_offered_to_sign_in(
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


def test_who_signs_out_while_cognito_is_down_is_signed_out(
    page: Page, context: BrowserContext, sandbox: Sandbox, cognito: Switch
) -> None:
    sign_in(page, sandbox)
    cognito("down")
    page.get_by_role("button", name="로그아웃").click()
    page.wait_for_url(f"{sandbox.hosted_login}/logout?*")
    assert session(context) == {}
    page.go_back()
    expect_signed_out(page)


# Twice, and at once


@pytest.mark.both_modes
def test_a_callback_that_comes_twice_says_so_and_leaves_the_session(
    page: Page, context: BrowserContext, sandbox: Sandbox
) -> None:
    with page.expect_request(CALLBACK) as callback:
        sign_in(page, sandbox)
    before = session(context)
    page.goto(callback.value.url)
    expect_failure(page, "로그인을 마치지 못했어요")
    assert session(context) == before
    try_again(page)
    expect_signed_in(page)


@pytest.mark.both_modes
def test_of_two_callbacks_at_once_one_signs_the_person_in(page: Page, sandbox: Sandbox) -> None:
    press_kakao(page, sandbox)
    callback = callback_after_agreeing(page, sandbox)
    other = page.context.new_page()
    other.goto(sandbox.site)
    outcomes = other.evaluate(
        """(url) => Promise.all([url, url].map(async (url) => {
            const answer = await fetch(url, {redirect: "manual"});
            return answer.type === "opaqueredirect" ? 302 : answer.status;
        }))""",
        callback,
    )
    assert sorted(outcomes) == [302, 400]
    other.goto(sandbox.site)
    expect_signed_in(other)


@pytest.mark.both_modes
@pytest.mark.parametrize("script", ["", "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})"])
def test_five_tabs_that_renew_the_session_at_once_all_keep_it(
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


# A function that dies before it answers, when all that it does is done

Lose = Callable[[str], None]


@pytest.fixture
def lose(page: Page) -> Lose:
    """Loses the next answer to a URL on its way, after the request has had all its effects."""

    def dies(route: Route) -> None:
        sent = route.request
        headers = {name: value for name, value in sent.all_headers().items() if not name.startswith(":")}
        url = sent.url.replace("//localhost:", "//127.0.0.1:")
        answer = requests.request(sent.method, url, headers=headers, allow_redirects=False, timeout=60)
        assert answer.status_code < 400
        if sent.is_navigation_request():  # what the distribution shows for a 500
            route.fulfill(status=500, body=AWS_FAILED, content_type="text/html")
        else:
            route.fulfill(status=500, json={"message": "Internal Server Error"})

    def lose(url: str) -> None:
        page.route(url, dies, times=1)

    return lose


@pytest.mark.both_modes
def test_a_callback_whose_answer_is_lost_leaves_no_session_and_the_next_sign_in_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, lose: Lose
) -> None:
    press_kakao(page, sandbox)
    callback = callback_after_agreeing(page, sandbox)
    lose(CALLBACK)
    page.goto(callback)
    expect_failure(page, "문제가 생겼어요")
    assert not {"__Host-id", "__Host-person", "__Secure-refresh"} & set(session(context))
    page.reload()
    expect_failure(page, "로그인을 마치지 못했어요")
    try_again(page)
    sign_in(page, sandbox)


@pytest.mark.both_modes
def test_a_renewal_whose_answer_is_lost_is_tried_again(
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
def test_a_sign_out_whose_answer_is_lost_is_no_sign_out_yet_and_the_next_one_is(
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


@pytest.fixture
def dead_trigger(sandbox: Sandbox) -> Iterator[Callable[[], None]]:
    """A trigger of a first sign-in that does not even start, until it is mended.

    In direct mode it is the one of the challenge: the emulator calls no pre sign-up trigger in AdminCreateUser.
    """
    trigger = functions(sandbox)["kakao_challenge" if is_direct(sandbox) else "pre_sign_up"]

    def point_at(handler: str) -> None:
        given = {"FunctionName": trigger["FunctionName"], "Handler": handler}
        sandbox.account.call("lambda", "UpdateFunctionConfiguration", given)

    point_at(f"{trigger['Handler'].removesuffix('.handler')}.nothing")
    yield lambda: point_at(trigger["Handler"])
    point_at(trigger["Handler"])


@pytest.mark.both_modes
def test_a_first_sign_in_whose_trigger_dies_makes_no_session_and_the_next_one_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, dead_trigger: Callable[[], None]
) -> None:
    person = PEOPLE[-1]
    forget(sandbox, person)
    press_kakao(page, sandbox)
    agree(page, person)
    expect_failure(page, "카카오에 연결하지 못했어요" if is_direct(sandbox) else "로그인하지 못했어요")
    assert session(context) == {}
    if not is_direct(sandbox):  # there the profile is made before the challenge, and the next sign-in uses it
        assert profiles(sandbox, person) == []
    dead_trigger()
    try_again(page)
    sign_in(page, sandbox, person)
    assert len(profiles(sandbox, person)) == 1


# All of AWS


def test_a_signed_in_page_outlives_an_aws_that_forgets_everybody(page: Page) -> None:
    port = free_ports()
    with running(port) as sandbox:
        sign_in(page, sandbox)
        expect(page.locator("#connection")).to_contain_text("연결됐어요")
    expect(page.locator("#connection")).to_contain_text("연결이 끊겼어요")
    expect_signed_in(page)
    with running(port) as sandbox:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect_signed_out(page)
        expect(page.locator("#notice")).to_have_text("로그인 시간이 끝났어요. 다시 로그인해 주세요.")
        sign_in(page, sandbox)
