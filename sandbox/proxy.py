"""The two reverse proxies in front of the emulated AWS: the site (CloudFront, API Gateway) and the hosted login."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    WSCloseCode,
    WSMsgType,
    WSServerHandshakeError,
    hdrs,
    web,
)
from yarl import URL

from handlers import contract
from sandbox.emulator import check_free
from sandbox.event_loop import event_loop_thread
from sandbox.hosted_login import HostedLogin
from sandbox.identity_provider import IdentityProvider, ProviderTokens

WebSocket = web.WebSocketResponse | ClientWebSocketResponse[Literal[True]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's quota for a payload
# CloudFront's origin group asks another origin after these answers. The emulator has no origin groups.
MISSING = (403, 404)
# API Gateway's quota, "total combined size of request line and header values". Reported errors come from Netty, which
# also counts the names of headers.
MAX_HEADER_BYTES = contract.MAX_HEADER_BYTES
MAX_URL_BYTES, MAX_DISTRIBUTION_BYTES = 8192, 32_768  # CloudFront's limits: the URL, and all but the body
MAX_COOKIE_BYTES = contract.MAX_COOKIE_BYTES  # name and value; browsers drop a larger one (RFC 6265 section 6.1)
GATEWAY = re.compile(r"/_aws/execute-api/[^/]+/[^/]+")  # the emulator's path of an API and a stage
DISTRIBUTION_HEADER = "x-amz-cf-id"  # a distribution adds it
# CloudFront compresses these from 1,000 bytes on; the emulator does not.
COMPRESSED = {"application/json", "image/svg+xml", "text/css", "text/html", "text/javascript"}
MIN_COMPRESSED_BYTES = 1000
HOP_BY_HOP = {
    "connection",
    "expect",  # this proxy answers it
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
HANDSHAKE = {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"}
NO_ANSWER = "The emulated AWS does not answer."
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
ADDED_BY_AIOHTTP = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)


@dataclass(frozen=True)
class Upstream:
    """The emulated AWS."""

    session: ClientSession
    aws: str

    async def forward(
        self, request: web.Request, extra: Mapping[str, str] | None = None, *, under: str = ""
    ) -> web.Response:
        """Forward a request with its path and query unchanged, and return the answer unchanged.

        `extra` headers replace headers of the request, and `under` is put before the path. If the emulated AWS does not
        answer, the answer is 502.
        """
        extra = extra or {}
        dropped = {"content-length", *(name.lower() for name in extra)}
        try:
            async with self.session.request(
                request.method,
                self.address(under + request.raw_path),
                headers=[*_end_to_end(request.headers, dropped), *extra.items()],
                skip_auto_headers=ADDED_BY_AIOHTTP,
                data=await request.read() or None,
                allow_redirects=False,
            ) as answer:
                response = web.Response(status=answer.status, reason=answer.reason, body=await answer.read())
        except (ClientError, TimeoutError):
            raise web.HTTPBadGateway(text=NO_ANSWER) from None
        response.headers.clear()
        for name, value in _end_to_end(answer.headers, set()):
            response.headers.add(name, value)
        return response

    async def call(self, operation: str, body: str) -> tuple[int, str]:
        """Call an operation of Cognito's public API, without credentials."""
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        }
        async with self.session.post(self.aws, headers=headers, data=body) as answer:
            return answer.status, await answer.text()

    def address(self, path_and_query: str) -> URL:
        """Return the upstream URL of a request target. Refuse an absolute target (RFC 9112 section 3.2.2)."""
        if not path_and_query.startswith("/"):
            raise web.HTTPBadRequest
        return URL(self.aws + path_and_query, encoded=True)


@contextmanager
def serve_proxies(
    *,
    site_port: int,
    aws: str,
    distribution: str,
    websocket_api: str | None = None,
    is_deployed: Callable[[], bool] = lambda: True,
    client_secrets: Mapping[str, str] | None = None,
    providers: Mapping[str, IdentityProvider] | None = None,
) -> Iterator[None]:
    """Serve the site on `site_port` and the hosted login on the port after it, until the block ends.

    `distribution` is the distribution's host name, `websocket_api` the id of the API behind /ws, `client_secrets` the
    secrets of app clients by client id, `providers` the identity providers by name. `is_deployed` says whether the
    WebSocket API has a route: AWS deploys no API without one. Raises NotStartedError where a port is taken.
    """
    for port in (site_port, site_port + 1):
        check_free(port)
    stack = AsyncExitStack()

    async def start() -> None:
        timeout = ClientTimeout(total=60)
        session = ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=False, timeout=timeout)
        upstream = Upstream(await stack.enter_async_context(session), aws)
        await stack.enter_async_context(
            _listening(_site(upstream, distribution, websocket_api, is_deployed), site_port)
        )
        tokens = ProviderTokens(session, aws, providers or {})
        login = HostedLogin(upstream.forward, upstream.call, client_secrets or {}, tokens).answer
        await stack.enter_async_context(_listening(login, site_port + 1))

    with event_loop_thread("proxies") as run:
        try:
            run(start())
            yield
        finally:
            run(stack.aclose())


@asynccontextmanager
async def _listening(handler: Handler, port: int) -> AsyncIterator[None]:
    """Serve on 127.0.0.1 and, if the machine has it, on ::1: a browser may use either for localhost."""
    application = web.Application(client_max_size=MAX_BODY_BYTES)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=0.1,
        max_line_size=MAX_URL_BYTES,
        max_field_size=MAX_DISTRIBUTION_BYTES,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        with suppress(OSError):
            await web.TCPSite(runner, "::1", port).start()
        yield
    finally:
        await runner.cleanup()


def _is_api(path: str) -> bool:
    return path == contract.WEBSOCKET_PATH or path.startswith(f"{contract.API_PATH}/")


def _site(upstream: Upstream, distribution: str, websocket_api: str | None, is_deployed: Callable[[], bool]) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if DISTRIBUTION_HEADER in request.headers and (api := GATEWAY.match(request.raw_path)):
            return await _gateway(upstream, request, api[0])
        if (
            websocket_api
            and request.path == contract.WEBSOCKET_PATH
            and request.headers.get("upgrade", "").lower() == "websocket"
        ):
            _check_headers(request)
            if not await asyncio.to_thread(is_deployed):
                return web.Response(status=403)
            stage = f"/_aws/execute-api/{websocket_api}{contract.WEBSOCKET_PATH}"
            return await _websocket(upstream, request, f"{stage}?{request.rel_url.raw_query_string}".rstrip("?"))
        if request.headers.get("sec-fetch-mode") == "navigate" and request.url.host != "localhost":
            # A sign-in comes back to localhost, which does not have the cookies of another host name.
            raise web.HTTPTemporaryRedirect(request.url.with_host("localhost"))
        extra = {"Host": distribution, "X-Forwarded-Proto": "https"}
        if cookies := request.headers.getall(hdrs.COOKIE, []):
            extra["Cookie"] = "; ".join(map(_quote_names, cookies))
        response = await upstream.forward(request, extra)
        if response.status in MISSING and not _is_api(request.path):
            response = await upstream.forward(request, extra, under=contract.MISSING_FILE_PATH)
        _drop_large_cookies(response)
        if _to_be_compressed(request, response):
            response.enable_compression(web.ContentCoding.gzip)
            response.headers.add(hdrs.VARY, hdrs.ACCEPT_ENCODING)
        return response

    return answer


async def _gateway(upstream: Upstream, request: web.Request, api: str) -> web.Response:
    """Forward to an API with API Gateway's limit of header bytes, for the request and for the answer."""
    _check_headers(request, stripped=len(api))
    response = await upstream.forward(request)
    if _size(response.headers.items()) > MAX_HEADER_BYTES:
        log.error("The answer to %s has over %d bytes of headers.", request.path.removeprefix(api), MAX_HEADER_BYTES)
        raise web.HTTPInternalServerError(text='{"message":"Internal Server Error"}', content_type="application/json")
    return response


def _check_headers(request: web.Request, *, stripped: int = 0) -> None:
    """Refuse more header bytes than API Gateway takes. `stripped` bytes of the path are the emulator's."""
    line = len(f"{request.method} {request.raw_path} HTTP/1.1") - stripped
    if line + _size(request.headers.items()) > MAX_HEADER_BYTES:
        log.warning("A request has over %d bytes of headers: 431.", MAX_HEADER_BYTES)
        text = '{"message":"Request Header Fields Too Large"}'
        raise web.HTTPRequestHeaderFieldsTooLarge(text=text, content_type="application/json")


def _size(headers: Iterable[tuple[str, str]]) -> int:
    return sum(len(f"{name}: {value}".encode(errors="surrogateescape")) for name, value in headers)


def _quote_names(cookies: str) -> str:
    """Return a Cookie header whose names have only visible ASCII characters; others are percent-encoded.

    The emulated distribution strips Unicode white space from names. Without this, another cookie would get the name of
    the login's cookie.
    """
    pairs = (pair.strip(" \t").partition("=") for pair in cookies.split(";"))
    return "; ".join(quote(name, safe=VISIBLE, errors="surrogateescape") + sep + value for name, sep, value in pairs)


def _drop_large_cookies(response: web.Response) -> None:
    """Remove Set-Cookie headers that a browser would drop: other clients keep them and would hide the fault."""
    lines = response.headers.popall(hdrs.SET_COOKIE, [])
    for line in lines:
        name, _, value = line.partition(";")[0].partition("=")
        if len(name.encode()) + len(value.encode()) <= MAX_COOKIE_BYTES:
            response.headers.add(hdrs.SET_COOKIE, line)
        else:
            log.warning("Browsers drop the cookie %s: its name and value have over %d bytes.", name, MAX_COOKIE_BYTES)


def _to_be_compressed(request: web.Request, response: web.Response) -> bool:
    return (
        "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
        and hdrs.CONTENT_ENCODING not in response.headers
        and response.content_type in COMPRESSED
        and isinstance(response.body, bytes)
        and len(response.body) >= MIN_COMPRESSED_BYTES
    )


async def _websocket(upstream: Upstream, request: web.Request, path: str) -> web.StreamResponse:
    """Connect a browser to the WebSocket API with the browser's headers, and pass a refusal on."""
    headers = [*_end_to_end(request.headers, HANDSHAKE | {"host"})]
    try:
        connection = await upstream.session.ws_connect(upstream.address(path), headers=headers)
    except WSServerHandshakeError as refusal:
        return web.Response(status=refusal.status)
    except (ClientError, TimeoutError):
        raise web.HTTPBadGateway(text=NO_ANSWER) from None
    async with connection as api:
        browser = web.WebSocketResponse()
        with suppress(ConnectionError):  # the browser may have left
            await browser.prepare(request)
            await asyncio.gather(_relay(api, browser), _relay(browser, api))
        return browser


async def _relay(source: WebSocket, target: WebSocket) -> None:
    """Forward messages until one side closes, then forward the close code and reason."""
    while True:
        message = await source.receive()
        match message.type:
            case WSMsgType.TEXT:
                await target.send_str(message.data)
            case WSMsgType.BINARY:
                await target.send_bytes(message.data)
            case WSMsgType.CLOSE:
                await target.close(code=message.data or WSCloseCode.OK, message=(message.extra or "").encode())
                return
            case _:
                await target.close(code=WSCloseCode.GOING_AWAY)
                return


def _end_to_end(headers: Mapping[str, str], dropped: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the headers that are not hop-by-hop (RFC 9110 section 7.6.1)."""
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    dropped = dropped | named | HOP_BY_HOP
    return ((name, value) for name, value in headers.items() if name.lower() not in dropped)
