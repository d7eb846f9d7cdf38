"""A visit to a page in Chromium, with a service whose responses each test sets."""

import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, WebSocketRoute

from infra.page_files import client_modules
from infra.site import CONTENT_SECURITY_POLICY

ME, REFRESH, LOGOUT = "GET /api/userinfo", "POST /api/auth/refresh", "POST /api/auth/logout"
HANEUL = {"name": "Kakao_1", "nickname": "하늘", "email": "haneul@example.com", "provider": "Kakao"}
HOSTED_LOGOUT = "http://127.0.0.1:9/logout?client_id=1"
KAKAO_LOGOUT = f"{HOSTED_LOGOUT}&and=kakao"

# A JSON body, a status, an error of the API's with its status, "unreachable", or "silent"
Answer = dict[str, Any] | int | tuple[int, str] | str
Answers = dict[str, list[Answer]]
SIGNED_OUT: Answers = {ME: [401], REFRESH: [401], LOGOUT: [{"logout_url": HOSTED_LOGOUT}]}


class Site(http.server.SimpleHTTPRequestHandler):
    """The files of the page and the login's modules, under the policy of the real site."""

    def do_GET(self) -> None:
        code = client_modules().get(self.path[1:])
        if code is None:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript; charset=utf-8")
        self.end_headers()
        self.wfile.write(code.encode())

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serve_page(folder: Path) -> Iterator[str]:
    """Serve a page from this folder until the block ends."""
    handler = functools.partial(Site, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


class Chat:
    """The service behind the WebSocket. `silent`: it receives nothing, and the browser does not know it."""

    def __init__(self) -> None:
        self.silent = False

    def answer(self, frame: dict[str, Any]) -> dict[str, Any] | None:
        if self.silent:
            return None
        return {"pong": True} if "ping" in frame else {"nickname": "하늘", **frame}


def serve(content: str) -> Callable[[Route], None]:
    kind = "html" if content.startswith("<") else "javascript"
    return lambda route: route.fulfill(body=content, content_type=f"text/{kind}; charset=utf-8")


class Visit:
    """One user's browser, and the service behind the page. The last response of a route repeats."""

    def __init__(self, browser: Browser, site: str) -> None:
        self.browser, self.site = browser, site
        self.answers: Answers = {}
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.connections: list[WebSocketRoute] = []
        self.said: list[str] = []
        self.chat = Chat()
        self.files: dict[str, str] = {}
        self.complaints: list[str] = []
        self.silent: list[Route] = []

    def open(
        self,
        answers: Answers,
        *,
        path: str = "/",
        seconds: str = "900",
        script: str = "",
        still: bool = False,
        **options: Any,
    ) -> Page:
        self.answers = {**SIGNED_OUT, **answers}
        self.seconds = seconds
        self.context = self.browser.new_context(**{"locale": "ko-KR", "reduced_motion": "reduce", **options})
        self.context.route("**/api/**", self._answer)
        for file, content in self.files.items():
            self.context.route(self.site + file, serve(content))
        self.context.route_web_socket("**/ws", self._connect)
        self.context.route("http://127.0.0.1:9/**", lambda route: route.fulfill(body="signed out"))
        self.context.on("request", lambda request: self.requests.append(request))
        self.context.on("console", lambda message: self._hear(message.type, message.text))
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        page = self.context.new_page()
        page.clock.install(time=0)
        if still:  # no time passes but by `run_for`
            page.clock.pause_at(1)
        page.add_init_script(script)
        page.goto(self.site + path)
        return page

    def _hear(self, kind: str, message: str) -> None:
        if kind in ("error", "warning") and not message.startswith("Failed to load resource"):
            self.complaints.append(message)

    def _connect(self, connection: WebSocketRoute) -> None:
        def hear(frame: str | bytes) -> None:
            self.said.append(str(frame))
            if answer := self.chat.answer(json.loads(frame)):
                connection.send(json.dumps(answer))

        connection.on_message(hear)
        self.connections.append(connection)

    def _answer(self, route: Route) -> None:
        asked = f"{route.request.method} {urlsplit(route.request.url).path}"
        self.asked.append(asked)
        answers = self.answers.get(asked, [200])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "silent":
            self.silent.append(route)
        elif answer == "unreachable":
            route.abort()
        elif isinstance(answer, tuple):
            route.fulfill(status=answer[0], json={"error": answer[1], "message": "what to do"})
        elif isinstance(answer, int):
            route.fulfill(status=answer, json={"error": "code", "message": "what to do"})
        else:
            route.fulfill(json=answer, headers={"Session-Expires-In": self.seconds})

    def close(self) -> None:
        for route in self.silent:
            route.abort()
        self.context.close()


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """A visit. At its end the page must have stored nothing, called no third party and logged no error."""
    visit = Visit(browser, site)
    yield visit
    for page in visit.context.pages:
        kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
        assert kept == [0, 0, ""]
    visit.close()
    assert visit.complaints == []
    assert {request.url for request in visit.requests if not request.url.startswith(site)} <= {
        HOSTED_LOGOUT,
        KAKAO_LOGOUT,
    }


def expect_asked(page: Page, visit: Visit, *asked: str) -> None:
    """Check that the page sends these requests, in this order, and no more."""
    for _ in range(100):
        if len(visit.asked) >= len(asked):
            break
        page.wait_for_timeout(20)
    page.wait_for_timeout(50)
    assert visit.asked == list(asked)


def come_back(page: Page) -> None:
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def expect_connections(page: Page, visit: Visit, count: int) -> None:
    """Check the number of connections, and that no further one follows."""
    for _ in range(100):
        if len(visit.connections) >= count:
            break
        page.wait_for_timeout(20)
    page.wait_for_timeout(50)
    assert len(visit.connections) == count


YOUNG = """
AbortSignal.any AbortSignal.timeout Array.fromAsync Array.prototype.at Array.prototype.findLast
Array.prototype.findLastIndex Array.prototype.group Array.prototype.toReversed Array.prototype.toSorted
Array.prototype.toSpliced Array.prototype.with BroadcastChannel CSSStyleSheet.prototype.replaceSync CookieStore
Document.prototype.startViewTransition Element.prototype.checkVisibility Element.prototype.getHTML
Element.prototype.setHTMLUnsafe HTMLDialogElement HTMLElement.prototype.showPopover Iterator LockManager Map.groupBy
Navigation Navigator.prototype.locks Navigator.prototype.userActivation Navigator.prototype.userAgentData Object.groupBy
Object.hasOwn Promise.try Promise.withResolvers Response.json Scheduler Set.prototype.difference
Set.prototype.intersection Set.prototype.union String.prototype.at String.prototype.isWellFormed
String.prototype.toWellFormed TypedArray.prototype.at URL.canParse URL.parse URLPattern cookieStore navigation
reportError requestIdleCallback scheduler structuredClone
"""
WITHOUT_THEM = """for (const path of %s) {
  const names = path.split("."), name = names.pop();
  const owner = names.reduce((owner, name) => owner?.[name], window);
  if (owner) delete owner[name];
  if (owner && name in owner) Object.defineProperty(owner, name, { value: undefined });
}"""


SOCKET_THAT_ANSWERS = """
window.WebSocket = class extends EventTarget {
  static OPEN = 1;
  readyState = 1;
  constructor() {
    super();
    queueMicrotask(() => this.dispatchEvent(new Event("open")));
  }
  send(frame) {
    const data = JSON.stringify({ nickname: "하늘", ...JSON.parse(frame) });
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })));
  }
  close() {}
};"""
