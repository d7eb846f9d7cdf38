"""Kakao's own parameters of a login link, from the link to Kakao and back."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from sandbox.local import Sandbox
from tests.e2e.person import BADA, HANEUL, agree, expect_signed_in, sign_in, sign_out, user

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]


def link(sandbox: Sandbox, **parameters: str) -> str:
    return f"{sandbox.site}/api/auth/login?{urlencode({'provider': 'Kakao', 'origin': sandbox.site} | parameters)}"


@pytest.mark.both_modes
def test_parameters_of_a_login_link_reach_kakao_and_the_sign_in_goes_on(page: Page, sandbox: Sandbox) -> None:
    page.goto(link(sandbox, prompt="create", login_hint="bada@example.com", utm_source="talk"))
    query = parse_qs(urlsplit(page.url).query)
    assert page.url.startswith(f"{sandbox.kakao}/oauth/authorize?")
    assert (query["prompt"], query["login_hint"]) == (["create"], ["bada@example.com"])
    assert "utm_source" not in query
    expect(page.get_by_role("heading", name="카카오계정 가입")).to_be_visible()
    expect(page.locator("input[name=person]:checked")).to_have_value(str(BADA.id))
    agree(page, BADA)
    page.wait_for_url(f"{sandbox.site}/")
    expect_signed_in(page, BADA)


@pytest.mark.both_modes
def test_the_next_login_of_the_browser_does_not_inherit_the_parameters(page: Page, sandbox: Sandbox) -> None:
    page.goto(link(sandbox, prompt="create"))
    page.goto(link(sandbox))
    assert "prompt" not in parse_qs(urlsplit(page.url).query)


@pytest.mark.both_modes
def test_without_a_session_at_kakao_prompt_none_returns_to_the_page_without_an_error(
    page: Page, sandbox: Sandbox
) -> None:
    page.goto(link(sandbox, prompt="none", return_to="/#end"))
    assert page.url == f"{sandbox.site}/#end"
    assert user(page) is None


@pytest.mark.both_modes
def test_with_a_session_at_kakao_prompt_none_signs_in_without_a_page_of_kakao(page: Page, sandbox: Sandbox) -> None:
    sign_in(page, sandbox, HANEUL)
    sign_out(page, sandbox)
    assert user(page) is None
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.goto(link(sandbox, prompt="none"))
    expect_signed_in(page, HANEUL)
    assert not [request for request in asked if request.method == "POST" and request.url.startswith(sandbox.kakao)]
