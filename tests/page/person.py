"""What a user does on the page, and sees there."""

from playwright.sync_api import Page, expect

from sandbox.kakao.people import Person
from sandbox.local import Sandbox
from tests.e2e.person import HANEUL, agree


def press_kakao(page: Page, sandbox: Sandbox) -> None:
    page.goto(sandbox.site)
    page.get_by_role("link", name="카카오 로그인").click()
    expect(page.get_by_role("button", name="동의하고 계속하기")).to_be_visible()


def sign_in(page: Page, sandbox: Sandbox, person: Person = HANEUL) -> None:
    press_kakao(page, sandbox)
    agree(page, person)
    expect_signed_in(page, person)


def expect_signed_in(page: Page, person: Person = HANEUL) -> None:
    expect(page.locator("#nickname")).to_have_text(person.nickname)
    expect(page.get_by_role("button", name="로그아웃")).to_be_visible()


def expect_signed_out(page: Page) -> None:
    expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible()
