"""Faults of the network in a response of Cognito, byte by byte."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import unquote_plus

import pytest

from handlers import token_endpoint
from handlers.errors import InvalidGrantError, TokenTooSlowError, TokenUnavailableError
from handlers.token_endpoint import TokenEndpoint
from tests.handlers.conftest import CLIENT_ID, ISSUER, Cognito, id_token

Serve = Callable[..., TokenEndpoint]


def endpoint_at(hosted_login: str) -> TokenEndpoint:
    return TokenEndpoint(hosted_login=hosted_login, client_id=CLIENT_ID, issuer=ISSUER)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return an endpoint whose server sends these parts, with a pause before each but the first, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        threads = []

        def endpoint(*parts: bytes, pause: float = 0.0) -> TokenEndpoint:
            def answer() -> None:
                with suppress(OSError), server.accept()[0] as connection:
                    connection.recv(65536)
                    for number, part in enumerate(parts):
                        time.sleep(pause if number else 0)
                        connection.sendall(part)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):  # to close with something unread would reset the connection
                        pass

            threads.append(threading.Thread(target=answer, daemon=True))
            threads[-1].start()
            return endpoint_at(f"http://127.0.0.1:{server.getsockname()[1]}")

        yield endpoint
        for thread in threads:
            thread.join()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("secret", ["s3cret", "a:b", "a/b+c=d e", "가"])
def test_a_client_secret_is_sent_form_encoded_in_the_header_only(secret: str, cognito: Cognito, hosted: str) -> None:
    """RFC 6749 section 2.3.1."""
    TokenEndpoint(hosted_login=hosted, client_id="id:1", client_secret=secret, issuer=ISSUER).revoke("token")
    ((_, form, headers),) = cognito.asked
    scheme, _, encoded = headers["authorization"].partition(" ")
    client_id, _, sent = base64.b64decode(encoded).decode().partition(":")
    assert (scheme, unquote_plus(client_id), unquote_plus(sent)) == ("Basic", "id:1", secret)
    assert form == {"token": "token"}


def test_a_client_without_a_secret_sends_its_id_in_the_form(cognito: Cognito, hosted: str) -> None:
    endpoint_at(hosted).revoke("token")
    ((_, form, headers),) = cognito.asked
    assert form == {"token": "token", "client_id": CLIENT_ID}
    assert "authorization" not in {name.lower() for name in headers}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x16\x03\x01 not http\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        OK + b"header: value\r\n" * 200 + b"\r\n{}",
        OK + b"header: " + b"x" * 70_000 + b"\r\n\r\n{}",
        OK + b"content-length: 500\r\n\r\n{",
        OK + b"transfer-encoding: chunked\r\n\r\nnone\r\n",
        OK + b"\r\n" + b"[" * 50_000,
        OK + b"\r\n" + b" " * 70_000 + b"{}",
        b"HTTP/1.1 400 No\r\n\r\n" + b"[" * 50_000,
        b"HTTP/1.1 400 No\r\ncontent-length: 500\r\n\r\n{",
        b"HTTP/1.1 204 None\r\n\r\n",
    ],
)
def test_a_truncated_or_malformed_response_is_unavailable(serve: Serve, answer: bytes) -> None:
    with pytest.raises(TokenUnavailableError):
        serve(answer).refresh("token")


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
def test_a_response_that_stops_half_way_is_too_slow(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: bytes
) -> None:
    monkeypatch.setattr(token_endpoint, "TIMEOUT_SECONDS", 0.05)
    with pytest.raises(TokenTooSlowError):
        serve(b"HTTP/1.1 " + status + b"\r\ncontent-length: 500\r\n\r\n{", b"}", pause=0.15).refresh("token")


def test_a_response_in_pieces_may_take_longer_than_the_connect_timeout(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_endpoint, "CONNECT_TIMEOUT_SECONDS", 0.05)
    body = b'{"error": "invalid_grant"}'
    head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n" % len(body)
    with pytest.raises(InvalidGrantError):
        serve(head, body[:5], body[5:], pause=0.1).refresh("token")


def test_a_response_over_the_size_limit_is_unavailable(serve: Serve) -> None:
    body = json.dumps({"id_token": id_token()}).encode()
    assert serve(OK + b"\r\n", body).refresh("token").claims["sub"] == "sub-1"
    with pytest.raises(TokenUnavailableError, match="TooLarge"):
        serve(OK + b"\r\n", body, b" " * 70_000).refresh("token")


def test_a_server_that_accepts_no_connection_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_endpoint, "CONNECT_TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        begun = time.monotonic()
        with pytest.raises(TokenTooSlowError):
            endpoint_at(f"http://127.0.0.1:{full.getsockname()[1]}").revoke("token")
        assert time.monotonic() - begun < 0.5


def test_an_https_address_is_requested_over_tls(serve: Serve) -> None:
    plain = serve(OK + b"\r\n{}")
    with pytest.raises(TokenUnavailableError, match="SSL"):
        endpoint_at(plain._hosted_login.replace("http:", "https:")).revoke("token")
