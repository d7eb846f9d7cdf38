"""One user with a Kakao token and with Chromium, in both orders."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from tests.e2e.person import sign_in
from tests.sandbox.deployed import ask, bearer, forget, kakao_tokens

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

PERSON = PEOPLE[0]


@pytest.fixture(autouse=True)
def no_profiles_yet(sandbox: Sandbox) -> Iterator[None]:
    forget(sandbox, PERSON)
    yield
    forget(sandbox, PERSON)


def token_sign_in(sandbox: Sandbox) -> tuple[int, dict[str, str]]:
    access_token = kakao_tokens(sandbox, PERSON)["access_token"]
    answer = ask(sandbox, "POST /api/auth/kakao", body={"access_token": access_token})
    return answer.status_code, answer.json()


def user_of_the_page(page: Page) -> object:
    return page.evaluate("fetch('/api/userinfo').then(answer => answer.json())")


def test_a_user_who_signed_in_by_token_is_the_same_user_in_the_browser(page: Page, sandbox: Sandbox) -> None:
    status, tokens = token_sign_in(sandbox)
    assert status == 200
    sign_in(page, sandbox, PERSON)
    assert user_of_the_page(page) == ask(sandbox, "GET /api/userinfo", bearer(tokens["IdToken"])).json()


def test_a_user_who_signed_in_in_the_browser_must_use_the_browser_again_and_stays_the_same_user(
    page: Page, sandbox: Sandbox
) -> None:
    sign_in(page, sandbox, PERSON)
    person = user_of_the_page(page)
    status, answer = token_sign_in(sandbox)
    assert (status, answer["error"]) == (409, "hosted_login_required")
    page.context.clear_cookies()
    sign_in(page, sandbox, PERSON)
    assert user_of_the_page(page) == person
