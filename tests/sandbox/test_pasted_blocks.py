"""What the page about the API says to paste beside a running sandbox works, as it is."""

import re
import subprocess

import pytest

from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from sandbox.program import ROOT
from tests.sandbox.deployed import forget

pytestmark = pytest.mark.sandbox

PAGE = ROOT / "docs" / "reference" / "http-api.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)


def pasted(sandbox: Sandbox, what: str) -> str:
    """Run the block in which `what` stands, at this sandbox's ports, and return what it prints."""
    (block,) = (block for block in BLOCKS if what in block)
    block = block.replace("http://localhost:3000", sandbox.site).replace("http://localhost:3002", sandbox.kakao)
    block = re.sub("^npx .*$", 'echo "$TOKEN"', block, flags=re.MULTILINE)  # a client from elsewhere
    ended = subprocess.run(["bash", "-euo", "pipefail", "-c", block], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_user_with_an_e_mail_gets_a_token_for_the_websocket(sandbox: Sandbox) -> None:
    assert pasted(sandbox, "/api/auth/sign-in").count(".") == 2


def test_a_kakao_token_becomes_tokens(sandbox: Sandbox) -> None:
    forget(sandbox, next(person for person in PEOPLE if str(person.id) in PAGE.read_text()))
    assert '"IdToken"' in pasted(sandbox, "/api/auth/kakao")
