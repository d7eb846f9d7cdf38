"""What a user does in the browser at the login and at Kakao, whatever the page of the site is."""

from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Page, expect

from sandbox.kakao import PEOPLE
from sandbox.kakao.people import Person
from sandbox.local import Sandbox

HANEUL, BADA = PEOPLE[0], PEOPLE[1]


def begin_sign_in(page: Page, sandbox: Sandbox) -> None:
    """Follow a login link to Kakao."""
    page.goto(f"{sandbox.site}/api/auth/login?{urlencode({'provider': 'Kakao', 'origin': sandbox.site})}")
    expect(page.get_by_role("button", name="동의하고 계속하기")).to_be_visible()


def agree(page: Page, person: Person = HANEUL, *, withhold: tuple[str, ...] = ()) -> None:
    page.locator(f"input[name=person][value='{person.id}']").check()
    for item in withhold:
        page.locator(f"input[name=consent][value={item}]").uncheck()
    page.get_by_role("button", name="동의하고 계속하기").click()


def sign_in(page: Page, sandbox: Sandbox, person: Person = HANEUL) -> None:
    begin_sign_in(page, sandbox)
    agree(page, person)
    page.wait_for_url(f"{sandbox.site}/")
    expect_signed_in(page, person)


def sign_out(page: Page, sandbox: Sandbox) -> None:
    with page.expect_navigation(url=f"{sandbox.site}/"):
        page.evaluate("void import('/login.js').then((login) => login.signOut())")


def user(page: Page) -> dict[str, Any] | None:
    """The user that a page of the site learns of from login.js."""
    found: dict[str, Any] | None = page.evaluate("import('/login.js').then((login) => login.user())")
    return found


def expect_signed_in(page: Page, person: Person = HANEUL) -> None:
    assert (user(page) or {}).get("nickname") == person.nickname


def cookies(context: BrowserContext) -> dict[str, dict[str, object]]:
    """The cookies that the browser holds of the site, by name; Kakao's stand-in has one too, at 127.0.0.1."""
    return {cookie["name"]: dict(cookie) for cookie in context.cookies() if cookie["domain"] != "127.0.0.1"}


def session(context: BrowserContext) -> dict[str, object]:
    """Their values."""
    return {name: cookie["value"] for name, cookie in cookies(context).items()}
