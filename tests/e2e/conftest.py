"""The browser of the end-to-end tests."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from sandbox.local import Sandbox
from tests.prepare import chromium as system_chromium
from tests.sandbox.deployed import Switch, switches

expect.set_options(timeout=30_000)  # what comes at all may come late on a busy machine
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


# Not for the session: Playwright keeps an event loop running, in which no other module could `asyncio.run`.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium: the one of the system, else Playwright's own."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=system_chromium(), args=QUIET + root)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser."""
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
    with switches(sandbox.kakao) as switch:
        yield switch


@pytest.fixture
def cognito(sandbox: Sandbox) -> Iterator[Switch]:
    """Switches the hosted login, and back on afterwards."""
    with switches(sandbox.hosted_login) as switch:
        yield switch
