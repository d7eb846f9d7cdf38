"""An HTTP client for servers that may be down, slow or hostile: each request is bounded in time and in size.

`requests` bounds each read but not the whole response, and would cost every cold start its import.
"""

import time
from collections.abc import Mapping
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from socket import IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, create_connection, getaddrinfo, socket
from ssl import SSLContext, create_default_context
from typing import Any
from urllib.parse import urlsplit


class ResponseTooLargeError(HTTPException):
    """The body is longer than `max_bytes`."""


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: str | None = None,
    connect_timeout: float,
    timeout: float,
    max_bytes: int,
) -> tuple[int, bytes]:
    """Send one request over a new connection, and return the status and the body of the response.

    `timeout` is for everything, in seconds; `connect_timeout` is for the connection alone. Raises TimeoutError where
    one of them is over; another OSError, or an HTTPException, where there is no response or one over `max_bytes`.

    http.client uses no proxy of the environment and follows no redirect. Only the DNS look-up has no time limit.
    """
    deadline = time.monotonic() + timeout
    address = urlsplit(url)
    tls = address.scheme == "https"
    connection = HTTPSConnection(address.netloc, context=_tls()) if tls else HTTPConnection(address.netloc)
    try:
        connection.sock = _connect(connection.host, connection.port, min(connect_timeout, _seconds_left(deadline)))
        connection.sock.settimeout(_seconds_left(deadline))
        if tls:
            connection.sock = _tls().wrap_socket(connection.sock, server_hostname=connection.host)
        target = f"{address.path}?{address.query}" if address.query else address.path
        connection.request(method, target, body, headers)
        with HTTPResponse(connection.sock, method=method) as response:
            response.fp = BufferedReader(_UntilDeadline(connection.sock, response.fp.detach(), deadline))
            response.begin()
            content = response.read(max_bytes + 1)
    finally:
        connection.close()
    if len(content) > max_bytes:
        raise ResponseTooLargeError
    return response.status, content


def _connect(host: str, port: int, timeout: float) -> socket:
    """Connect to the first address of the host that accepts; `timeout` is for all addresses together."""
    deadline = time.monotonic() + timeout
    failure = OSError("no address")
    for *_, address in getaddrinfo(host, port, type=SOCK_STREAM):
        try:
            connected = create_connection((str(address[0]), port), _seconds_left(deadline))
        except OSError as error:
            failure = error
        else:
            connected.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # as http.client does: a body follows its headers at once
            return connected
    raise failure


@cache
def _tls() -> SSLContext:
    """Read the trusted certificates once: it takes longer than a handshake."""
    return create_default_context()


def _seconds_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _UntilDeadline(RawIOBase):
    """Reads from a socket until a deadline. The socket's own timeout would start again with each byte."""

    def __init__(self, sock: socket, received: RawIOBase, deadline: float) -> None:
        self._sock = sock
        self._received = received
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_seconds_left(self._deadline))
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()
