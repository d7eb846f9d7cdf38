"""A server that drips or stalls at any point times out, and TLS verifies the host."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from handlers import http_client
from tests.handlers.user_pool import private_key

OK = b"HTTP/1.1 200 OK\r\n"
PAUSE = 0.02

Serve = Callable[..., tuple[str, threading.Event]]


def drip(text: bytes) -> list[bytes]:
    """One byte after the other."""
    return [bytes([byte]) for byte in text]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that sends these parts with pauses. Return its address, and an event for all parts sent."""
    listeners, threads, over = [], [], threading.Event()

    def serve(parts: list[bytes], tls: ssl.SSLContext | None = None) -> tuple[str, threading.Event]:
        sent_all = threading.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)

        def answer() -> None:
            with suppress(OSError), listener.accept()[0] as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                over.wait(3 * PAUSE if tls else 0)
                with tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
                    connection.recv(65536)
                    for part in parts:
                        connection.sendall(part)
                        over.wait(PAUSE)
                    sent_all.set()

        listeners.append(listener)
        threads.append(threading.Thread(target=answer, daemon=True))
        threads[-1].start()
        return f"{'https' if tls else 'http'}://localhost:{listener.getsockname()[1]}", sent_all

    yield serve
    over.set()
    for listener, thread in zip(listeners, threads, strict=True):
        thread.join()
        listener.close()


def ask(url: str, *, timeout: float = 30.0, connect_timeout: float = 10.0) -> tuple[int, bytes]:
    return http_client.request(
        "GET", f"{url}/path", headers={}, connect_timeout=connect_timeout, timeout=timeout, max_bytes=1000
    )


DRIPS = {
    "status": drip(b"HTTP/1.1 200 " + b"x" * 400),
    "headers": [OK, *drip(b"name: " + b"x" * 400)],
    "many headers": [OK, *[b"name: value\r\n"] * 90],
    "preliminary answers": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 400,
    "body": [OK + b"content-length: 500\r\n\r\n", *drip(b"x" * 400)],
    "body without a length": [OK + b"\r\n", *drip(b"x" * 400)],
    "chunks": [OK + b"transfer-encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 400],
    "size of a chunk": [OK + b"transfer-encoding: chunked\r\n\r\n", *drip(b"0" * 400)],
}


@pytest.mark.parametrize("where", DRIPS)
def test_a_response_that_drips_times_out(serve: Serve, where: str) -> None:
    url, sent_all = serve(DRIPS[where])
    with pytest.raises(TimeoutError):
        ask(url, timeout=0.2)
    assert not sent_all.is_set()


@pytest.mark.parametrize("begun", [b"", b"H", OK, OK + b"name", OK + b"content-length: 9\r\n\r\n", OK + b"\r\nx"])
def test_a_response_that_stalls_times_out(serve: Serve, begun: bytes) -> None:
    url, sent_all = serve([begun, *[b""] * 400])
    with pytest.raises(TimeoutError):
        ask(url, timeout=0.2)
    assert not sent_all.is_set()


@pytest.mark.parametrize("begun", [[], [b"\x16"], drip(b"\x16\x03\x03\x40\x00" + b"x" * 400)], ids=["", "byte", "drip"])
def test_a_tls_handshake_that_stalls_times_out(serve: Serve, begun: list[bytes]) -> None:
    url, sent_all = serve([*begun, *[b""] * 400])
    with pytest.raises(TimeoutError):
        ask(url.replace("http:", "https:"), timeout=0.2)
    assert not sent_all.is_set()


def test_a_response_in_pieces_is_read_whole(serve: Serve) -> None:
    url, _ = serve(drip(OK + b"content-length: 2\r\n\r\n{}"))
    assert ask(url, connect_timeout=PAUSE) == (200, b"{}")


@pytest.mark.parametrize(("origin", "port"), [("http://a", 80), ("https://a", 443), ("https://a:8443", 8443)])
def test_the_default_port_is_that_of_the_scheme(monkeypatch: pytest.MonkeyPatch, origin: str, port: int) -> None:
    asked: list[tuple[str, int]] = []

    def look_up(host: str, port: int, **_: object) -> list[object]:
        asked.append((host, port))
        return []

    monkeypatch.setattr(http_client, "getaddrinfo", look_up)
    with pytest.raises(OSError, match="no address"):
        ask(origin)
    assert asked == [("a", port)]


def test_the_connect_timeout_covers_all_addresses_of_a_host_together(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        monkeypatch.setattr(http_client, "getaddrinfo", lambda *_, **__: [(0, full.getsockname())] * 9)
        tried: list[object] = []

        def connect(address: tuple[str, int], seconds: float) -> socket.socket:
            tried.append(address)
            return socket.create_connection(address, seconds)

        monkeypatch.setattr(http_client, "create_connection", connect)
        with pytest.raises(TimeoutError):
            ask(f"http://a:{full.getsockname()[1]}", connect_timeout=0.1)
        assert len(tried) == 1


def test_after_a_refused_connection_the_next_address_is_tried(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = serve([OK + b"\r\n{}"])
    port = url.rpartition(":")[2]
    for addresses in (["127.0.0.2", "127.0.0.1"], ["127.0.0.2", "127.0.0.3"]):
        monkeypatch.setattr(
            http_client, "getaddrinfo", lambda *_, found=addresses, **__: [(0, (at, 0)) for at in found]
        )
        with nullcontext() if "127.0.0.1" in addresses else pytest.raises(ConnectionRefusedError):
            assert ask(f"http://a:{port}") == (200, b"{}")


# TLS


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A server's side of TLS, as `localhost`, with a certificate that this process trusts."""
    key = private_key("certified")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(hours=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    encoding = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(encoding))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(encoding, *form))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http_client._tls.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "key.pem")
    yield context
    http_client._tls.cache_clear()


def test_a_response_over_tls_is_read_whole_and_one_that_drips_times_out(
    serve: Serve, certified: ssl.SSLContext
) -> None:
    url, _ = serve([OK + b"\r\n", b"{", b"}"], certified)
    assert ask(url, connect_timeout=PAUSE) == (200, b"{}")
    url, sent_all = serve(drip(OK + b"name: " + b"x" * 400), certified)
    with pytest.raises(TimeoutError):
        ask(url, timeout=0.5)
    assert not sent_all.is_set()


def test_a_certificate_of_another_host_or_of_an_untrusted_issuer_is_refused(
    serve: Serve, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        ask(serve([], certified)[0].replace("localhost", "127.0.0.1"))
    monkeypatch.delenv("SSL_CERT_FILE")
    http_client._tls.cache_clear()
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        ask(serve([], certified)[0])
