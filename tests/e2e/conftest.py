"""The browser of the end-to-end tests. Playwright is loaded with the first one: most tests need none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from handlers.error_page import AWS_FAILED

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

    from sandbox.local import Sandbox
    from tests.sandbox.deployed import Switch

QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


# Not for the session: Playwright keeps an event loop running, in which no other module could `asyncio.run`.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium: the one of the system, else Playwright's own."""
    from playwright.sync_api import expect, sync_playwright

    from tests.prepare import chromium as system_chromium

    expect.set_options(timeout=30_000)  # a busy machine is slow
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=system_chromium(), args=QUIET + root)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One user's browser."""
    context = browser.new_context(locale="ko-KR")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab of it."""
    return context.new_page()


@pytest.fixture
def kakao(sandbox: Sandbox) -> Iterator[Switch]:
    """Switches the stand-in for Kakao, and back on afterwards."""
    from tests.sandbox.deployed import switches

    with switches(sandbox.kakao) as switch:
        yield switch


@pytest.fixture
def cognito(sandbox: Sandbox) -> Iterator[Switch]:
    """Switches the hosted login, and back on afterwards."""
    from tests.sandbox.deployed import switches

    with switches(sandbox.hosted_login) as switch:
        yield switch


Lose = Callable[[str], None]


@pytest.fixture
def lose(page: Page) -> Lose:
    """Loses the next response to a URL, after the request has had all its effects."""

    def dies(route: Route) -> None:
        import requests

        sent = route.request
        headers = {name: value for name, value in sent.all_headers().items() if not name.startswith(":")}
        url = sent.url.replace("//localhost:", "//127.0.0.1:")
        answer = requests.request(sent.method, url, headers=headers, allow_redirects=False, timeout=60)
        assert answer.status_code < 400
        if sent.is_navigation_request():  # what the distribution shows for a 500
            route.fulfill(status=500, body=AWS_FAILED, content_type="text/html")
        else:
            route.fulfill(status=500, json={"message": "Internal Server Error"})

    def lose(url: str) -> None:
        page.route(url, dies, times=1)

    return lose
