"""The proxies forward requests of a browser, and return the responses of AWS, unchanged."""

import asyncio
import gzip
import http.client
import json
import random
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from aiohttp import ClientSession, WSCloseCode, WSMsgType, WSServerHandshakeError, web

from sandbox.emulator import NotStartedError
from sandbox.proxy import MAX_BODY_BYTES, serve_proxies
from tests.handlers import planted as planted_names
from tests.ports import free_ports
from tests.sandbox.conftest import CALLBACK, PKCE, PROVIDER, VERIFIER

DISTRIBUTION = "d111.cloudfront.net"
REDIRECTS = {
    "/redirect": "/elsewhere",
    "/oauth2/authorize": "https://provider.example/?state=at-provider",
    "/oauth2/idpresponse": f"{CALLBACK}?code=code",
}


PAGE = b"<p>" * 1000


class Aws(BaseHTTPRequestHandler):
    """Returns the request that it received, with two cookies and a header. Gives tokens for a code each time."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        path, _, compressed = self.path.partition("?")
        if path == "/compressed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(compressed) // 2))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(bytes.fromhex(compressed))
            return
        if path == "/page":
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)
            return
        sent = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        body = json.dumps({"method": self.command, "path": self.path, "headers": headers, "body": sent}).encode()
        self.send_response(302 if path in REDIRECTS else 207)
        self.send_header("Set-Cookie", "a=1; Path=/")
        self.send_header("Set-Cookie", "b=2; Path=/")
        if path.endswith("/large-cookies"):
            self.send_header("Set-Cookie", f"kept={'x' * 4092}; Path=/")
            self.send_header("Set-Cookie", f"dropped={'x' * 4090}; Path=/")
        if path.endswith("/many-cookies"):
            for number in range(90):
                self.send_header("Set-Cookie", f"cookie-{number}={'x' * 110}; Path=/")
        self.send_header("Location", REDIRECTS.get(path, "/elsewhere"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    port = free_ports()
    with ThreadingHTTPServer(("127.0.0.1", 0), Aws) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        aws = f"http://127.0.0.1:{server.server_port}"
        with serve_proxies(site_port=port, aws=aws, distribution=DISTRIBUTION):
            yield f"http://127.0.0.1:{port}"
        server.shutdown()


def ask(url: str, method: str = "GET", **more: Any) -> Any:
    return requests.request(method, url, allow_redirects=False, timeout=60, **more).json()


def test_requests_are_forwarded_with_the_distributions_host_and_https(site: str) -> None:
    headers = ask(f"{site}/", headers={"X-Forwarded-Proto": "http"})["headers"]
    assert headers["host"] == [DISTRIBUTION]
    assert headers["x-forwarded-proto"] == ["https"]


@pytest.mark.parametrize(
    "path", ["/api/../x", "/api/%2e%2e/x", "/a%2Fb", "/x//y", "/x?a=%20+b&a=", "/%ED%95%9C", "/api;x"]
)
def test_a_path_is_forwarded_unchanged(site: str, path: str) -> None:
    with closing(http.client.HTTPConnection(site.removeprefix("http://"), timeout=60)) as connection:
        connection.request("GET", path)  # requests would tidy it up
        assert json.loads(connection.getresponse().read())["path"] == path


def test_body_cookies_and_headers_are_forwarded(site: str) -> None:
    seen = ask(f"{site}/x", "POST", data="본문".encode(), headers={"Cookie": "a=1; b=2", "Sec-Fetch-Site": "none"})
    assert (seen["method"], seen["body"]) == ("POST", "본문")
    assert seen["headers"]["cookie"] == ["a=1; b=2"]
    assert seen["headers"]["sec-fetch-site"] == ["none"]


def test_status_redirect_and_each_cookie_are_returned(site: str) -> None:
    answer = requests.get(f"{site}/redirect", allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/elsewhere")
    assert answer.raw.headers.getlist("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert requests.get(f"{site}/x", timeout=60).status_code == 207


def test_cookies_of_one_user_are_not_kept_for_the_next(site: str) -> None:
    ask(f"{site}/")
    assert "cookie" not in ask(f"{site}/")["headers"]


def test_no_header_is_added_and_hop_by_hop_headers_are_dropped(site: str) -> None:
    port = int(site.rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.putrequest("POST", "/", skip_accept_encoding=True)
        for name, value in {"Connection": "X-Hop", "X-Hop": "1", "TE": "trailers", "X-End": "1"}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", "1")
        connection.endheaders(b"x")
        headers = json.loads(connection.getresponse().read())["headers"]
    assert set(headers) == {"host", "x-forwarded-proto", "x-end", "content-length"}


def test_a_compressed_body_is_returned_unchanged(site: str) -> None:
    body = gzip.compress(random.randbytes(2000))
    answer = requests.get(f"{site}/compressed?{body.hex()}", timeout=60, stream=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.raw.read(decode_content=False) == body


@pytest.mark.parametrize(("taken", "given"), [("gzip", "gzip"), ("identity", None)])
def test_a_page_is_compressed_for_a_browser_that_accepts_it(site: str, taken: str, given: str | None) -> None:
    answer = requests.get(f"{site}/page", headers={"Accept-Encoding": taken}, timeout=60)
    assert answer.headers.get("Content-Encoding") == given
    assert ("Vary" in answer.headers) is (given is not None)
    assert answer.content == PAGE


def test_a_head_response_has_the_content_length_of_the_get_response(site: str) -> None:
    answer = requests.head(f"{site}/compressed?00ff00", timeout=60)
    assert (answer.headers["Content-Length"], answer.content) == ("3", b"")


@pytest.mark.parametrize("target", ["http://{other}/x", "@{other}/x", "x@{other}/x"])
def test_a_request_target_cannot_lead_to_another_host(site: str, target: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.1)
        _, _, port = site.rpartition(":")
        target = target.format(other=f"127.0.0.1:{other.getsockname()[1]}")
        with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert connection.recv(4096).split()[1] == b"400"
        with pytest.raises(TimeoutError):
            other.accept()


API = "/_aws/execute-api/a1b2/$default"
BY_DISTRIBUTION = {"X-Amz-Cf-Id": "x", "User-Agent": "x", "Accept": "x", "Accept-Encoding": "x", "Connection": "close"}


@pytest.mark.parametrize("too_many", [0, 1])
def test_the_header_limit_of_api_gateway_is_enforced_to_the_byte(site: str, too_many: int) -> None:
    headers = BY_DISTRIBUTION | {"Host": "h", "Cookie": ""}
    fixed = len("GET /api/x?y HTTP/1.1") + sum(len(f"{name}: {value}") for name, value in headers.items())
    headers["Cookie"] = "c" * (10_240 - fixed + too_many)
    answer = requests.get(f"{site}{API}/api/x?y", headers=headers, timeout=60)
    assert answer.status_code == (431 if too_many else 207)


def test_a_request_for_a_page_may_exceed_api_gateways_header_limit(site: str) -> None:
    assert requests.get(f"{site}/", headers={"Cookie": "c" * 11_000}, timeout=60).status_code == 207


def test_a_request_counts_as_one_for_an_api_only_with_the_distributions_headers(site: str) -> None:
    seen = ask(f"{site}{API}/api/x")
    assert (seen["path"], seen["headers"]["host"]) == (f"{API}/api/x", [DISTRIBUTION])
    assert ask(f"{site}{API}/api/x", headers=BY_DISTRIBUTION)["headers"]["host"] != [DISTRIBUTION]


def test_a_response_over_api_gateways_header_limit_is_a_500(site: str) -> None:
    answer = requests.get(f"{site}{API}/many-cookies", headers=BY_DISTRIBUTION, timeout=60)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (500, False)


def test_a_cookie_too_large_for_browsers_is_dropped(site: str) -> None:
    answer = requests.get(f"{site}/large-cookies", timeout=60)
    names = [line.partition("=")[0] for line in answer.raw.headers.getlist("Set-Cookie")]
    assert names == ["a", "b", "kept"]


@pytest.mark.parametrize("planted", [name for name in planted_names.NOT_OURS if not {*name} & {*"\x0b\x1c\x1f"}])
def test_a_cookie_name_with_white_space_is_not_trimmed_to_another_name(site: str, planted: str) -> None:
    header = f"a=1; {planted.format('__Host-id')}=x=y; b=가"
    (seen,) = ask(f"{site}/x", headers={"Cookie": header.encode()})["headers"]["cookie"]
    assert [pair.strip().partition("=")[2] for pair in seen.split(";")][1] == "x=y"
    assert "__Host-id" not in {pair.strip().partition("=")[0] for pair in seen.split(";")}


def test_a_body_over_the_limit_of_the_gateway_is_refused(site: str) -> None:
    assert requests.post(f"{site}/x", data=bytes(MAX_BODY_BYTES + 1), timeout=60).status_code == 413


def test_the_site_is_reachable_at_ipv4_and_ipv6(site: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert ask(site.replace("127.0.0.1", "[::1]"))["headers"]["host"] == [DISTRIBUTION]


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_a_page_opened_by_ip_address_redirects_to_localhost(site: str, address: str) -> None:
    headers = {"Host": site.removeprefix("http://").replace("127.0.0.1", address), "Sec-Fetch-Mode": "navigate"}
    answer = requests.get(f"{site}/a%2Fb?c=%20d", headers=headers, allow_redirects=False, timeout=60)
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"{site.replace('127.0.0.1', 'localhost')}/a%2Fb?c=%20d"
    at_localhost = headers | {"Host": headers["Host"].replace(address, "localhost")}
    assert requests.get(f"{site}/x", headers=at_localhost, timeout=60).status_code == 207


def test_an_unreachable_emulator_is_a_502() -> None:
    port = free_ports()
    with serve_proxies(site_port=port, aws="http://127.0.0.1:1", distribution=DISTRIBUTION, websocket_api="api-id"):
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=60).status_code == 502
        handshake = {"Upgrade": "websocket", "Connection": "Upgrade"}
        assert requests.get(f"http://127.0.0.1:{port}/ws", headers=handshake, timeout=60).status_code == 502


def test_an_error_of_the_caller_stops_the_proxies() -> None:
    port, before = free_ports(), threading.active_count()
    with pytest.raises(KeyboardInterrupt), serve_proxies(site_port=port, aws="http://127.0.0.1:1", distribution="d"):
        raise KeyboardInterrupt
    assert threading.active_count() == before


@pytest.mark.parametrize("offset", [0, 1])
def test_a_port_in_use_is_reported_and_no_thread_is_left(offset: int) -> None:
    port, before = free_ports(), threading.active_count()
    with (
        socket.create_server(("127.0.0.1", port + offset)),
        pytest.raises(NotStartedError, match=f"Port {port + offset}"),
        serve_proxies(site_port=port, aws="http://127.0.0.1:1", distribution=DISTRIBUTION),
    ):
        pytest.fail("it started")
    assert threading.active_count() == before


@asynccontextmanager
async def sockets(api: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A WebSocket API, and its address at the site."""
    application = web.Application()
    application.router.add_route("GET", "/_aws/execute-api/api-id/ws", api)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = free_ports()
    aws = f"http://127.0.0.1:{runner.addresses[0][1]}"
    proxies = serve_proxies(site_port=port, aws=aws, distribution=DISTRIBUTION, websocket_api="api-id")
    await asyncio.to_thread(proxies.__enter__)
    try:
        yield f"http://127.0.0.1:{port}/ws"
    finally:
        await asyncio.to_thread(proxies.__exit__, None, None, None)
        await runner.cleanup()


def test_a_websocket_is_forwarded_with_its_headers_and_a_refusal_is_returned() -> None:
    async def api(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Cookie") != "__Host-id=token":
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json([request.headers["Origin"], request.query_string])
        async for message in socket:
            await socket.send_str(message.data)
            await socket.close(code=4001, message=b"expired")
        return socket

    async def talk() -> None:
        headers = {"Cookie": "__Host-id=token", "Origin": "https://site.example"}
        async with sockets(api) as url, ClientSession() as session:
            async with session.ws_connect(f"{url}?room=7", headers=headers) as socket:
                assert await socket.receive_json() == ["https://site.example", "room=7"]
                await socket.send_str("안녕")
                assert await socket.receive_str() == "안녕"
                closed = await socket.receive()
                assert (closed.type, closed.data, closed.extra) == (WSMsgType.CLOSE, 4001, "expired")
            with pytest.raises(WSServerHandshakeError) as refused:
                await session.ws_connect(url)
            assert refused.value.status == 403

    asyncio.run(asyncio.wait_for(talk(), 20))


def test_the_close_code_of_a_browser_reaches_the_websocket_api() -> None:
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def api(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await codes.put(socket.close_code)
        return socket

    async def talk() -> None:
        async with sockets(api) as url, ClientSession() as session:
            async with session.ws_connect(url) as socket:
                await socket.close(code=4002)
            assert await codes.get() == 4002
            async with session.ws_connect(url) as socket:
                socket._response.connection.transport.abort()
                assert await codes.get() == WSCloseCode.GOING_AWAY

    asyncio.run(asyncio.wait_for(talk(), 20))


def test_a_browser_that_leaves_during_the_handshake_causes_no_log_output(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, left, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def api(request: web.Request) -> web.StreamResponse:
        asked.set()
        await left.wait()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        ended.set()
        return socket

    async def leave() -> None:
        async with sockets(api) as url:
            _, browser = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].removesuffix("/ws")))
            handshake = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}
            lines = [f"{name}: {value}" for name, value in {"Host": "x", "Connection": "Upgrade", **handshake}.items()]
            browser.write("\r\n".join(["GET /ws HTTP/1.1", *lines, "", ""]).encode())
            await asked.wait()
            browser.transport.abort()
            left.set()
            await ended.wait()

    asyncio.run(asyncio.wait_for(leave(), 20))
    assert caplog.text == ""


def test_an_open_websocket_does_not_delay_the_shutdown() -> None:
    async def api(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    async def talk() -> None:
        async with ClientSession() as session, sockets(api) as url:
            socket = await session.ws_connect(url)
        assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)

    asyncio.run(asyncio.wait_for(talk(), 3))


def test_concurrent_requests_with_one_code_are_each_held_to_the_verifier(site: str) -> None:
    login = site.replace(port := site.rpartition(":")[2], str(int(port) + 1))
    asked = {"identity_provider": PROVIDER, "redirect_uri": CALLBACK} | PKCE
    for path, query in (("authorize", asked), ("idpresponse", {"code": "c", "state": "at-provider"})):
        requests.get(f"{login}/oauth2/{path}", query, allow_redirects=False, timeout=60)
    form = {"grant_type": "authorization_code", "code": "code", "redirect_uri": CALLBACK}
    for _ in range(2):  # this AWS would give tokens each time
        assert requests.post(f"{login}/oauth2/token", form, timeout=60).status_code == 400
    assert requests.post(f"{login}/oauth2/token", form | {"code_verifier": VERIFIER}, timeout=60).status_code == 207
