"""One request to a server that may be down, slow, or no good: bounded in time and size whatever it does."""

import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException


class TooLargeError(HTTPException):
    """The answer does not end where it should."""


def exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: str | None = None,
    seconds: float,
    largest: int,
) -> tuple[int, bytes]:
    """Send one request over a new connection, which has its own time to connect; return the status and the body.

    http.client asks no proxy of the environment's, and follows no redirect. Raises TimeoutError where the answer has
    not begun, or not ended, after `seconds` in all; another OSError or an HTTPException where there is none, or one
    over `largest` bytes.
    """
    deadline = time.monotonic() + seconds
    try:
        connection.connect()
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.sock.settimeout(left)
        connection.request(method, path, body, headers)
        with connection.getresponse() as response:
            answer = b""
            while part := response.read1(largest + 1):
                answer += part
                if len(answer) > largest:
                    raise TooLargeError
                if time.monotonic() > deadline:
                    raise TimeoutError
        return response.status, answer
    finally:
        connection.close()
