"""The verifiers of docs/guides/tokens-elsewhere.md, unchanged, against keys of a user pool."""

import ast
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.program import ROOT
from tests.processes import process

GUIDE = (ROOT / "docs" / "guides" / "tokens-elsewhere.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
(NEXT_JS,) = re.findall(r"```ts\n(.*?)```", GUIDE, re.DOTALL)
JOSE = "jose@6.2.17"
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


class RefusedError(Exception):
    """The verifier has refused the token."""


Claims = Callable[[str], dict[str, Any]]  # of a token; raises RefusedError


@pytest.fixture(scope="module", params=["FastAPI", pytest.param("Next.js", marks=pytest.mark.sandbox)])
def claims(issuer: str, request: pytest.FixtureRequest) -> Claims:
    """Return the claims that the guide's verifier finds. The verifier in Node.js needs npm: only in the slow tests."""
    name = {"FastAPI": "in_python", "Next.js": "in_node"}[request.param]
    verify: Claims = request.getfixturevalue(name)
    return verify


@pytest.fixture(scope="module")
def in_python(issuer: str) -> Claims:
    namespace: dict[str, Any] = {}
    exec(BLOCKS[0], namespace)
    verifier = namespace["Verifier"](issuer, [SITE, APP])

    def claims(token: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = verifier.claims(token)
        except pyjwt.PyJWTError:
            raise RefusedError from None
        return found

    return claims


# Next.js gives the cookies of a request: here, what is written to the process.
HEADERS = 'export const cookies = async () => new Map([["__Host-id", { value: globalThis.token }]]);'
LOOP = """
import { createInterface } from "node:readline";
import { user } from "./user.mjs";
for await (const line of createInterface({ input: process.stdin })) {
  globalThis.token = line;
  console.log(JSON.stringify(await user()));
}
"""


@pytest.fixture(scope="module")
def in_node(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claims]:
    folder = tmp_path_factory.mktemp("next")
    install_jose(folder)
    next_js = folder / "node_modules" / "next"
    next_js.mkdir()
    (next_js / "package.json").write_text('{"type": "module", "exports": {"./headers": "./headers.js"}}')
    (next_js / "headers.js").write_text(HEADERS)
    (folder / "user.mjs").write_text(NEXT_JS)
    (folder / "loop.mjs").write_text(LOOP)
    settings = os.environ | {"ISSUER": issuer, "CLIENT_IDS": f"{SITE},{APP}"}
    with process(["node", "loop.mjs"], cwd=folder, env=settings, stdin=subprocess.PIPE, stderr=None) as node:

        def claims(token: str) -> dict[str, Any]:
            assert node.stdin
            assert node.stdout
            print(token, file=node.stdin, flush=True)
            found: dict[str, Any] | None = json.loads(node.stdout.readline())
            if found is None:
                raise RefusedError
            return found

        yield claims
        assert node.stdin
        node.stdin.close()


def install_jose(folder: Path) -> None:
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("Node.js and npm are not installed")
    (folder / "package.json").write_text('{"private": true}')
    quick = ["--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"]
    ended = subprocess.run(["npm", "install", *quick, JOSE], cwd=folder, capture_output=True, text=True, timeout=100)
    if ended.returncode and re.search(r"ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|network", ended.stderr):
        pytest.skip("the npm registry is not reached")
    assert ended.returncode == 0, ended.stderr


def token(issuer: str, key: RSAKey = KEY, **changes: Any) -> str:
    claims = {"iss": issuer, "aud": SITE, "sub": "s", "token_use": "id", "exp": int(time.time()) + 60, **changes}
    return jwt.encode({"alg": "RS256", "kid": "pool"}, {k: v for k, v in claims.items() if v is not None}, key)


@pytest.mark.parametrize("client_id", [SITE, APP])
def test_a_token_of_either_client_is_accepted(claims: Claims, issuer: str, client_id: str) -> None:
    assert claims(token(issuer, aud=client_id))["sub"] == "s"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://cognito-idp.ap-northeast-2.amazonaws.com/of-another-pool"},
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
    claims: Claims, issuer: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(RefusedError):
        claims(token(issuer, **changes))


def test_a_token_without_a_signature_is_refused(claims: Claims, issuer: str) -> None:
    _, payload, _ = token(issuer).split(".")
    header = pyjwt.utils.base64url_encode(b'{"alg":"none","kid":"pool"}').decode()
    with pytest.raises(RefusedError):
        claims(f"{header}.{payload}.")


def test_the_blocks_are_valid_python_and_catch_existing_errors_of_pyjwt() -> None:
    for block in BLOCKS:
        ast.parse(block)
        for name in re.findall(r"jwt\.(Py\w+)", block):
            assert hasattr(pyjwt, name), name
