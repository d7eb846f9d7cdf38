"""The error pages of a sign-in and of a missing file, in Chromium, under the site's own policy."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route

from handlers import error_page, pages
from infra.site import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.browser

SITE = "https://site.example"
BODIES = {kind: pages.error(kind)["body"] for kind in pages.PAGES} | {
    "not_found": pages.not_found()["body"],
    "aws_failed": error_page.AWS_FAILED,
}


class Visit:
    """A browser at a site whose own style sheet would hide everything, and whose own files do not exist."""

    def __init__(self, browser: Browser, **options: object) -> None:
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(locale="ko-KR", **options)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))

    def open(self, kind: str) -> Page:
        self.context.unroute_all()
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff"}

        def answer(route: Route) -> None:
            self.asked.append(route.request.url)
            route.fulfill(body=BODIES[kind], content_type="text/html; charset=utf-8", headers=headers)

        self.context.route("**/*", answer)
        self.page.goto(f"{SITE}/{kind}")
        return self.page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_each_error_page_is_readable_without_the_style_sheet_of_the_site(
    browser: Browser, width: int, scheme: str
) -> None:
    visit = Visit(browser, viewport={"width": width, "height": 720}, color_scheme=scheme)
    kinds = BODIES if width == 390 else ["login_expired", "not_found", "aws_failed"]
    for kind in kinds:
        page = visit.open(kind)
        assert page.evaluate("getComputedStyle(document.querySelector('a')).borderRadius") == "12px", (
            "its style is there"
        )
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("document.documentElement.scrollHeight") <= 720
        assert Axe().run(page).response["violations"] == []
    visit.context.close()
    assert visit.complaints == []
    assert visit.asked == [f"{SITE}/{kind}" for kind in kinds], "nothing else is loaded"
