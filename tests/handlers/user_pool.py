"""A stand-in for a user pool: it signs ID tokens as Cognito does. Its keys' endpoint answers as a test sets."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from tests.handlers.conftest import CLIENT_ID, ISSUER

Jwk = dict[str, Any]


@cache
def private_key(kid: str, /) -> RSAPrivateKey:
    """A key for each name, made once for all tests."""
    return generate_private_key(65537, 1024 if kid == "short" else 2048)


def jwk(kid: str, /, **members: Any) -> Jwk:
    public = RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True)
    made = {**public, "kid": kid, "alg": "RS256", "use": "sig"} | members
    made.pop("key_ops")
    return {name: value for name, value in made.items() if value is not ...}


def known_claims() -> dict[str, Any]:
    """The claims of Cognito's ID token for a Kakao user."""
    now = int(time.time())
    return {
        "sub": "7d2f7a3e-0000-4000-8000-000000000001",
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "token_use": "id",
        "iat": now,
        "exp": now + 900,
        "cognito:username": "Kakao_1000000001",
        "nickname": "김하늘",
        "email": "haneul@example.com",
        "identities": [{"userId": "1000000001", "providerName": "Kakao", "providerType": "OIDC", "primary": "true"}],
    }


def token(kid: str = "current", /, *, headers: Any = None, **claims: Any) -> str:
    """An ID token; a claim that is `...` is left out."""
    values = {name: value for name, value in (known_claims() | claims).items() if value is not ...}
    return jwt.api_jws.encode(json.dumps(values).encode(), private_key(kid), "RS256", {"kid": kid, **(headers or {})})


class JwksEndpoint:
    """Answers with these keys, or with another status, header or body, and counts how often it was asked."""

    url: str

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.keys: list[Any] = [jwk("current"), jwk("next")]
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.silent = False  # does not respond until the client disconnects
        self.asked: list[str] = []
        self.received: dict[str, str] = {}  # headers, of the last one


@contextmanager
def jwks_endpoint() -> Iterator[JwksEndpoint]:
    state = JwksEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.received = dict(self.headers)
            if state.silent:
                self.rfile.read(1)
                self.close_connection = True
                return
            body = json.dumps({"keys": state.keys}).encode() if state.body is None else state.body
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:  # the client has disconnected
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_port}/pool/.well-known/jwks.json"
        yield state
        server.shutdown()
