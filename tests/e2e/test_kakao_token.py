"""One person with a Kakao token and with Chromium, in both orders."""

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
def nobody_has_signed_in_yet(sandbox: Sandbox) -> Iterator[None]:
    forget(sandbox, PERSON)
    yield
    forget(sandbox, PERSON)


def token_sign_in(sandbox: Sandbox) -> tuple[int, dict[str, str]]:
    access_token = kakao_tokens(sandbox, PERSON)["access_token"]
    answer = ask(sandbox, "POST /api/auth/kakao", body={"access_token": access_token})
    return answer.status_code, answer.json()


def whom_the_page_sees(page: Page) -> object:
    return page.evaluate("fetch('/api/userinfo').then(answer => answer.json())")


def test_who_came_by_token_is_the_same_person_in_the_browser(page: Page, sandbox: Sandbox) -> None:
    status, tokens = token_sign_in(sandbox)
    assert status == 200
    sign_in(page, sandbox, PERSON)
    assert whom_the_page_sees(page) == ask(sandbox, "GET /api/userinfo", bearer(tokens["IdToken"])).json()


def test_who_came_in_the_browser_stays_the_same_person_and_is_sent_there_again(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox, PERSON)
    person = whom_the_page_sees(page)
    status, answer = token_sign_in(sandbox)
    assert (status, answer["error"]) == (409, "hosted_login_required")
    page.context.clear_cookies()
    sign_in(page, sandbox, PERSON)
    assert whom_the_page_sees(page) == person
