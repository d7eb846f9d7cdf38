"""What a person does in the browser, and sees there."""

from playwright.sync_api import BrowserContext, Page, expect

from sandbox.kakao import PEOPLE
from sandbox.kakao.people import Person
from sandbox.local import Sandbox

HANEUL, BADA = PEOPLE[0], PEOPLE[1]


def press_kakao(page: Page, sandbox: Sandbox) -> None:
    page.goto(sandbox.site)
    page.get_by_role("link", name="카카오 로그인").click()
    expect(page.get_by_role("button", name="동의하고 계속하기")).to_be_visible()


def agree(page: Page, person: Person = HANEUL, *, withhold: tuple[str, ...] = ()) -> None:
    page.locator(f"input[name=person][value='{person.id}']").check()
    for item in withhold:
        page.locator(f"input[name=consent][value={item}]").uncheck()
    page.get_by_role("button", name="동의하고 계속하기").click()


def sign_in(page: Page, sandbox: Sandbox, person: Person = HANEUL) -> None:
    press_kakao(page, sandbox)
    agree(page, person)
    expect_signed_in(page, person)


def expect_signed_in(page: Page, person: Person = HANEUL) -> None:
    expect(page.locator("#nickname")).to_have_text(person.nickname)
    expect(page.get_by_role("button", name="로그아웃")).to_be_visible()


def expect_signed_out(page: Page) -> None:
    expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible()


def cookies(context: BrowserContext) -> dict[str, dict[str, object]]:
    """The cookies that the browser holds of the site, by name; Kakao's stand-in has one too, at 127.0.0.1."""
    return {cookie["name"]: dict(cookie) for cookie in context.cookies() if cookie["domain"] != "127.0.0.1"}
