"""The verifier in docs/guides/tokens-elsewhere.md, as it stands there, against keys of a user pool."""

import ast
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt as pyjwt
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.program import ROOT

GUIDE = (ROOT / "docs" / "guides" / "tokens-elsewhere.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
SITE, APP = "client-of-the-site", "client-of-the-apps"
KEY, OTHER = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("pool", "other"))


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    keys = json.dumps({"keys": [KEY.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]}).encode()

    class Pool(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/.well-known/jwks.json"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pool) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def verifier(issuer: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(BLOCKS[0], namespace)
    return namespace["Verifier"](issuer, [SITE, APP])


def token(issuer: str, key: RSAKey = KEY, **changes: Any) -> str:
    claims = {"iss": issuer, "aud": SITE, "sub": "s", "token_use": "id", "exp": int(time.time()) + 60, **changes}
    return jwt.encode({"alg": "RS256", "kid": "pool"}, {k: v for k, v in claims.items() if v is not None}, key)


@pytest.mark.parametrize("client_id", [SITE, APP])
def test_a_token_of_either_client_is_taken(verifier: Any, issuer: str, client_id: str) -> None:
    assert verifier.claims(token(issuer, aud=client_id))["sub"] == "s"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://cognito-idp.ap-northeast-2.amazonaws.com/of-somebody-else"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"token_use": "access"},
        {"token_use": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"key": OTHER},
    ],
    ids=[
        "another pool",
        "no issuer",
        "another client",
        "no client",
        "access token",
        "no use",
        "expired",
        "no expiry",
        "no user",
        "another key",
    ],
)
def test_a_token_with_one_wrong_or_missing_claim_is_refused(
    verifier: Any, issuer: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(pyjwt.PyJWTError):
        verifier.claims(token(issuer, **changes))


def test_a_token_without_a_signature_is_refused(verifier: Any, issuer: str) -> None:
    _, claims, _ = token(issuer).split(".")
    header = pyjwt.utils.base64url_encode(b'{"alg":"none","kid":"pool"}').decode()
    with pytest.raises(pyjwt.PyJWTError):
        verifier.claims(f"{header}.{claims}.")


def test_the_blocks_are_python_and_the_errors_that_they_catch_are_pyjwts() -> None:
    for block in BLOCKS:
        ast.parse(block)
        for name in re.findall(r"jwt\.(Py\w+)", block):
            assert hasattr(pyjwt, name), name
