"""A user signs up, in and out with e-mail in Chromium, in Korean, in our page, through the deployed program."""

import re
import secrets

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from handlers import contract
from sandbox.local import EMAIL_USER, Sandbox
from tests.e2e.person import cookies
from tests.page.person import expect_signed_out
from tests.sandbox.deployed import ask, mailed_code

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

FIRST, SECOND = "하늘을 나는 파란 고래 한 마리", "두 번째로 정한 긴 비밀번호"


@pytest.fixture
def email() -> str:
    return f"sora-{secrets.token_hex(4)}@example.com"


@pytest.fixture
def visited(page: Page) -> list[str]:
    """Every page that the browser went to."""
    urls: list[str] = []
    page.on("framenavigated", lambda frame: urls.append(frame.url))
    return urls


def open_form(page: Page, sandbox: Sandbox) -> None:
    page.goto(sandbox.site)
    page.get_by_role("button", name="이메일로 로그인").click()
    expect(page.get_by_role("textbox", name="이메일")).to_be_focused()


def enter(page: Page, button: str, **fields: str) -> None:
    for label, value in fields.items():
        page.get_by_role("textbox", name=label.replace("_", " "), exact=True).fill(value)
    page.get_by_role("button", name=button, exact=True).click()


def test_a_user_signs_up_signs_out_and_resets_a_forgotten_password(
    page: Page, context: BrowserContext, sandbox: Sandbox, email: str, visited: list[str]
) -> None:
    open_form(page, sandbox)
    page.get_by_role("button", name="이메일로 가입하기").click()
    enter(page, "코드 받기", 이메일=email, 비밀번호="너무 짧아요")
    expect(page.get_by_text("12자 이상으로 정해 주세요.")).to_be_visible()
    enter(page, "코드 받기", 비밀번호=FIRST)
    code = page.get_by_role("textbox", name="인증 코드")
    expect(code).to_be_focused()
    enter(page, "가입하고 로그인", 인증_코드="000000")
    expect(page.get_by_text("코드가 맞지 않거나")).to_be_visible()
    page.reload()
    expect(page.get_by_role("textbox", name="이메일")).to_have_value(email)
    read = mailed_code(sandbox, email)
    enter(page, "가입하고 로그인", 인증_코드=f" {read[:3]} {read[3:]}", 가입할_때_정한_비밀번호=FIRST)
    expect(page.locator("#email")).to_have_text(email)
    assert {contract.ID_COOKIE, contract.REFRESH_COOKIE} <= set(cookies(context))

    page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(page)
    assert cookies(context) == {}

    page.get_by_role("button", name="이메일로 로그인").click()
    enter(page, "로그인", 이메일=email, 비밀번호="이것은 내 비밀번호가 아니에요")
    expect(page.get_by_text("이메일이나 비밀번호가 맞지 않거나")).to_be_visible()
    page.get_by_role("button", name="비밀번호를 잊었어요").click()
    enter(page, "코드 받기")
    expect(page.get_by_role("textbox", name="새 비밀번호")).to_be_visible()
    enter(page, "바꾸고 로그인", 인증_코드=mailed_code(sandbox, email), 새_비밀번호=SECOND)
    expect(page.locator("#email")).to_have_text(email)

    for password, status in ((FIRST, 400), (SECOND, 200)):
        assert ask(sandbox, contract.SIGN_IN, body={"email": email, "password": password}).status_code == status
    # The only other page is Cognito's `/logout`, which redirects.
    assert [url for url in visited if not url.startswith(sandbox.site)] == []
    assert not [url for url in visited if "@" in url or "%40" in url]


def sign_up_with_a_taken_e_mail(page: Page, sandbox: Sandbox, email: str) -> None:
    """Try to sign up, and go on to the sign-in that the form offers."""
    open_form(page, sandbox)
    page.get_by_role("button", name="이메일로 가입하기").click()
    enter(page, "코드 받기", 이메일=email, 비밀번호=FIRST)
    expect(page.get_by_text("이미 가입한 이메일이에요.")).to_be_visible()
    page.get_by_role("button", name="로그인하기").click()


def test_a_sign_up_with_a_taken_e_mail_leads_to_the_sign_in_form(page: Page, sandbox: Sandbox) -> None:
    email, password = EMAIL_USER
    sign_up_with_a_taken_e_mail(page, sandbox, email)
    enter(page, "로그인", 비밀번호=password)
    expect(page.locator("#email")).to_have_text(email)


def test_the_owner_of_an_e_mail_takes_over_an_account_that_another_user_signed_up(
    page: Page, sandbox: Sandbox, email: str
) -> None:
    made = ask(sandbox, contract.SIGN_UP, body={"email": email, "password": "the strangers password"})
    assert made.status_code == 200
    sign_up_with_a_taken_e_mail(page, sandbox, email)
    enter(page, "로그인", 비밀번호=FIRST)
    expect(page.get_by_text("이메일 인증이 남아 있어요.")).to_be_visible()
    enter(page, "가입하고 로그인", 인증_코드=mailed_code(sandbox, email))
    expect(page.get_by_text("새로 정해야 해요")).to_be_visible()
    enter(page, "바꾸고 로그인", 인증_코드=mailed_code(sandbox, email), 새_비밀번호=SECOND)
    expect(page.locator("#email")).to_have_text(email)


def test_a_lost_network_keeps_what_the_user_typed_into_the_form(
    page: Page, context: BrowserContext, sandbox: Sandbox
) -> None:
    email, password = EMAIL_USER
    open_form(page, sandbox)
    context.set_offline(True)
    enter(page, "로그인", 이메일=email, 비밀번호=password)
    expect(page.get_by_role("alert")).to_have_text(re.compile("인터넷 연결을 확인"))
    context.set_offline(False)
    enter(page, "로그인")
    expect(page.locator("#email")).to_have_text(email)
