"""Addresses of the site in Chromium: which page opens, and where a sign-in returns to."""

import http.server
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from handlers.return_address import local_address
from sandbox.local import Sandbox
from tests.e2e.person import agree, expect_signed_in

pytestmark = pytest.mark.browser

ADDRESSES = [
    "/board/7#comment-3",
    '/board?filter[status]=open&by={name}|^`\\&q=\'"<>#{a}|[b]^`\\"<>',
    "/wiki/[2026]|{a}^`~!$&'()*+,;=:@-._\"<>",
    "/files/a%2Fb%5Cc%25d",
    "/한글 위키/김.하늘?이름=하늘 #댓글 3",
    "/%ED%95%9C%EA%B8%80",
    "/a//b/?a=/b//c?d#/e?f#g",
    "/user/kim.haneul",
    "/%zz/100%",
    "/@user:8080;a=1,b=2",
    "/x?next=https://e.example/",
    "/" + "x" * 700,
    "/?" + "한" * 250,
]
ELSEWHERE = [
    *("//evil.example", "/\\evil.example", "/\t/evil.example", "/.//evil.example", "/%2e%2e//evil.example"),
    *("https://evil.example", "https:evil.example", "javascript:alert(1)", "/\n/evil.example", "//evil。example"),
    *(
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/api/auth/callback?code=x",
        "/%61pi/auth/login",
        "@evil.example",
        ":443",
    ),
    *("/x/..//evil.example", "\\\\evil.example"),
]


class Redirects(http.server.BaseHTTPRequestHandler):
    """Every address is a page, but for one that redirects to where a finished login would return."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/finished":
            self.send_response(302)
            self.send_header("Location", local_address(parse_qs(address.query)["return_to"][0]))
            self.send_header("Content-Length", "0")
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "9")
        self.end_headers()
        if address.path != "/finished":
            self.wfile.write(b"<p>a page")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirects) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_sign_in_returns_to_the_page_on_which_it_began(page: Page, site: str, address: str) -> None:
    page.goto(site + address)
    there = page.evaluate("location.href")
    here = page.evaluate("encodeURIComponent(location.pathname + location.search + location.hash)")
    page.goto(f"{site}/finished?return_to={here}")
    assert page.evaluate("location.href") == there


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_no_address_that_a_link_asks_for_leads_off_the_site(page: Page, site: str, wanted: str) -> None:
    page.goto(f"{site}/finished?return_to={quote(wanted, safe='')}")
    assert page.evaluate("location.href") == f"{site}/"


@pytest.mark.sandbox
def test_a_sign_in_returns_to_the_address_that_the_link_names(page: Page, sandbox: Sandbox) -> None:
    address = "/board/kim.haneul?filter[status]=open&by={name}#comment-3"
    query = f"provider=Kakao&origin={quote(sandbox.site, safe='')}&return_to={quote(address, safe='')}"
    page.goto(f"{sandbox.site}/api/auth/login?{query}")
    agree(page)
    page.wait_for_url(lambda url: url == sandbox.site + address)
    expect_signed_in(page)


@pytest.mark.sandbox
def test_a_path_with_a_dot_opens_the_page_and_a_missing_file_shows_a_404_page(page: Page, sandbox: Sandbox) -> None:
    dotted, site = (page.request.get(f"{sandbox.site}{path}") for path in ("/user/kim.haneul", "/"))
    assert (dotted.status, dotted.body()) == (200, site.body())
    for path in ("/missing.png", "/.well-known/missing"):
        answer = page.goto(sandbox.site + path)
        assert answer
        assert answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("찾을 수 없어요")
        assert "<Error>" not in page.content()
    page.get_by_role("link", name="처음으로").click()
    page.wait_for_url(f"{sandbox.site}/")
