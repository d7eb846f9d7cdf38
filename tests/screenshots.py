"""`make screenshots`: takes the READMEs' pictures of the page, as the sandbox serves it, into docs/pictures/."""

from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from sandbox.kakao import PEOPLE
from sandbox.local import running
from sandbox.program import ROOT
from tests.ports import free_ports
from tests.prepare import chromium

PICTURES = ROOT / "docs" / "pictures"
DESKTOP: ViewportSize = {"width": 960, "height": 900}
PHONE: ViewportSize = {"width": 375, "height": 667}


def sign_in(page: Page) -> None:
    """Sign in as the first test user of the stand-in, and write to the chat."""
    page.get_by_role("link", name="카카오 로그인").click()
    page.locator(f"input[name=person][value='{PEOPLE[0].id}']").check()
    page.get_by_role("button", name="동의하고 계속하기").click()
    page.get_by_label("메시지").fill("안녕하세요!")
    page.get_by_role("button", name="보내기").click()
    expect(page.get_by_role("log")).to_contain_text(f"{PEOPLE[0].nickname} 안녕하세요!")
    page.get_by_label("메시지").blur()


def take(site: str, browser: Browser, folder: Path) -> None:
    """Write desktop.png with a signed-in user, and phone.png without one."""
    for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
        page = browser.new_page(viewport=size, locale="ko-KR", reduced_motion="reduce")
        page.goto(site)
        expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible()
        if name == "desktop":
            sign_in(page)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        page.close()


def main() -> None:
    """Take them of a sandbox of their own."""
    with running(free_ports()) as sandbox, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        take(sandbox.site, browser, PICTURES)
        browser.close()


if __name__ == "__main__":
    main()
