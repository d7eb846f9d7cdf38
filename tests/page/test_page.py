"""The page alone, in Chromium, with a service whose responses each test sets."""

import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from infra.page_files import client_modules
from tests.e2e import visits
from tests.e2e.visits import (
    HANEUL,
    HOSTED_LOGOUT,
    LOGOUT,
    ME,
    REFRESH,
    SOCKET_THAT_ANSWERS,
    WITHOUT_THEM,
    YOUNG,
    Answer,
    Answers,
    Visit,
    come_back,
    expect_asked,
    expect_connections,
    serve,
    serve_page,
)

pytestmark = pytest.mark.browser

visit = visits.visit
FRONTEND = Path(__file__).parents[2] / "frontend"

WITHHELD: dict[str, str | None] = {**HANEUL, "nickname": None, "email": None}
LONG = {**HANEUL, "nickname": "하늘" * 20, "email": f"{'haneul' * 10}@{'example' * 8}.com"}

LOADING, SIGNED_OUT, SIGNED_IN = "잠시만 기다려 주세요", "반가워요!", "로그인했어요"
FAILED, SIGN_OUT_FAILED = "연결하지 못했어요", "로그아웃하지 못했어요"
ENDED = "로그인 시간이 끝났어요. 다시 로그인해 주세요."
KAKAO, EMAIL, RETRY = "카카오 로그인", "이메일로 로그인", "다시 시도"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve_page(FRONTEND) as address:
        yield address


def expect_title(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    if title == SIGNED_IN:  # a clock that runs on would end a handshake under way
        expect(page.locator("#connection")).not_to_have_text(re.compile("^$|연결하고 있어요"))


def violations(page: Page) -> list[Any]:
    """Return the violations that axe-core finds, in light and in dark mode."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        # A state that the page leaves cancels its animations, and `finished` of a cancelled animation rejects.
        page.evaluate("Promise.allSettled(document.getAnimations().map((animation) => animation.finished))")
        found += Axe().run(page).response["violations"]
    return found


STATES: dict[str, tuple[Answers, str, str]] = {
    "loading": ({ME: ["silent"]}, LOADING, "로그인 상태를 확인하고 있어요."),
    "signed out": ({}, SIGNED_OUT, "이메일로 로그인"),
    "signed in": ({ME: [HANEUL]}, SIGNED_IN, "haneul@example.com"),
    "long names": ({ME: [LONG]}, SIGNED_IN, LONG["email"]),
    "no nickname": ({ME: [WITHHELD]}, SIGNED_IN, "회원님"),
    "no e-mail": ({ME: [WITHHELD]}, SIGNED_IN, "카카오에서 이메일을 전달받지 못했어요."),
    "service down": ({ME: [503]}, FAILED, "로그인 상태를 확인하지 못했어요."),
    "offline": ({ME: ["unreachable"]}, FAILED, "인터넷 연결을 확인하고"),
    "refresh refused": ({REFRESH: [400]}, FAILED, "다시 로그인해 주세요."),
}


@pytest.mark.parametrize(("answers", "title", "text"), STATES.values(), ids=STATES)
def test_each_state_has_its_text_fits_a_phone_and_has_no_accessibility_violations(
    visit: Visit, answers: Answers, title: str, text: str
) -> None:
    page = visit.open(answers, viewport={"width": 320, "height": 640})
    expect_title(page, title)
    expect(page.get_by_text(text).last).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert violations(page) == []


FAILURES: list[Answer] = [400, 403, 404, 418, 429, 500, 502, 503, 504, "unreachable"]


@pytest.mark.parametrize("answer", FAILURES, ids=str)
@pytest.mark.parametrize("route", [ME, REFRESH])
def test_after_any_failure_the_user_can_try_again_or_sign_in(visit: Visit, route: str, answer: Answer) -> None:
    page = visit.open({route: [answer, answer, 401]})
    for _ in range(2):
        expect_title(page, FAILED)
        expect(page.get_by_role("link", name=KAKAO)).to_be_visible()
        expect(page.get_by_role("button", name=EMAIL)).to_be_visible()
        page.get_by_role("button", name=RETRY).click()
    expect_title(page, SIGNED_OUT)


def test_a_missing_response_is_a_failure_with_a_sign_in_button(visit: Visit) -> None:
    page = visit.open({ME: ["silent"]}, still=True)
    expect_asked(page, visit, ME)
    page.clock.run_for(15_000)
    expect_title(page, FAILED)
    expect(page.get_by_role("link", name=KAKAO)).to_be_visible()


def test_a_tab_that_never_releases_the_lock_does_not_block_the_others(visit: Visit) -> None:
    """Safari does not release the lock of a sleeping tab."""
    page = visit.open({}, still=True, script="navigator.locks.request('session', () => new Promise(() => {}))")
    expect_title(page, LOADING)
    expect_asked(page, visit)
    page.clock.run_for(15_000)
    expect_title(page, SIGNED_OUT)


@pytest.mark.parametrize(
    ("answer", "title"), [(400, FAILED), (403, FAILED), (429, SIGNED_IN), (502, SIGNED_IN), ("unreachable", SIGNED_IN)]
)
def test_a_permanently_refused_refresh_offers_a_sign_in_once_the_token_has_expired(
    visit: Visit, answer: Answer, title: str
) -> None:
    page = visit.open({ME: [HANEUL, HANEUL, 401], REFRESH: [answer]})
    expect_title(page, SIGNED_IN)
    page.clock.run_for(841_000)
    expect_asked(page, visit, ME, REFRESH)
    expect_title(page, SIGNED_IN)
    page.clock.run_for(6_000)
    expect_asked(page, visit, ME, REFRESH, ME if title == FAILED else REFRESH)
    expect_title(page, SIGNED_IN)
    if title == FAILED:
        page.clock.run_for(841_000)
        expect_asked(page, visit, ME, REFRESH, ME, REFRESH)
        page.clock.run_for(6_000)
    expect_title(page, title)
    if title == FAILED:
        expect(page.get_by_role("link", name=KAKAO)).to_be_visible()
        assert "haneul" not in page.content()


def test_a_failed_page_tries_again_once_the_network_is_back(visit: Visit) -> None:
    page = visit.open({ME: ["unreachable", HANEUL]})
    expect_title(page, FAILED)
    visit.context.set_offline(True)
    visit.context.set_offline(False)
    expect_title(page, SIGNED_IN)


@pytest.mark.parametrize(
    ("answers", "title", "asked"),
    [
        ({ME: [401, HANEUL], REFRESH: [204]}, SIGNED_IN, [ME, REFRESH, ME]),
        ({ME: [401], REFRESH: [204]}, FAILED, [ME, REFRESH, ME]),
        ({ME: [401], REFRESH: [401]}, SIGNED_OUT, [ME, REFRESH]),
    ],
)
def test_a_401_leads_to_one_refresh_and_no_more(visit: Visit, answers: Answers, title: str, asked: list[str]) -> None:
    page = visit.open(answers)
    expect_title(page, title)
    page.clock.run_for("10:00")
    expect_asked(page, visit, *asked)


@pytest.mark.parametrize(("seconds", "renewed_after"), [("900", 840), ("60", 30)])
def test_a_session_is_refreshed_before_it_expires(visit: Visit, seconds: str, renewed_after: int) -> None:
    page = visit.open({ME: [HANEUL], REFRESH: [204]}, seconds=seconds)
    expect_title(page, SIGNED_IN)
    page.clock.run_for((renewed_after - 10) * 1000)
    expect_asked(page, visit, ME)
    page.clock.run_for(11_000)
    expect_asked(page, visit, ME, REFRESH, ME)


@pytest.mark.parametrize("seconds", ["0", "-5", "soon", "0.001"])
def test_an_invalid_expiry_causes_no_loop_of_refreshes(visit: Visit, seconds: str) -> None:
    page = visit.open({ME: [HANEUL], REFRESH: [204]}, seconds=seconds)
    expect_title(page, SIGNED_IN)
    page.clock.run_for(3000)
    expect_asked(page, visit, ME)


def test_a_failed_refresh_keeps_the_user_and_is_retried_with_growing_pauses(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL], REFRESH: [503, "unreachable", 500, 401]})
    expect_title(page, SIGNED_IN)
    asked = [ME]
    for wait in (840, 5, 10):
        page.clock.run_for((wait - 2) * 1000)
        expect_asked(page, visit, *asked)
        page.clock.run_for(3000)
        asked.append(REFRESH)
        expect_asked(page, visit, *asked)
        expect(page.get_by_text("haneul@example.com")).to_be_visible()
    page.clock.run_for(21_000)
    expect(page.locator("#notice")).to_have_text(ENDED)


def test_a_401_right_after_a_refresh_does_not_end_the_session(visit: Visit) -> None:
    """As while the gateway cannot fetch the pool's keys."""
    page = visit.open({ME: [HANEUL, 401, HANEUL], REFRESH: [204]})
    expect_title(page, SIGNED_IN)
    page.clock.run_for(841_000)
    expect_asked(page, visit, ME, REFRESH, ME)
    expect(page.get_by_text("haneul@example.com")).to_be_visible()
    page.clock.run_for(6000)
    expect_asked(page, visit, ME, REFRESH, ME, REFRESH, ME)
    expect_title(page, SIGNED_IN)


def test_a_session_that_ended_elsewhere_shows_a_notice_and_no_personal_data(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL, 401]})
    expect_title(page, SIGNED_IN)
    come_back(page)
    expect_title(page, SIGNED_OUT)
    expect(page.locator("#notice")).to_have_text(ENDED)
    assert "haneul" not in page.content()
    assert violations(page) == []


def test_a_signed_out_tab_that_is_shown_again_sends_one_request_and_no_refresh(visit: Visit) -> None:
    page = visit.open({})
    expect_title(page, SIGNED_OUT)
    come_back(page)
    expect_asked(page, visit, ME, REFRESH, ME)


def test_the_focus_moves_only_when_the_state_changes(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL]})
    expect_title(page, SIGNED_IN)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Tab")
    come_back(page)
    expect_asked(page, visit, ME, ME)
    expect(page.get_by_role("button", name="로그아웃")).to_be_focused()


def test_two_tabs_without_a_session_refresh_once(visit: Visit) -> None:
    first = visit.open({ME: [401, HANEUL], REFRESH: ["silent"]})
    expect_asked(first, visit, ME, REFRESH)
    second = visit.context.new_page()
    second.goto(visit.site)
    expect_asked(second, visit, ME, REFRESH)
    visit.silent.pop().fulfill(status=204)
    for tab in (first, second):
        expect_title(tab, SIGNED_IN)
    expect_asked(second, visit, ME, REFRESH, ME, ME)


def test_a_sign_out_opens_the_hosted_logout_and_the_back_button_shows_no_personal_data(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL, "silent"]})
    page.get_by_role("button", name="로그아웃").click()
    page.wait_for_url(HOSTED_LOGOUT)
    expect_asked(page, visit, ME, LOGOUT)
    page.go_back()
    expect_title(page, LOADING)
    assert "haneul" not in page.content()


def test_a_sign_out_removes_personal_data_from_the_page(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL]})
    page.route(HOSTED_LOGOUT, lambda route: route.fulfill(status=204))  # a browser stays where it is
    page.get_by_role("button", name="로그아웃").click()
    expect_title(page, LOADING)
    assert "haneul" not in page.content()


def test_a_sign_out_waits_for_a_running_refresh_and_no_second_one_starts(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL, 401, HANEUL], REFRESH: ["silent"]})
    expect_title(page, SIGNED_IN)
    come_back(page)
    expect_asked(page, visit, ME, ME, REFRESH)
    come_back(page)
    page.get_by_role("button", name="로그아웃").click()
    expect_asked(page, visit, ME, ME, REFRESH)
    visit.silent.pop().fulfill(status=204)
    page.wait_for_url(HOSTED_LOGOUT)
    expect_asked(page, visit, ME, ME, REFRESH, ME, LOGOUT)


def test_a_page_from_the_back_forward_cache_hides_its_data_until_the_session_is_checked(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL, "silent"]})
    expect_title(page, SIGNED_IN)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect_title(page, LOADING)
    assert "haneul" not in page.content()
    expect_asked(page, visit, ME, ME)


@pytest.mark.parametrize("answer", [500, 403, "unreachable", {}, {"logout_url": "javascript:alert(1)"}], ids=str)
def test_after_a_failed_sign_out_the_user_can_go_on_signed_in(visit: Visit, answer: Answer) -> None:
    page = visit.open({ME: [HANEUL], LOGOUT: [answer, {"logout_url": HOSTED_LOGOUT}]})
    page.get_by_role("button", name="로그아웃").click()
    expect_title(page, SIGN_OUT_FAILED)
    assert violations(page) == []
    page.get_by_role("button", name="돌아가기").click()
    expect_title(page, SIGNED_IN)
    page.get_by_role("button", name="로그아웃").click()
    page.wait_for_url(HOSTED_LOGOUT)


def test_a_failed_sign_out_can_be_tried_again(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL], LOGOUT: [502, {"logout_url": HOSTED_LOGOUT}]})
    page.get_by_role("button", name="로그아웃").click()
    page.get_by_role("button", name=RETRY).click()
    page.wait_for_url(HOSTED_LOGOUT)


def test_trying_again_shows_the_loading_state(visit: Visit) -> None:
    page = visit.open({ME: [503, "silent"]})
    page.get_by_role("button", name="다시 시도").click()
    expect_title(page, LOADING)
    expect_asked(page, visit, ME, ME)
    visit.silent.pop().fulfill(json=HANEUL)
    expect_title(page, SIGNED_IN)


def test_a_nickname_with_html_is_shown_as_text(visit: Visit) -> None:
    nickname = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    page = visit.open({ME: [{**HANEUL, "nickname": nickname}]})
    expect(page.get_by_role("definition").first).to_have_text(nickname)
    assert page.locator("img, body script").count() == 0


# Code points that Unicode calls Default_Ignorable_Code_Point and Python's unicodedata does not know as such.
IGNORABLE = [0x34F, 0x115F, 0x1160, *range(0x17B4, 0x17B6), *range(0x180B, 0x1810), 0x2065, 0x3164]
IGNORABLE += [*range(0xFE00, 0xFE10), 0xFFA0, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)]
BLANK_SYMBOLS = [0x2800, 0x1D159, 0xFFFC]
EVERY_SHOWN_NAME = """async names => {
    const { shownName } = await import("/app.js");
    return names.map((name) => shownName(name));
}"""


def seen(character: str) -> bool:
    """Whether the character is visible by itself."""
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me")
    return not hidden and ord(character) not in (*IGNORABLE, *BLANK_SYMBOLS)


HIDDEN = """async before => {
    const { shownName } = await import("/app.js");
    const looked = (code) => code < 0xd800 || (code > 0xdfff && code < 0x20000) || code >= 0xe0000;
    const codes = [...Array(0xe2000).keys()].filter(looked);
    const shown = (code) => shownName(before + String.fromCodePoint(code).repeat(2) + before);
    return codes.filter((code) => shown(code) === "회원님").join();
}"""


@pytest.mark.parametrize("before", ["", "\u3164\u200b "], ids=["alone", "between what is not seen"])
def test_a_name_without_visible_characters_is_replaced(visit: Visit, before: str) -> None:
    """For every character of the planes that contain invisible ones."""
    page = visit.open({})
    hidden = {int(code) for code in page.evaluate(HIDDEN, before).split(",")}
    codes = (*range(0x20000), *range(0xE0000, 0xE2000))
    known = {code for code in codes if unicodedata.category(chr(code)) not in ("Cn", "Cs")}
    known |= set(IGNORABLE)
    assert hidden & known == {code for code in known if not seen(chr(code))}


def test_a_name_has_no_line_breaks_and_no_direction_marks(visit: Visit) -> None:
    page = visit.open({})
    turns = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    names = [f"{between}하{between}늘{between}" for between in (*turns, *"\n\r\t\0\x85\u2028\u2029")]
    assert set(page.evaluate(EVERY_SHOWN_NAME, names)) == {"하늘", "하 늘"}
    whole = ["하늘", "김 하늘", "حبيب", "👩‍👩‍👧", "❤️", "e\u0301"]
    assert page.evaluate(EVERY_SHOWN_NAME, whole) == whole


def test_a_right_to_left_name_or_message_does_not_affect_the_text_beside_it(visit: Visit) -> None:
    page = visit.open({ME: [{**HANEUL, "nickname": "\u3164"}]})
    expect(page.locator("#nickname")).to_have_text("회원님")
    expect_connection(page, CONNECTED)
    visit.connections[0].send(json.dumps({"nickname": "\u202eحبيب\n", "message": "\u202eabc"}))
    expect(page.get_by_role("log").locator("p bdi").first).to_have_text(re.compile("^حبيب$"))
    for part in page.locator("#nickname, #email, #said p bdi").all():
        expect(part).to_have_css("unicode-bidi", "isolate")


@pytest.mark.parametrize(
    ("link", "path", "asks"),
    [
        ("카카오 로그인", "/", {"provider": ["Kakao"]}),
        ("카카오 로그인", "/index.html?a=1&b=2", {"provider": ["Kakao"], "return_to": ["/index.html?a=1&b=2"]}),
        ("카카오 로그인", "/#comment-3", {"provider": ["Kakao"], "return_to": ["/#comment-3"]}),
        (
            "카카오 로그인",
            "/index.html?a=1#/b?c=2&d",
            {"provider": ["Kakao"], "return_to": ["/index.html?a=1#/b?c=2&d"]},
        ),
    ],
)
def test_a_login_link_has_the_origin_and_the_return_path(
    visit: Visit, link: str, path: str, asks: dict[str, list[str]]
) -> None:
    page = visit.open({}, path=path)
    page.get_by_role("link", name=link).click()
    page.wait_for_url("**/api/auth/login?*")
    assert parse_qs(urlsplit(page.url).query) == {"origin": [visit.site], **asks}


@pytest.mark.parametrize(
    ("move", "here"),
    [
        ("location.hash = '#later'", "/?page=1#later"),
        ("history.pushState(null, '', '/index.html?page=2#later')", "/index.html?page=2#later"),
        ("history.replaceState(null, '', '/index.html')", "/index.html"),
    ],
)
@pytest.mark.parametrize("by_keyboard", [False, True])
def test_a_login_returns_to_the_address_at_the_time_of_the_click(
    visit: Visit, move: str, here: str, by_keyboard: bool
) -> None:
    page = visit.open({}, path="/?page=1#first")
    link = page.get_by_role("link", name=KAKAO)
    if by_keyboard:
        link.focus()
    page.evaluate(move)
    page.keyboard.press("Enter") if by_keyboard else link.click()
    page.wait_for_url("**/api/auth/login?*")
    assert parse_qs(urlsplit(page.url).query)["return_to"] == [here]


def test_a_sign_in_works_by_keyboard_with_a_visible_focus(visit: Visit) -> None:
    page = visit.open({})
    expect_title(page, SIGNED_OUT)
    for control in (page.get_by_role("link", name=KAKAO), page.get_by_role("button", name=EMAIL)):
        page.keyboard.press("Tab")
        expect(control).to_be_focused()
        expect(control).to_have_css("outline-style", "solid")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/api/auth/login?*")


@pytest.mark.parametrize(
    ("locale", "language", "label"),
    [
        ("ko-KR", "ko", "카카오 로그인"),
        ("en-US", "en", "Login with Kakao"),
        ("de-DE", "ko", "카카오 로그인"),
    ],
)
def test_the_page_has_the_language_of_the_browser(visit: Visit, locale: str, language: str, label: str) -> None:
    page = visit.open({}, locale=locale)
    expect(page.get_by_role("link", name=label)).to_be_visible()
    expect(page).to_have_title(label)
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert violations(page) == []


def test_safari_on_http_shows_that_it_cannot_stay_signed_in(visit: Visit) -> None:
    vendor = "Object.defineProperty(Navigator.prototype, 'vendor', {get: () => 'Apple Computer, Inc.'})"
    page = visit.open({}, script=vendor)
    expect(page.get_by_text("Safari는 http 주소에서")).to_be_visible()
    assert violations(page) == []


def test_other_browsers_do_not_show_the_notice_for_safari(visit: Visit) -> None:
    page = visit.open({})
    expect_title(page, SIGNED_OUT)
    expect(page.get_by_text("Safari")).to_be_hidden()


def test_without_javascript_the_page_has_a_login_link(browser: Browser, site: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site)
        link = page.get_by_role("link", name="여기에서")
        expect(link).to_have_attribute("href", "/api/auth/login?provider=Kakao")


def test_where_the_pages_script_fails_the_page_has_links_to_log_in_and_to_reload(browser: Browser, site: str) -> None:
    """As in a browser that is too old, or where the script could not be loaded."""
    for broken in ("this is no JavaScript", None):
        with browser.new_context(locale="ko-KR") as context:
            page = context.new_page()
            page.route("**/app.js", serve(broken) if broken else lambda route: route.abort())
            page.goto(site)
            expect(page.get_by_text("페이지를 열지 못했어요.")).to_be_visible()
            expect(page.get_by_role("link", name="새로고침")).to_be_visible()
            link = page.get_by_role("link", name="카카오 로그인")
            expect(link).to_have_attribute("href", "/api/auth/login?provider=Kakao")
            assert violations(page) == []


def test_a_page_whose_script_runs_shows_no_failure(visit: Visit) -> None:
    page = visit.open({})
    expect_title(page, SIGNED_OUT)
    expect(page.get_by_text("페이지를 열지 못했어요.")).to_have_count(0)


# What browsers learned after Safari 15.0, Chrome 91 and Firefox 91 (MDN's browser-compat-data).


def test_the_page_works_in_a_browser_with_the_apis_of_safari_15(visit: Visit) -> None:
    script = WITHOUT_THEM % json.dumps(YOUNG.split()) + SOCKET_THAT_ANSWERS
    page = visit.open({ME: [401, HANEUL], REFRESH: [204]}, script=script)
    expect_connection(page, CONNECTED)
    assert page.evaluate("[AbortSignal.timeout, navigator.locks, window.structuredClone]") == [None, None, None]
    write(page, "안녕")
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 안녕"])
    page.get_by_role("button", name="로그아웃").click()
    page.wait_for_url(HOSTED_LOGOUT)


def test_a_request_times_out_in_a_browser_without_the_newer_apis_too(visit: Visit) -> None:
    page = visit.open({ME: ["silent"]}, still=True, script=WITHOUT_THEM % json.dumps(YOUNG.split()))
    expect_asked(page, visit, ME)
    page.clock.run_for(15_000)
    expect_title(page, FAILED)


def test_newer_css_features_have_fallbacks() -> None:
    """Each of these is in its own rule or line, which an older browser skips."""
    style = re.sub(r"/\*.*?\*/", "", (FRONTEND / "style.css").read_text(), flags=re.DOTALL)
    young = (
        r":has|:is\(|:where|:focus-visible|:user-|@layer|@container|@scope|@property|@starting-style|@media \(scripting"
        r"|\d(?:dvh|svh|lvh|dvw|svw|lvw|cqw|cqi|lh|rlh)\b|text-wrap|color-mix|light-dark|oklch|overflow: clip"
        r"|accent-color|interpolate-size|field-sizing|subgrid|linear\(|anchor\(|translate:|scale:|rotate:|\n\s*&"
    )
    used = set(re.findall(young, style))
    assert used == {":has", ":focus-visible", "@media (scripting", "0dvh", "accent-color", "text-wrap"}
    assert "min-height: 100vh;\n  min-height: 100dvh;" in style
    assert not re.search(r",[^{}]*:(?:has|focus-visible)|:(?:has|focus-visible)[^{}]*,[^{}]*\{", style)


@pytest.mark.parametrize(
    ("pages", "links"),
    [
        ({}, []),
        ({"privacy": "/privacy.html"}, [("개인정보처리방침", "/privacy.html")]),
        (
            {"terms": "https://example.com/terms", "privacy": "/privacy.html"},
            [("이용약관", "https://example.com/terms"), ("개인정보처리방침", "/privacy.html")],
        ),
    ],
    ids=["none", "one", "both"],
)
@pytest.mark.parametrize("me", [401, 503, HANEUL], ids=["signed out", "failed", "signed in"])
def test_the_page_links_to_the_configured_terms_and_privacy_policy(
    visit: Visit, pages: dict[str, str], links: list[tuple[str, str]], me: Answer
) -> None:
    html = (FRONTEND / "index.html").read_text()
    for name, address in pages.items():
        html = html.replace(f'name="{name}" content=""', f'name="{name}" content="{address}"')
    visit.files["/"] = html
    page = visit.open({ME: [me]}, viewport={"width": 320, "height": 640})
    expect(page.locator("#title")).not_to_have_text(LOADING)
    shown = [link for link in page.locator("footer a").all() if link.is_visible()]
    assert [(link.inner_text(), link.get_attribute("href")) for link in shown] == links
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert violations(page) == []


# https://developers.kakao.com/docs/latest/ko/kakaologin/design-guide
def test_the_kakao_button_follows_kakaos_design_guide_in_light_and_dark_mode(visit: Visit) -> None:
    page = visit.open({})
    button = page.get_by_role("link", name=KAKAO)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name, value in {
            "background-color": "rgb(254, 229, 0)",
            "border-radius": "12px",
            "color": "rgba(0, 0, 0, 0.85)",
        }.items():
            expect(button).to_have_css(name, value)
        expect(button.locator("svg")).to_have_css("fill", "rgb(0, 0, 0)")


def test_only_the_kakao_button_is_kakao_yellow() -> None:
    assert "fee500" not in (FRONTEND / "index.html").read_text().lower()
    assert (FRONTEND / "style.css").read_text().lower().count("fee500") == 1


def test_the_first_card_is_centered_on_a_screen_and_fills_a_phone(visit: Visit) -> None:
    page = visit.open({}, viewport={"width": 1280, "height": 800})
    expect_title(page, SIGNED_OUT)
    card = page.locator(".card").first
    box = card.bounding_box()
    assert box
    assert abs(box["y"] - (800 - box["y"] - box["height"])) < 2
    page.set_viewport_size({"width": 390, "height": 844})
    box = card.bounding_box()
    assert box
    assert (box["x"], box["y"], box["width"], round(box["height"])) == (0, 0, 390, 844)


def test_a_chat_that_cannot_be_loaded_shows_an_error_and_the_page_stays_signed_in(visit: Visit) -> None:
    visit.files["/chat.js"] = "this is no JavaScript"
    page = visit.open({ME: [HANEUL]})
    expect_connection(page, "새로고침해 주세요")
    expect_title(page, SIGNED_IN)


def test_the_page_loads_four_files_of_less_than_10_kilobytes(visit: Visit) -> None:
    page = visit.open({})
    expect_title(page, SIGNED_OUT)
    asked = {urlsplit(request.url).path for request in visit.requests if "/api/" not in request.url}
    assert asked == {"/", "/app.js", "/login.js", "/style.css"}
    files = [(FRONTEND / name).read_text() for name in ("index.html", "app.js", "style.css")]
    sizes = [len(gzip.compress(text.encode())) for text in [*files, client_modules()["login.js"]]]
    assert sum(sizes) < 10_000  # as the distribution sends them; the rest is for headers


CONNECTED, LOST, OFFLINE = "연결됐어요", "연결이 끊겼어요", "오프라인이에요"
RESEND = "다시 보내기"


def expect_connection(page: Page, words: str) -> None:
    expect(page.locator("#connection")).to_contain_text(words)


def expect_said(page: Page, visit: Visit, *frames: dict[str, Any]) -> None:
    """Check that the page sends these frames through the WebSocket, and no more."""
    for _ in range(100):
        if len(visit.said) >= len(frames):
            break
        page.wait_for_timeout(20)
    page.wait_for_timeout(50)
    assert [json.loads(frame) for frame in visit.said] == list(frames)


def test_a_user_chats_by_keyboard_and_sees_the_responses(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL]})
    expect_connection(page, CONNECTED)
    page.get_by_label("메시지").fill("  안녕 ")
    page.keyboard.press("Enter")
    expect(page.get_by_label("메시지")).to_have_value("")
    assert [json.loads(frame) for frame in visit.said] == [{"message": "안녕", "id": "1"}]
    visit.connections[0].send(json.dumps({"nickname": "바다", "message": "<b>안녕</b>"}))
    visit.connections[0].send(json.dumps({"nickname": None, "message": "반가워"}))
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 안녕", "바다 <b>안녕</b>", "회원님 반가워"])
    assert violations(page) == []
    page.keyboard.press("Enter")
    assert len(visit.said) == 1, "an empty message is not sent"


def test_a_long_chat_fits_a_phone_and_keeps_its_last_hundred_lines(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL]}, viewport={"width": 320, "height": 640})
    expect_connection(page, CONNECTED)
    for number in range(103):
        visit.connections[0].send(json.dumps({"nickname": "하늘" * 20, "message": f"{number} " + "가" * 200}))
    expect(page.get_by_role("log").locator("p")).to_have_count(100)
    page.get_by_role("log").scroll_into_view_if_needed()
    expect(page.get_by_role("log").locator("p").last).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert violations(page) == []


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"error": "too_long", "message": "Send at most 4096 bytes."}, "너무 길어요"),
        ({"error": "invalid_message", "message": "Send …"}, "보내지 못했어요"),
        ({"message": "Internal server error", "connectionId": "c", "requestId": "r"}, "보내지 못했어요"),
    ],
)
def test_a_refused_message_shows_an_error_and_the_next_one_is_sent(
    visit: Visit, frame: dict[str, str], words: str
) -> None:
    page = visit.open({ME: [HANEUL]})
    expect_connection(page, CONNECTED)
    visit.chat.silent = True
    write(page, "안녕")
    visit.connections[0].send(json.dumps(frame))
    expect_connection(page, words)
    expect(page.get_by_role("log").locator("p")).to_have_text([f"안녕 {RESEND}"])
    assert violations(page) == []
    visit.chat.silent = False
    page.get_by_role("button", name=RESEND).click()
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 안녕"])
    expect_connection(page, CONNECTED)


@pytest.mark.parametrize("frame", [{"note": "안녕"}, {"id": "1"}, ["message"], 5, None])
def test_the_chat_ignores_frames_of_another_format(visit: Visit, frame: Any) -> None:
    page = visit.open({ME: [HANEUL]})
    expect_connection(page, CONNECTED)
    visit.chat.silent = True
    write(page, "안녕")
    visit.connections[0].send(json.dumps(frame))
    visit.connections[0].send(json.dumps({"nickname": "바다", "message": "반가워"}))
    expect(page.get_by_role("log").locator("p")).to_have_text(["안녕", "바다 반가워"])
    expect_connection(page, CONNECTED)


def test_a_lost_connection_is_restored_after_the_session_was_checked_and_refreshed(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL, 401, HANEUL], REFRESH: [204]})
    expect_connection(page, CONNECTED)
    visit.chat.silent = True
    write(page, "안녕")
    visit.connections[0].close()
    expect_connection(page, LOST)
    expect(page.get_by_role("button", name="보내기", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name=RESEND)).to_be_disabled()
    expect_asked(page, visit, ME)
    page.clock.run_for(1300)
    expect_asked(page, visit, ME, ME, REFRESH, ME)
    expect_connection(page, CONNECTED)
    expect_connections(page, visit, 2)


def write(page: Page, message: str) -> None:
    page.get_by_label("메시지").fill(message)
    page.keyboard.press("Enter")


def test_a_message_without_a_response_marks_the_connection_as_lost_and_can_be_resent(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL]}, still=True)
    expect_connection(page, CONNECTED)
    write(page, "들려요")
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 들려요"])
    visit.chat.silent = True
    for message in ("하나", "둘"):
        write(page, message)
    page.get_by_label("메시지").fill("쓰던 말")
    page.clock.run_for(9_900)
    expect_connection(page, CONNECTED)
    page.clock.run_for(200)
    expect_connection(page, LOST)
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 들려요", f"하나 {RESEND}", f"둘 {RESEND}"])
    visit.chat.silent = False
    page.clock.run_for(1_300)
    expect_connection(page, CONNECTED)
    expect_connections(page, visit, 2)
    assert len(visit.said) == 3, "nothing is sent twice by itself"
    for _ in range(2):
        page.get_by_role("button", name=RESEND).first.click()
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 들려요", "하늘 하나", "하늘 둘"])
    expect(page.get_by_label("메시지")).to_have_value("쓰던 말")


def test_responses_in_another_order_are_shown_at_their_messages(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL]}, still=True)
    expect_connection(page, CONNECTED)
    visit.chat.silent = True
    for message in ("하나", "둘", "셋"):
        write(page, message)
    expect(page.get_by_role("log").locator("p")).to_have_text(["하나", "둘", "셋"])
    for number in ("3", "1"):
        visit.connections[0].send(json.dumps({"nickname": "하늘", "message": f"답 {number}", "id": number}))
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 답 1", "둘", "하늘 답 3"])
    page.clock.run_for(10_000)
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 답 1", f"둘 {RESEND}", "하늘 답 3"])


@pytest.mark.parametrize("use", ["the page comes to the front", "the field is focused"])
def test_an_idle_connection_is_probed_before_it_is_used(visit: Visit, use: str) -> None:
    page = visit.open({ME: [HANEUL]}, still=True)
    expect_connection(page, CONNECTED)

    def begin() -> None:
        if use == "the field is focused":
            page.get_by_label("메시지").focus()
        else:
            come_back(page)
            page.evaluate("navigator.locks.request('session', () => {})")

    begin()
    page.clock.run_for(600_000)
    assert visit.said == [], "no message is sent periodically: each one is billed"
    page.get_by_role("heading", level=1).focus()
    visit.seconds = "300"
    begin()
    expect_said(page, visit, {"ping": True})
    expect_connection(page, CONNECTED)
    page.clock.run_for(31_000)
    visit.chat.silent = True
    page.get_by_role("heading", level=1).focus()
    visit.seconds = "269"
    begin()
    expect_said(page, visit, {"ping": True}, {"ping": True})
    page.clock.run_for(10_000)
    expect_connection(page, LOST)
    visit.chat.silent = False
    page.clock.run_for(1_300)
    expect_connection(page, CONNECTED)
    expect_connections(page, visit, 2)


def test_a_handshake_without_a_response_is_tried_again(visit: Visit) -> None:
    script = CONNECTIONS_THAT_LAST % ("100,100,100", 0)
    page = visit.open({ME: [HANEUL]}, still=True, script=script.replace('"open"', '"never"'))
    expect_connection(page, "연결하고 있어요")
    page.clock.run_for(10_000)
    expect_connection(page, LOST)
    page.clock.run_for(1_000)
    expect_connection(page, "연결하고 있어요")
    assert page.evaluate("tried") == 2


@pytest.mark.parametrize("frame", ["", "null", "[]", "5", "{", '"text"'])
def test_an_unreadable_frame_is_ignored(visit: Visit, frame: str) -> None:
    page = visit.open({ME: [HANEUL]})
    expect_connection(page, CONNECTED)
    visit.connections[0].send(frame)
    write(page, "안녕")
    expect(page.get_by_role("log").locator("p")).to_have_text(["하늘 안녕"])


# Connections that last this many seconds each, and the random share of the pauses.
CONNECTIONS_THAT_LAST = """
const seconds = [%s];
Math.random = () => %s;
window.tried = 0;
window.WebSocket = class extends EventTarget {
  constructor() {
    super();
    tried += 1;
    const last = seconds.shift();
    const end = () => this.dispatchEvent(new Event("close"));
    if (last === 0) queueMicrotask(end);
    else {
      queueMicrotask(() => this.dispatchEvent(new Event("open")));
      setTimeout(end, last * 1000);
    }
  }
  close() {}
};"""


@pytest.mark.parametrize("chance", [0, 1])
@pytest.mark.parametrize(
    ("lasting", "waits"),
    [
        ([0] * 9, [1, 2, 4, 8, 16, 32, 60, 60]),
        ([0, 0, 0, 11, 0, 0], [1, 2, 4, 11 + 1, 2]),
        ([0, 0, 9, 0], [1, 2, 9 + 4]),
    ],
    ids=["refused", "lost after a while", "lost at once"],
)
def test_a_failing_connection_is_retried_with_growing_pauses(
    visit: Visit, chance: int, lasting: list[int], waits: list[int]
) -> None:
    script = CONNECTIONS_THAT_LAST % (",".join(map(str, lasting)), chance)
    page = visit.open({ME: [HANEUL]}, still=True, script=script)

    def tried() -> int:
        """Return the number of attempts after the page has released its lock."""
        return int(page.evaluate("navigator.locks.request('session', () => tried)"))

    expect_connection(page, LOST)
    for tries, wait in enumerate(waits, 1):
        lasted = lasting[tries - 1]
        milliseconds = 1000 * lasted + (wait - lasted) * (1250 if chance else 1000)
        page.clock.run_for(milliseconds - 1)
        assert tried() == tries
        page.clock.run_for(1)
        assert tried() == tries + 1


def test_the_end_of_the_session_closes_the_connection_and_clears_the_chat(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL, 401], REFRESH: [401]})
    expect_connection(page, CONNECTED)
    visit.connections[0].send(json.dumps({"nickname": "하늘", "message": "비밀"}))
    expect(page.get_by_role("log")).to_contain_text("비밀")
    page.get_by_label("메시지").fill("쓰던 말")
    closed: list[int | None] = []
    visit.connections[0].on_close(lambda code, _: closed.append(code))
    come_back(page)
    expect_title(page, SIGNED_OUT)
    page.wait_for_timeout(50)
    assert len(closed) == 1
    assert page.get_by_label("메시지").input_value() == ""
    assert "비밀" not in page.content()
    page.clock.run_for(120_000)
    expect_connections(page, visit, 1)


def test_a_refreshed_session_opens_a_new_connection(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL], REFRESH: [204]})
    expect_connection(page, CONNECTED)
    come_back(page)
    expect_connections(page, visit, 1)
    page.clock.run_for(841_000)
    expect_connections(page, visit, 2)
    expect_connection(page, CONNECTED)


def test_a_lost_network_is_shown_and_the_connection_restored_once_it_is_back(visit: Visit) -> None:
    page = visit.open({ME: [HANEUL]})
    expect_connection(page, CONNECTED)
    visit.context.set_offline(True)
    expect_connection(page, OFFLINE)
    expect(page.get_by_role("button", name="보내기")).to_be_disabled()
    page.clock.run_for(60_000)
    expect_connections(page, visit, 1)
    visit.context.set_offline(False)
    expect_connection(page, CONNECTED)
    expect_connections(page, visit, 2)


def test_a_signed_out_page_opens_no_connection(visit: Visit) -> None:
    page = visit.open({})
    expect_title(page, SIGNED_OUT)
    visit.context.set_offline(True)
    visit.context.set_offline(False)
    expect_connections(page, visit, 0)
    expect(page.get_by_label("메시지")).to_be_hidden()
