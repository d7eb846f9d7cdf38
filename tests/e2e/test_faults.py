"""Kakao, Cognito or a function fails during a sign-in: what the user sees in Chromium, and how to go on."""

from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, Route, expect

from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from tests.e2e.conftest import Lose
from tests.e2e.person import agree, begin_sign_in, expect_signed_in, session, sign_in
from tests.sandbox.deployed import Switch, forget, functions, is_direct, profiles

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

CALLBACK = "**/api/auth/callback?*"


def expect_failure(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def try_again(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("link", name="다시 시도").click()


def callback_after_agreeing(page: Page, sandbox: Sandbox) -> str:
    """Agree at Kakao, and return the callback URL. The browser is not redirected to it."""
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


# Kakao


@pytest.mark.both_modes
@pytest.mark.parametrize("mode", ["throttled", "broken", "refusing"])
def test_a_failed_token_request_to_kakao_shows_an_error_page_and_the_next_sign_in_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, kakao: Switch, mode: str
) -> None:
    begin_sign_in(page, sandbox)
    kakao(mode, "/oauth/token")
    agree(page)
    expect_failure(page, "지금은 로그인이 몰려 있어요" if mode == "throttled" else "카카오에 연결하지 못했어요")
    assert session(context) == {}
    kakao("up")
    try_again(page)
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
def test_a_failed_token_request_to_cognito_shows_an_error_page_and_the_next_sign_in_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, cognito: Switch, mode: str, words: str
) -> None:
    begin_sign_in(page, sandbox)
    cognito(mode, "/oauth2/token")
    agree(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(words)
    assert session(context) == {}
    cognito("up")
    try_again(page)
    sign_in(page, sandbox)


# Twice, and at once


@pytest.mark.both_modes
def test_a_repeated_callback_shows_an_error_page_and_keeps_the_session(
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
def test_of_two_concurrent_callbacks_one_signs_the_user_in(page: Page, sandbox: Sandbox) -> None:
    begin_sign_in(page, sandbox)
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


# A function that crashes after its work is done, before it responds


@pytest.mark.both_modes
def test_a_callback_with_a_lost_response_makes_no_session_and_the_next_sign_in_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, lose: Lose
) -> None:
    begin_sign_in(page, sandbox)
    callback = callback_after_agreeing(page, sandbox)
    lose(CALLBACK)
    page.goto(callback)
    expect_failure(page, "문제가 생겼어요")
    assert not {"__Host-id", "__Host-person", "__Secure-refresh"} & set(session(context))
    page.reload()
    expect_failure(page, "로그인을 마치지 못했어요")
    try_again(page)
    sign_in(page, sandbox)


@pytest.fixture
def dead_trigger(sandbox: Sandbox) -> Iterator[Callable[[], None]]:
    """A trigger of a first sign-in that cannot start, until it is fixed.

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
def test_a_first_sign_in_with_a_crashed_trigger_makes_no_session_and_the_next_one_works(
    page: Page, context: BrowserContext, sandbox: Sandbox, dead_trigger: Callable[[], None]
) -> None:
    person = PEOPLE[-1]
    forget(sandbox, person)
    begin_sign_in(page, sandbox)
    agree(page, person)
    expect_failure(page, "카카오에 연결하지 못했어요" if is_direct(sandbox) else "로그인하지 못했어요")
    assert session(context) == {}
    if not is_direct(sandbox):  # there the profile is made before the challenge, and the next sign-in uses it
        assert profiles(sandbox, person) == []
    dead_trigger()
    try_again(page)
    sign_in(page, sandbox, person)
    assert len(profiles(sandbox, person)) == 1
