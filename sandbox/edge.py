"""The two addresses that a browser visits, each passing requests on to the emulated AWS."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from aiohttp import (
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from yarl import URL

from sandbox.emulator import check_free
from sandbox.hosted_login import HostedLogin

WebSocket = web.WebSocketResponse | ClientWebSocketResponse[Literal[True]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LARGEST = 10 * 1024 * 1024  # bytes in a request, as at API Gateway
HOP_BY_HOP = {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
HANDSHAKE = {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"}


@dataclass(frozen=True)
class Upstream:
    """The emulated AWS, asked in the name of one of its hosts."""

    session: ClientSession
    aws: str

    async def forward(self, request: web.Request, extra: Mapping[str, str] | None = None) -> web.Response:
        """Pass a request on as it came, path and query untouched, and give the answer back as it came."""
        headers = [*_passed_on(request.headers, HOP_BY_HOP | {name.lower() for name in extra or {}})]
        async with self.session.request(
            request.method,
            URL(self.aws + request.raw_path, encoded=True),
            headers=[*headers, *(extra or {}).items()],
            data=await request.read() or None,
            allow_redirects=False,
        ) as answer:
            response = web.Response(status=answer.status, reason=answer.reason, body=await answer.read())
            response.headers.clear()
            for name, value in _passed_on(answer.headers, HOP_BY_HOP):
                response.headers.add(name, value)
            return response

    async def call(self, operation: str, body: str) -> tuple[int, str]:
        """Call an action of Cognito's that needs no credentials."""
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        }
        async with self.session.post(self.aws, headers=headers, data=body) as answer:
            return answer.status, await answer.text()


@contextmanager
def serve_edges(*, site_port: int, aws: str, distribution: str, websocket_api: str | None = None) -> Iterator[None]:
    """Serve the site on `site_port` and the hosted login on the port after it, until the block ends.

    `distribution` is the distribution's host name, `websocket_api` the id of the API behind /ws. Raises NotStartedError
    where a port is taken.
    """
    for port in (site_port, site_port + 1):
        check_free(port)
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            timeout = ClientTimeout(total=60)
            session = ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=False, timeout=timeout)
            upstream = Upstream(await stack.enter_async_context(session), aws)
            await stack.enter_async_context(_listening(_site(upstream, distribution, websocket_api), site_port))
            login = HostedLogin(upstream.forward, upstream.call).answer
            await stack.enter_async_context(_listening(login, site_port + 1))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="edges")
    thread.start()
    try:
        started.wait(10)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@asynccontextmanager
async def _listening(handler: Handler, port: int) -> AsyncIterator[None]:
    """Answer everything on 127.0.0.1 and, where the machine has it, ::1: a browser may take localhost for either."""
    application = web.Application(client_max_size=LARGEST)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        with suppress(OSError):
            await web.TCPSite(runner, "::1", port).start()
        yield
    finally:
        await runner.cleanup()


def _site(upstream: Upstream, distribution: str, websocket_api: str | None) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if websocket_api and request.path == "/ws" and request.headers.get("upgrade", "").lower() == "websocket":
            return await _websocket(upstream, request, f"/_aws/execute-api/{websocket_api}/ws")
        return await upstream.forward(request, {"Host": distribution, "X-Forwarded-Proto": "https"})

    return answer


async def _websocket(upstream: Upstream, request: web.Request, path: str) -> web.StreamResponse:
    """Connect a browser to the WebSocket API with the browser's own headers; a refusal reaches it as one."""
    headers = list(_passed_on(request.headers, HOP_BY_HOP | HANDSHAKE | {"host"}))
    try:
        async with upstream.session.ws_connect(upstream.aws + path, headers=headers) as api:
            browser = web.WebSocketResponse()
            await browser.prepare(request)
            await asyncio.gather(_relay(api, browser), _relay(browser, api))
            return browser
    except WSServerHandshakeError as refusal:
        return web.Response(status=refusal.status, text=refusal.message)


async def _relay(source: WebSocket, target: WebSocket) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)
    await target.close(code=source.close_code or 1000)


def _passed_on(headers: Mapping[str, str], dropped: set[str]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in headers.items() if name.lower() not in dropped)
