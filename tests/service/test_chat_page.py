"""The chat in Chromium, with the emulated AWS behind it."""

import pytest
from playwright.sync_api import Browser, Page, expect

from sandbox.local import Sandbox
from tests.e2e.person import BADA, HANEUL, agree
from tests.page.person import press_kakao, sign_in
from tests.sandbox.deployed import forget

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]


def say(page: Page, words: str) -> None:
    expect(page.locator("#connection")).to_contain_text("연결됐어요")
    page.get_by_label("메시지").fill(words)
    page.get_by_role("button", name="보내기").click()


def test_a_signed_in_user_chats(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox)
    for words in ("안녕하세요", "<b>또 만나요</b> 😀"):
        say(page, words)
        expect(page.get_by_role("log").locator("p").last).to_have_text(f"{HANEUL.nickname} {words}")
    page.reload()
    say(page, "다시")
    expect(page.get_by_role("log").locator("p")).to_have_text([f"{HANEUL.nickname} 다시"])


def test_a_user_without_a_nickname_chats(page: Page, sandbox: Sandbox) -> None:
    forget(sandbox, BADA)
    press_kakao(page, sandbox)
    agree(page, BADA, withhold=("profile_nickname",))
    say(page, "안녕")
    expect(page.get_by_role("log").locator("p")).to_have_text(["회원님 안녕"])


ASK = """([url, frame]) => new Promise(resolve => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(JSON.stringify(frame));
    socket.onmessage = ({ data }) => { resolve(JSON.parse(data)); socket.close(); };
})"""


def test_a_ping_of_the_page_is_answered(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox)
    socket = f"{sandbox.site.replace('http', 'ws', 1)}/ws"
    assert page.evaluate(ASK, [socket, {"ping": True}]) == {"pong": True}
    answer = {"nickname": HANEUL.nickname, "message": "안녕", "id": "7"}
    assert page.evaluate(ASK, [socket, {"message": "안녕", "id": "7"}]) == answer


def test_a_message_appears_only_in_the_tabs_of_its_user(page: Page, sandbox: Sandbox, browser: Browser) -> None:
    sign_in(page, sandbox)
    second = page.context.new_page()
    second.goto(sandbox.site)
    stranger = browser.new_context(locale="ko-KR").new_page()
    forget(sandbox, BADA)
    press_kakao(stranger, sandbox)
    agree(stranger, BADA)
    for tab in (second, stranger):
        expect(tab.locator("#connection")).to_contain_text("연결됐어요")
    say(page, "두 탭에")
    said = f"{HANEUL.nickname} 두 탭에"
    for tab in (page, second):
        expect(tab.get_by_role("log").locator("p").last).to_have_text(said)
    say(second, "여기서도")
    expect(page.get_by_role("log").locator("p")).to_have_text([said, f"{HANEUL.nickname} 여기서도"])
    expect(stranger.get_by_role("log").locator("p")).to_have_count(0)
    stranger.context.close()
