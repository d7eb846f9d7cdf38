"""Sign-in and sign-up with e-mail in the page, in Chromium, with a service whose responses each test sets."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.visits import (
    ME,
    REFRESH,
    SOCKET_THAT_ANSWERS,
    WITHOUT_THEM,
    YOUNG,
    Answer,
    Answers,
    Visit,
    come_back,
)
from tests.page import test_page
from tests.page.test_page import (
    FRONTEND,
    SIGNED_IN,
    SIGNED_OUT,
    expect_title,
    violations,
)

pytestmark = pytest.mark.browser

site = test_page.site

EMAIL, PASSWORD, CODE = "sora@example.com", "a long enough password", "123456"
SORA = {"name": EMAIL, "nickname": None, "email": EMAIL, "provider": "Cognito"}
SIGN_IN, SIGN_UP, CONFIRM = "POST /api/auth/sign-in", "POST /api/auth/sign-up", "POST /api/auth/confirm"
RESEND, FORGOT, RESET = "POST /api/auth/resend-code", "POST /api/auth/forgot-password", "POST /api/auth/reset-password"
TITLES = {
    "sign-in": "이메일로 로그인",
    "sign-up": "이메일로 가입",
    "confirm": "이메일 인증",
    "forgot": "비밀번호 재설정",
    "reset": "새 비밀번호",
}
SUBMIT = {
    "sign-in": "로그인",
    "sign-up": "코드 받기",
    "confirm": "가입하고 로그인",
    "forgot": "코드 받기",
    "reset": "바꾸고 로그인",
}
ROUTE = {"sign-in": SIGN_IN, "sign-up": SIGN_UP, "confirm": CONFIRM, "forgot": FORGOT, "reset": RESET}
FIELDS = {
    "sign-in": {"email": "username", "password": "current-password"},
    "sign-up": {"email": "username", "password": "new-password"},
    "confirm": {"email": "username", "code": "one-time-code"},
    "forgot": {"email": "username"},
    "reset": {"email": "username", "code": "one-time-code", "password": "new-password"},
}
DONE = {"message": "done"}
KEPT = """JSON.stringify([
    {...localStorage}, {...sessionStorage}, document.cookie, location.href, document.title, history.state
])"""


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """A visit. At its end no password and no code may be stored, and the e-mail only for a reload."""
    visit = Visit(browser, site)
    yield visit
    for page in visit.context.pages:
        kept = page.evaluate(KEPT)
        assert PASSWORD not in kept
        assert CODE not in kept
        assert EMAIL not in page.evaluate("location.href + JSON.stringify(history.state)")
        assert json.loads(kept)[1] in ({}, {"email-of-form": EMAIL})
    visit.close()
    assert visit.complaints == []
    assert {request.url for request in visit.requests if not request.url.startswith(site)} == set()


def field(page: Page, name: str) -> Locator:
    return page.locator(f"form[aria-labelledby] [name={name}]")


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        field(page, name).fill(value)


def submit(page: Page, step: str) -> None:
    page.get_by_role("button", name=SUBMIT[step], exact=True).click()


def by_email(visit: Visit, answers: Answers | None = None, **options: Any) -> Page:
    page = visit.open({ME: [401], **(answers or {})}, **options)
    page.get_by_role("button", name="이메일로 로그인").click()
    expect(field(page, "email")).to_be_focused()
    return page


def at(visit: Visit, step: str, answers: Answers | None = None, **options: Any) -> Page:
    """A page at this step, with the fields of the step filled in correctly."""
    page = by_email(visit, answers, **options)
    fill(page, email=EMAIL)
    if step in ("sign-up", "confirm"):
        page.get_by_role("button", name="이메일로 가입하기").click()
        expect_title(page, TITLES["sign-up"])
    if step in ("forgot", "reset"):
        page.get_by_role("button", name="비밀번호를 잊었어요").click()
        expect_title(page, TITLES["forgot"])
    if step == "confirm":
        fill(page, password=PASSWORD)
        submit(page, "sign-up")
    if step == "reset":
        submit(page, "forgot")
    expect_title(page, TITLES[step])
    for name, value in (("code", CODE), ("password", PASSWORD)):
        if name in FIELDS[step]:
            fill(page, **{name: value})
    return page


def sent(visit: Visit, route: str) -> list[Any]:
    """The bodies that a route got."""
    method, path = route.split(" ")
    return [json.loads(r.post_data or "null") for r in visit.requests if r.method == method and r.url.endswith(path)]


def expect_error(page: Page, name: str, words: str) -> None:
    """Check that an error is shown beside its field, also to a screen reader, and that the field has the focus."""
    expect(field(page, name)).to_be_focused()
    expect(field(page, name)).to_have_attribute("aria-invalid", "true")
    error = page.locator(f"#form-{name}-error")
    expect(error).to_be_visible()
    expect(error).to_contain_text(words)
    assert f"form-{name}-error" in (field(page, name).get_attribute("aria-describedby") or "").split()


# Each step


@pytest.mark.parametrize("step", TITLES)
def test_each_step_fits_a_phone_shows_the_e_mail_and_works_with_axe_and_password_managers(
    visit: Visit, step: str
) -> None:
    page = at(visit, step, viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    form = page.locator("form[aria-labelledby]")
    inputs = form.locator("input:not([type=checkbox])")
    assert {one.get_attribute("name"): one.get_attribute("autocomplete") for one in inputs.all()} == FIELDS[step]
    expect(field(page, "email")).to_have_value(EMAIL)
    expect(field(page, "email")).to_be_visible()
    assert form.get_attribute("method") == "post", "sent without script, it would not put a password into an address"
    assert violations(page) == []


@pytest.mark.parametrize("step", TITLES)
def test_each_step_with_an_error_has_no_accessibility_violations(visit: Visit, step: str) -> None:
    page = at(visit, step, {ROUTE[step]: [(429, "limit_exceeded"), (400, "invalid_email")]})
    submit(page, step)
    expect(page.locator("form [role=alert]")).to_contain_text("15분")
    assert violations(page) == []
    submit(page, step)
    expect_error(page, "email", "이메일 주소를 확인")
    assert violations(page) == []


WRONG_CODE = "코드가 맞지 않거나"
BESIDE_A_FIELD: list[tuple[str, tuple[int, str], str, str]] = [
    ("sign-in", (400, "wrong_credentials"), "password", "이메일이나 비밀번호가 맞지 않거나"),
    ("sign-in", (400, "invalid_email"), "email", "이메일 주소를 확인"),
    ("sign-up", (409, "email_taken"), "email", "이미 가입한 이메일"),
    ("sign-up", (400, "weak_password"), "password", "12자 이상"),
    ("sign-up", (400, "invalid_email"), "email", "이메일 주소를 확인"),
    ("confirm", (400, "invalid_code"), "code", WRONG_CODE),
    ("confirm", (410, "expired_code"), "code", "시간이 지났어요"),
    ("forgot", (400, "invalid_email"), "email", "이메일 주소를 확인"),
    ("reset", (400, "invalid_code"), "code", WRONG_CODE),
    ("reset", (400, "weak_password"), "password", "12자 이상"),
]


@pytest.mark.parametrize(("step", "answer", "name", "words"), BESIDE_A_FIELD)
def test_an_error_of_a_field_stands_beside_it_until_the_field_changes_and_keeps_the_input(
    visit: Visit, step: str, answer: tuple[int, str], name: str, words: str
) -> None:
    page = at(visit, step, {ROUTE[step]: [answer]})
    before = [one.input_value() for one in page.locator("form[aria-labelledby] input").all()]
    submit(page, step)
    expect_error(page, name, words)
    assert [one.input_value() for one in page.locator("form[aria-labelledby] input").all()] == before
    expect(page.get_by_role("button", name=SUBMIT[step], exact=True)).to_be_enabled()
    page.keyboard.press("End")
    if name != "email" or step not in ("confirm", "reset"):
        page.keyboard.type("x")
        expect(field(page, name)).not_to_have_attribute("aria-invalid", "true")
        expect(page.locator(f"#form-{name}-error")).to_be_hidden()
        page.keyboard.press("Backspace")


ELSEWHERE: list[tuple[Answer, str]] = [
    ((429, "limit_exceeded"), "15분쯤 뒤에"),
    ((429, "throttled"), "요청이 많아요"),
    ((502, "code_not_sent"), "코드를 보내지 못했어요"),
    ((507, "token_too_large"), "너무 커서"),
    ((502, "cognito_unavailable"), "처리하지 못했어요"),
    ((504, "cognito_too_slow"), "처리하지 못했어요"),
    ((403, "cross_site"), "처리하지 못했어요"),
    ((500, "internal_error"), "처리하지 못했어요"),
    ((400, "an error of tomorrow"), "처리하지 못했어요"),
    ((400, "toString"), "처리하지 못했어요"),
    ("unreachable", "인터넷 연결을 확인"),
]


@pytest.mark.parametrize(
    ("step", "answer", "words"),
    [*(("sign-in", *case) for case in ELSEWHERE), *((step, *ELSEWHERE[0]) for step in TITLES if step != "sign-in")],
    ids=str,
)
def test_any_other_error_is_announced_and_the_next_attempt_succeeds(
    visit: Visit, step: str, answer: Answer, words: str
) -> None:
    page = at(visit, step, {ROUTE[step]: [answer, DONE], SIGN_IN: [answer, DONE] if step == "sign-in" else [DONE]})
    visit.answers[ME] = [SORA]
    submit(page, step)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(words)
    expect_title(page, TITLES[step])
    submit(page, step)
    after = {"sign-up": TITLES["confirm"], "forgot": TITLES["reset"]}.get(step, SIGNED_IN)
    expect_title(page, after)


def test_a_429_of_the_gateway_is_shown_as_too_many_requests(visit: Visit) -> None:
    page = at(visit, "sign-in")
    page.route("**/api/auth/sign-in", lambda route: route.fulfill(status=429, json={"message": "Too Many Requests"}))
    submit(page, "sign-in")
    expect(page.get_by_role("alert")).to_contain_text("요청이 많아요")


def test_a_missing_response_is_an_error_and_a_second_press_sends_no_second_request(visit: Visit) -> None:
    page = at(visit, "sign-in", {SIGN_IN: ["silent"]}, still=True)
    submit(page, "sign-in")
    expect(page.get_by_role("button", name="잠시만요…")).to_be_focused()
    page.keyboard.press("Enter")
    field(page, "password").press("Enter")
    page.clock.run_for(25_000)
    expect(page.get_by_role("alert")).to_contain_text("인터넷 연결을 확인")
    assert len(sent(visit, SIGN_IN)) == 1


@pytest.mark.parametrize(
    ("step", "typed", "name"),
    [
        ("sign-in", {"email": ""}, "email"),
        ("sign-in", {"email": "   "}, "email"),
        ("sign-in", {"password": ""}, "password"),
        ("sign-up", {"email": ""}, "email"),
        ("sign-up", {"password": "eleven char"}, "password"),
        ("sign-up", {"password": " a long enough password"}, "password"),
        ("confirm", {"code": ""}, "code"),
        ("confirm", {"code": "12345"}, "code"),
        ("confirm", {"code": "1234567"}, "code"),
        ("forgot", {"email": ""}, "email"),
        ("reset", {"code": "abcdef"}, "code"),
        ("reset", {"password": "short"}, "password"),
    ],
)
def test_invalid_input_is_reported_before_a_request_is_sent(
    visit: Visit, step: str, typed: dict[str, str], name: str
) -> None:
    page = at(visit, step)
    fill(page, **typed)
    asked = len(visit.asked)
    submit(page, step)
    expect_error(page, name, "")
    assert len(visit.asked) == asked
    if name == "email":
        fill(page, email=EMAIL)


@pytest.mark.parametrize(
    "typed", ["123456", " 123 456 ", "123-456", "１２３４５６", "\u200b123456\u00a0", "12\t34\t56", "코드: 123456"]
)
@pytest.mark.parametrize("step", ["confirm", "reset"])
def test_a_pasted_code_is_reduced_to_its_six_digits(visit: Visit, step: str, typed: str) -> None:
    page = at(visit, step, {ROUTE[step]: [(400, "invalid_code")]})
    fill(page, code=typed)
    submit(page, step)
    expect_error(page, "code", WRONG_CODE)
    assert sent(visit, ROUTE[step])[0]["code"] == "123456"
    fill(page, code="")


# Whole flows


def test_a_sign_up_ends_signed_in_on_the_same_page_and_stores_nothing(visit: Visit) -> None:
    here = "/index.html?a=1#comment-3"
    page = at(visit, "confirm", path=here)
    visit.answers[ME] = [SORA]
    submit(page, "confirm")
    expect_title(page, SIGNED_IN)
    assert sent(visit, SIGN_UP) == [{"email": EMAIL, "password": PASSWORD}]
    assert sent(visit, CONFIRM) == [{"email": EMAIL, "code": CODE, "password": PASSWORD}]
    assert sent(visit, SIGN_IN) == [{"email": EMAIL, "password": PASSWORD, "session": True}]
    assert page.url == visit.site + here
    assert page.evaluate("[sessionStorage.length, history.state]") == [0, None]
    assert page.locator("form[aria-labelledby]").count() == 0


def test_a_sign_in_to_an_unconfirmed_account_leads_to_the_code_and_can_request_another(visit: Visit) -> None:
    page = at(visit, "sign-in", {SIGN_IN: [(403, "not_confirmed"), DONE]})
    submit(page, "sign-in")
    expect_title(page, TITLES["confirm"])
    expect(page.get_by_role("status").first).to_contain_text("인증이 남아 있어요")
    page.get_by_role("button", name="코드 다시 받기").click()
    expect(page.get_by_role("status").first).to_contain_text("새 코드를 요청했어요")
    assert sent(visit, RESEND) == [{"email": EMAIL}]
    fill(page, code=CODE)
    visit.answers[ME] = [SORA]
    submit(page, "confirm")
    expect_title(page, SIGNED_IN)
    assert sent(visit, CONFIRM) == [{"email": EMAIL, "code": CODE, "password": PASSWORD}]


def test_a_required_password_reset_leads_to_the_form_for_a_new_password(visit: Visit) -> None:
    """Another user signed the e-mail up before its owner did."""
    page = at(visit, "confirm", {CONFIRM: [(403, "password_reset_required")]})
    submit(page, "confirm")
    expect_title(page, TITLES["reset"])
    expect(page.get_by_role("status").first).to_contain_text("새로 정해야 해요")
    fill(page, code="654321", password="another long password")
    visit.answers[ME] = [SORA]
    submit(page, "reset")
    expect_title(page, SIGNED_IN)
    assert sent(visit, RESET) == [{"email": EMAIL, "code": "654321", "password": "another long password"}]
    assert sent(visit, SIGN_IN) == [{"email": EMAIL, "password": "another long password", "session": True}]


def test_a_used_code_leads_to_the_sign_in_form(visit: Visit) -> None:
    page = at(visit, "confirm", {CONFIRM: [(409, "already_confirmed")], SIGN_IN: [(400, "wrong_credentials")]})
    submit(page, "confirm")
    expect_title(page, TITLES["sign-in"])
    expect(page.get_by_role("status").first).to_contain_text("이미 인증한 이메일")
    fill(page, password=PASSWORD)
    visit.answers |= {ME: [SORA], SIGN_IN: [DONE]}
    submit(page, "sign-in")
    expect_title(page, SIGNED_IN)


@pytest.mark.parametrize("answer", [DONE, (429, "throttled"), "unreachable"], ids=str)
def test_a_password_reset_signs_the_user_in_or_leads_to_the_sign_in_form(visit: Visit, answer: Answer) -> None:
    page = at(visit, "reset", {SIGN_IN: [answer]})
    expect(page.get_by_role("status").first).to_contain_text("가입한 이메일이라면")
    visit.answers[ME] = [SORA]
    submit(page, "reset")
    assert sent(visit, FORGOT) == [{"email": EMAIL}]
    if answer == DONE:
        expect_title(page, SIGNED_IN)
    else:
        expect_title(page, TITLES["sign-in"])
        expect(page.get_by_role("status").first).to_contain_text("비밀번호를 바꿨어요")


def test_another_code_for_a_reset_can_be_requested_with_empty_fields(visit: Visit) -> None:
    page = at(visit, "reset")
    fill(page, code="", password="")
    page.get_by_role("button", name="코드 다시 받기").click()
    expect(page.get_by_role("status").first).to_contain_text("새 코드를 요청했어요")
    assert sent(visit, FORGOT) == [{"email": EMAIL}] * 2


@pytest.mark.parametrize(
    ("route", "press"), [(RESEND, "confirm"), (FORGOT, "reset"), (FORGOT, "forgot")], ids=["resend", "again", "forgot"]
)
def test_no_text_reveals_whether_an_account_exists(visit: Visit, route: str, press: str) -> None:
    """The API always answers 200, and the page adds nothing."""
    page = at(visit, press, {route: [DONE]})
    if press == "forgot":
        submit(page, "forgot")
    else:
        page.get_by_role("button", name="코드 다시 받기").click()
    status = page.get_by_role("status").first
    expect(status).to_contain_text(re.compile("이메일이라면"))


# Reload, Back, and other tabs


@pytest.mark.parametrize("step", TITLES)
def test_a_reload_keeps_the_step_and_the_e_mail_but_no_password(visit: Visit, step: str) -> None:
    page = at(visit, step)
    page.reload()
    expect_title(page, TITLES[step])
    expect(field(page, "email")).to_have_value(EMAIL)
    for name in ("code", "password"):
        if field(page, name).count():
            expect(field(page, name)).to_have_value("")
    if step == "confirm":
        expect(field(page, "password")).to_have_attribute("autocomplete", "current-password")
        fill(page, code=CODE, password=PASSWORD)
        visit.answers[ME] = [SORA]
        submit(page, "confirm")
        expect_title(page, SIGNED_IN)
        assert sent(visit, CONFIRM) == [{"email": EMAIL, "code": CODE, "password": PASSWORD}]


def test_the_back_button_goes_back_step_by_step_without_a_change_of_the_address(visit: Visit) -> None:
    page = at(visit, "confirm")
    for title in (TITLES["sign-up"], TITLES["sign-in"], SIGNED_OUT):
        page.go_back()
        expect_title(page, title)
        assert page.url == f"{visit.site}/"
    page.go_forward()
    expect_title(page, TITLES["sign-in"])


def test_a_late_response_does_not_change_the_step(visit: Visit) -> None:
    page = at(visit, "sign-up", {SIGN_UP: ["silent"]})
    submit(page, "sign-up")
    page.go_back()
    expect_title(page, TITLES["sign-in"])
    visit.silent.pop().fulfill(json=DONE)
    page.wait_for_timeout(100)
    expect_title(page, TITLES["sign-in"])


def test_leaving_the_form_clears_the_e_mail(visit: Visit) -> None:
    page = at(visit, "reset")
    page.get_by_role("button", name="다른 방법으로 로그인").click()
    expect_title(page, SIGNED_OUT)
    assert page.evaluate("[sessionStorage.length, history.state]") == [0, None]
    assert EMAIL not in page.content()


@pytest.mark.parametrize("answer", [401, 503, "unreachable"], ids=str)
def test_a_user_who_returns_from_another_tab_finds_the_form_unchanged(visit: Visit, answer: Answer) -> None:
    page = at(visit, "confirm")
    visit.answers[ME] = [answer]
    asked = len(visit.asked)
    come_back(page)
    page.wait_for_timeout(100)
    assert visit.asked[asked:] == [ME]
    expect_title(page, TITLES["confirm"])
    expect(field(page, "code")).to_have_value(CODE)


def test_a_sign_in_in_another_tab_closes_the_form(visit: Visit) -> None:
    page = at(visit, "reset")
    visit.answers[ME] = [SORA]
    come_back(page)
    expect_title(page, SIGNED_IN)
    assert page.evaluate("[sessionStorage.length, history.state]") == [0, None]


def test_a_page_from_the_back_forward_cache_keeps_its_step_without_the_password(visit: Visit) -> None:
    page = at(visit, "sign-in")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect_title(page, TITLES["sign-in"])
    expect(field(page, "email")).to_have_value(EMAIL)
    expect(field(page, "password")).to_have_value("")


NO_STORAGE = (
    """Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("no", "SecurityError") } })"""
)


def test_a_sign_up_works_without_session_storage(browser: Browser, site: str) -> None:
    visit = Visit(browser, site)
    page = at(visit, "confirm", script=NO_STORAGE)
    expect(field(page, "email")).to_have_value(EMAIL)
    visit.answers[ME] = [SORA]
    submit(page, "confirm")
    expect_title(page, SIGNED_IN)
    assert sent(visit, CONFIRM) == [{"email": EMAIL, "code": CODE, "password": PASSWORD}]
    visit.close()


# The keyboard, what is shown, and what is loaded


def test_a_sign_up_works_by_keyboard_only(visit: Visit) -> None:
    page = visit.open({})
    expect_title(page, SIGNED_OUT)
    press, text = page.keyboard.press, page.keyboard.type
    press("Tab"), press("Tab"), press("Enter")
    expect(field(page, "email")).to_be_focused()
    text(EMAIL)
    for _ in range(5):
        press("Tab")
    expect(page.get_by_role("button", name="이메일로 가입하기")).to_be_focused()
    press("Enter")
    expect(field(page, "password")).to_be_focused()
    text(PASSWORD)
    press("Enter")
    expect(field(page, "code")).to_be_focused()
    text(CODE)
    visit.answers[ME] = [SORA]
    press("Enter")
    expect_title(page, SIGNED_IN)
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_password_can_be_shown_and_is_hidden_again_when_it_is_sent(visit: Visit) -> None:
    page = at(visit, "sign-in", {SIGN_IN: ["silent"]})
    expect(field(page, "password")).to_have_attribute("type", "password")
    page.get_by_label("비밀번호 보기").check()
    expect(field(page, "password")).to_have_attribute("type", "text")
    submit(page, "sign-in")
    expect(field(page, "password")).to_have_attribute("type", "password")


@pytest.mark.parametrize(("locale", "language", "other"), [("ko-KR", "ko", "en"), ("en-US", "en", "ko")])
def test_the_forms_are_loaded_on_demand_in_one_language(visit: Visit, locale: str, language: str, other: str) -> None:
    page = visit.open({}, locale=locale)
    button = page.locator("#by-email")
    expect(button).to_be_visible()
    assert not [request.url for request in visit.requests if "/forms/" in request.url]
    button.click()
    expect(field(page, "email")).to_be_focused()
    loaded = {request.url.removeprefix(visit.site) for request in visit.requests if "/forms/" in request.url}
    assert loaded == {"/forms/forms.js", "/forms/forms.css", f"/forms/{language}.js"}
    assert violations(page) == []
    page.get_by_role("button", name={"ko": "다른 방법으로 로그인", "en": "Sign in another way"}[language]).click()
    button.click()
    expect(field(page, "email")).to_be_focused()
    assert page.locator("link[href='/forms/forms.css']").count() == 1


def test_both_languages_have_the_same_texts(visit: Visit) -> None:
    page = visit.open({})
    keys = """async (language) => {
        const all = (value, path) => typeof value === "string" ? [path]
            : Object.entries(value).flatMap(([key, inner]) => all(inner, `${path}.${key}`));
        return all((await import(`/forms/${language}.js`)).default, "");
    }"""
    assert page.evaluate(keys, "ko") == page.evaluate(keys, "en")


def test_an_english_browser_shows_the_forms_in_english(visit: Visit) -> None:
    page = visit.open({SIGN_IN: [(400, "wrong_credentials")]}, locale="en-US")
    page.get_by_role("button", name="Sign in with e-mail").click()
    page.get_by_role("textbox", name="E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect_error(page, "password", "is wrong, or was tried too often")
    assert not re.search("[가-힣]", page.locator("main").inner_text())


@pytest.mark.parametrize("file", ["forms.js", "ko.js"])
def test_forms_that_cannot_be_loaded_show_an_error_and_keep_the_kakao_button(visit: Visit, file: str) -> None:
    visit.files[f"/forms/{file}"] = "this is no JavaScript"
    page = visit.open({})
    page.get_by_role("button", name="이메일로 로그인").click()
    expect(page.get_by_role("status").first).to_contain_text("새로고침해 주세요")
    expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible()


@pytest.mark.parametrize("me", [401, 503], ids=["signed out", "failed"])
def test_without_e_mail_accounts_the_page_has_no_e_mail_button(visit: Visit, me: Answer) -> None:
    html = (FRONTEND / "index.html").read_text()
    visit.files["/"] = html.replace('name="email-accounts" content="true"', 'name="email-accounts" content="false"')
    page = visit.open({ME: [me]})
    expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible()
    assert page.locator("#by-email").count() == 0
    page.evaluate("history.pushState({ form: 'sign-up' }, '')")
    page.reload()
    expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible()
    assert not [request.url for request in visit.requests if "/forms/" in request.url]


def test_the_forms_work_in_a_browser_with_the_apis_of_safari_15(visit: Visit) -> None:
    script = WITHOUT_THEM % json.dumps(YOUNG.split()) + SOCKET_THAT_ANSWERS  # Playwright's own calls URL.parse
    page = at(visit, "sign-in", {REFRESH: [401]}, script=script)
    visit.answers[ME] = [SORA]
    submit(page, "sign-in")
    expect(page.get_by_role("heading", level=1)).to_have_text(SIGNED_IN)
