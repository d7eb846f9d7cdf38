"""A stand-in for Kakao: the endpoints, shapes and error codes of kauth.kakao.com and kapi.kakao.com on one port."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.event_loop import event_loop_thread
from sandbox.kakao import api, login
from sandbox.kakao.errors import ApiError
from sandbox.kakao.oauth import KakaoApp
from sandbox.kakao.people import PEOPLE, Person
from sandbox.kakao.server import KakaoServer
from sandbox.kakao.switches import Switches

__all__ = ["PEOPLE", "KakaoApp", "Person", "serve"]

SHUTDOWN_SECONDS = 0.1  # for requests under way


@contextmanager
def serve(port: int, app: KakaoApp, hosts: Mapping[str, str]) -> Iterator[str]:
    """Serve on 127.0.0.1 and yield the base URL, which is the issuer too; port 0 takes a free port.

    `hosts` maps an origin that does not resolve on this machine to the origin that answers for it, as /etc/hosts
    would. Redirect URIs are read through it. Raises OSError if the port is taken.
    """
    with _listening_socket(port) as listener, event_loop_thread("kakao") as run:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        runner = web.AppRunner(
            _application(KakaoServer(address, app, hosts)), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )

        async def start() -> None:
            await runner.setup()
            await web.SockSite(runner, listener).start()

        try:
            run(start())
            yield address
        finally:
            run(runner.cleanup())


def _application(kakao: KakaoServer) -> web.Application:
    switches = Switches(kakao)
    application = web.Application(middlewares=[_answer_api_errors, switches.middleware()])
    application.add_routes([*login.routes(kakao), *api.routes(kakao), *switches.routes()])
    application.on_shutdown.append(switches.release)
    return application


@web.middleware
async def _answer_api_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body, status=error.status)


@contextmanager
def _listening_socket(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise OSError(error.errno, f"The Kakao stand-in cannot use port {port}: {error.strerror}") from None
        yield listener
