"""The shell blocks of the documents work beside a running sandbox, unchanged."""

import re
import subprocess
from typing import Any

import jwt
import pytest

from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from sandbox.program import ROOT
from tests.sandbox.deployed import forget

pytestmark = pytest.mark.sandbox

PAGE = ROOT / "docs" / "reference" / "http-api.md"
ELSEWHERE = (ROOT / "docs" / "guides" / "tokens-elsewhere.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)


def pasted(sandbox: Sandbox, what: str) -> str:
    """Run the block in which `what` stands, at this sandbox's ports, and return what it prints."""
    (block,) = (block for block in BLOCKS if what in block)
    return run(sandbox, re.sub("^npx .*$", 'echo "$TOKEN"', block, flags=re.MULTILINE))  # a client from elsewhere


def run(sandbox: Sandbox, block: str) -> str:
    moved = {"http://localhost:3000": sandbox.site, "http://localhost:3002": sandbox.kakao}
    moved |= {"http://127.0.0.1:3003": sandbox.aws, ".build/sandbox-3000.json": str(sandbox.documents)}
    for written, here in moved.items():
        block = block.replace(written, here)
    ended = subprocess.run(["bash", "-euo", "pipefail", "-c", block], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_user_with_an_e_mail_gets_a_token_for_the_websocket(sandbox: Sandbox) -> None:
    assert pasted(sandbox, "/api/auth/sign-in").count(".") == 2


def test_a_kakao_token_is_exchanged_for_tokens(sandbox: Sandbox) -> None:
    forget(sandbox, next(person for person in PEOPLE if str(person.id) in PAGE.read_text()))
    assert '"IdToken"' in pasted(sandbox, "/api/auth/kakao")


def test_the_guides_verifier_accepts_a_token_with_the_values_of_the_sandbox(sandbox: Sandbox) -> None:
    variables, token = re.findall(r"```sh\n(.*?)```", ELSEWHERE, re.DOTALL)
    token = re.sub("^curl .*$", 'echo "$ISSUER $CLIENT_IDS $JWKS_URL $TOKEN"', token, flags=re.MULTILINE)
    issuer, clients, keys, id_token = run(sandbox, variables + token).split()
    namespace: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", ELSEWHERE, re.DOTALL)[0], namespace)
    assert namespace["Verifier"](issuer, clients.split(","), keys).claims(id_token)["email"] == "person@example.com"
    with pytest.raises(jwt.PyJWTError):
        namespace["Verifier"](f"{issuer}x", clients.split(","), keys).claims(id_token)
