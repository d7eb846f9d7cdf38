"""The site's edge passes on what a browser sends, and brings back what AWS answers, as they are."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web

from sandbox.edge import serve_edges
from tests.ports import free_ports

DISTRIBUTION = "d111.cloudfront.net"


class Aws(BaseHTTPRequestHandler):
    """Tells what it was asked, with two cookies and a header of its own."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        body = json.dumps({"method": self.command, "path": self.path, "headers": headers, "body": sent}).encode()
        self.send_response(302 if "redirect" in self.path else 207)
        self.send_header("Set-Cookie", "a=1; Path=/")
        self.send_header("Set-Cookie", "b=2; Path=/")
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    port = free_ports()
    with ThreadingHTTPServer(("127.0.0.1", 0), Aws) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        aws = f"http://127.0.0.1:{server.server_port}"
        with serve_edges(site_port=port, aws=aws, distribution=DISTRIBUTION):
            yield f"http://127.0.0.1:{port}"
        server.shutdown()


def ask(url: str, method: str = "GET", **more: Any) -> Any:
    return requests.request(method, url, allow_redirects=False, timeout=5, **more).json()


def test_the_distribution_is_asked_by_its_own_name_over_https(site: str) -> None:
    headers = ask(f"{site}/", headers={"X-Forwarded-Proto": "http"})["headers"]
    assert headers["host"] == [DISTRIBUTION]
    assert headers["x-forwarded-proto"] == ["https"]


@pytest.mark.parametrize(
    "path", ["/api/../x", "/api/%2e%2e/x", "/a%2Fb", "/x//y", "/x?a=%20+b&a=", "/%ED%95%9C", "/api;x"]
)
def test_a_path_arrives_as_it_was_sent(site: str, path: str) -> None:
    with closing(http.client.HTTPConnection(site.removeprefix("http://"), timeout=5)) as connection:
        connection.request("GET", path)  # requests would tidy it up
        assert json.loads(connection.getresponse().read())["path"] == path


def test_body_cookies_and_headers_arrive(site: str) -> None:
    seen = ask(f"{site}/x", "POST", data="본문".encode(), headers={"Cookie": "a=1; b=2", "Sec-Fetch-Site": "none"})
    assert (seen["method"], seen["body"]) == ("POST", "본문")
    assert seen["headers"]["cookie"] == ["a=1; b=2"]
    assert seen["headers"]["sec-fetch-site"] == ["none"]


def test_status_redirect_and_each_cookie_come_back(site: str) -> None:
    answer = requests.get(f"{site}/redirect", allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/elsewhere")
    assert answer.raw.headers.getlist("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert requests.get(f"{site}/x", timeout=5).status_code == 207


def test_no_cookie_of_one_visitor_is_kept_for_the_next(site: str) -> None:
    ask(f"{site}/")
    assert "cookie" not in ask(f"{site}/")["headers"]


def test_a_socket_reaches_the_websocket_api_with_the_browsers_headers_and_its_refusals_come_back() -> None:
    async def api(request: web.Request) -> web.StreamResponse:
        assert request.path == "/_aws/execute-api/api-id/ws"
        if request.headers.get("Cookie") != "__Host-id=token":
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(request.headers["Origin"])
        async for message in socket:
            await socket.send_str(message.data)
            await socket.close(code=4001)
        return socket

    async def talk() -> None:
        application = web.Application()
        application.router.add_route("GET", "/{path:.*}", api)
        runner = web.AppRunner(application)
        await runner.setup()
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        aws = f"http://127.0.0.1:{runner.addresses[0][1]}"
        port = free_ports()
        loop = asyncio.get_running_loop()
        edges = serve_edges(site_port=port, aws=aws, distribution=DISTRIBUTION, websocket_api="api-id")
        await loop.run_in_executor(None, edges.__enter__)
        url = f"http://127.0.0.1:{port}/ws"
        headers = {"Cookie": "__Host-id=token", "Origin": "https://site.example"}
        async with ClientSession() as session:
            async with session.ws_connect(url, headers=headers) as socket:
                assert await socket.receive_str() == "https://site.example"
                await socket.send_str("안녕")
                assert await socket.receive_str() == "안녕"
                assert (await socket.receive()).type is WSMsgType.CLOSE
                assert socket.close_code == 4001
            with pytest.raises(WSServerHandshakeError) as refused:
                await session.ws_connect(url)
            assert refused.value.status == 403
        await loop.run_in_executor(None, edges.__exit__, None, None, None)
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(talk(), 20))
