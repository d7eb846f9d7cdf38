"""A stand-in for Kakao: the endpoints, shapes and error codes of kauth.kakao.com and kapi.kakao.com on one port."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.kakao.api import api
from sandbox.kakao.login import login
from sandbox.kakao.people import PEOPLE, Person
from sandbox.kakao.server import KakaoApp, KakaoServer
from sandbox.kakao.switches import Switches

__all__ = ["PEOPLE", "KakaoApp", "Person", "serve"]


@contextmanager
def serve(port: int, app: KakaoApp, hosts: Mapping[str, str]) -> Iterator[str]:
    """Serve on 127.0.0.1 and give the base URL, which is the issuer too; port 0 takes a free one.

    `hosts` names origins that do not resolve here, each with the origin that answers for it, as /etc/hosts
    would; redirect URIs are read through it. Raises OSError if the port is taken.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise OSError(error.errno, f"The Kakao stand-in cannot use port {port}: {error.strerror}") from None
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        kakao = KakaoServer(address, app, hosts)
        switches = Switches()
        site = Flask(__name__)
        for blueprint in (login(kakao), api(kakao), switches.routes(kakao)):
            site.register_blueprint(blueprint)
        # werkzeug would end the process over a taken port, so it is handed a listening socket.
        server = make_server("127.0.0.1", port, site, threaded=True, request_handler=_Quiet, fd=listener.fileno())
        poll = {"poll_interval": 0.05}
        # Ctrl-C may come before anybody waits for it.
        thread = threading.Thread(target=server.serve_forever, name="kakao", kwargs=poll, daemon=True)
        thread.start()
        try:
            yield address
        finally:
            switches.release()
            server.shutdown()
            thread.join()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""
