"""One request to a server that may be down, slow, or no good: bounded in time and size whatever it does."""

import time
from collections.abc import Mapping
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from socket import IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, create_connection, getaddrinfo, socket
from ssl import SSLContext, create_default_context
from typing import Any
from urllib.parse import urlsplit


class TooLargeError(HTTPException):
    """The answer does not end where it should."""


def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: str | None = None,
    connect_seconds: float,
    seconds: float,
    largest: int,
) -> tuple[int, bytes]:
    """Send one request over a new connection; return the status and the body.

    http.client asks no proxy of the environment's, and follows no redirect. Raises TimeoutError where no connection is
    made within `connect_seconds`, or all is not over after `seconds`, be it that bytes drip; another OSError or an
    HTTPException where there is no answer, or one over `largest` bytes. Only the look-up of the name has no bound.
    """
    deadline = time.monotonic() + seconds
    address = urlsplit(url)
    tls = address.scheme == "https"
    connection = HTTPSConnection(address.netloc, context=_tls()) if tls else HTTPConnection(address.netloc)
    try:
        connection.sock = _connected(connection.host, connection.port, min(connect_seconds, _left(deadline)))
        connection.sock.settimeout(_left(deadline))
        if tls:
            connection.sock = _tls().wrap_socket(connection.sock, server_hostname=connection.host)
        connection.request(method, address.path, body, headers)
        with HTTPResponse(connection.sock, method=method) as response:
            response.fp = BufferedReader(_Bounded(connection.sock, response.fp.detach(), deadline))
            response.begin()
            answer = response.read(largest + 1)
    finally:
        connection.close()
    if len(answer) > largest:
        raise TooLargeError
    return response.status, answer


def _connected(host: str, port: int, seconds: float) -> socket:
    """Return a connection to the first address that takes one; each by itself would have all the seconds anew."""
    deadline = time.monotonic() + seconds
    failure = OSError("no address")
    for *_, address in getaddrinfo(host, port, type=SOCK_STREAM):
        try:
            connected = create_connection((str(address[0]), port), _left(deadline))
        except OSError as error:
            failure = error
        else:
            connected.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # as http.client does: a body follows its headers at once
            return connected
    raise failure


@cache
def _tls() -> SSLContext:
    """Whom to trust: read once, since that takes longer than a handshake."""
    return create_default_context()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Bounded(RawIOBase):
    """What a socket receives until a moment; its own timeout would begin anew at each byte."""

    def __init__(self, sock: socket, received: RawIOBase, deadline: float) -> None:
        self._sock = sock
        self._received = received
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._deadline))
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()
