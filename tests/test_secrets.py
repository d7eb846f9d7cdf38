"""No committed file holds a value that looks like a secret."""

import math
import re
import subprocess
from collections.abc import Iterator

import pytest

from sandbox.program import ROOT

KINDS = {
    "a key of AWS's": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "a JWT": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "a token of GitHub's or Pulumi's": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,}|pul-[0-9a-f]{40})\b",
}
NAMED = re.compile(
    r"""(?ix) (?P<name> [\w-]*(?:secret|token|password|passphrase|credential|api_?key|access_?key)[\w-]*)
    ["']? \s* (?:[:=]|\x20is\x20) \s* ["']? (?P<value> [A-Za-z0-9+/=_:.-]{16,}) ["']? \s* (?:[,;})#]|$)"""
)
SUSPICIOUS = ("secret", "token", "password", "passphrase", "credential", "apikey", "api_key", "accesskey", "access_key")
KNOWN = [("tests/infra/test_edge.py", "TOKEN")]  # the words header, payload and signature


def entropy(value: str) -> float:
    """Bits a character; random letters and digits have more than 4, words and identifiers less."""
    shares = [value.count(character) / len(value) for character in set(value)]
    return -sum(share * math.log2(share) for share in shares)


def secrets(text: str) -> Iterator[tuple[str, str]]:
    """Yield what looks like a secret in this text: the kind or the name beside it, and the value."""
    for kind, pattern in KINDS.items():
        yield from ((kind, found) for found in re.findall(pattern, text))
    for line in text.splitlines():
        lower = line.lower()
        if not any(word in lower for word in SUSPICIOUS):  # which is quicker than NAMED
            continue
        for found in NAMED.finditer(line):
            name, value = found.group("name", "value")
            if entropy(value) > 3.6 and re.search(r"\d", value) and re.search(r"[A-Za-z]", value):
                yield name, value


def committed() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:  # a picture
            yield name, content.decode()


def test_no_committed_file_contains_a_secret() -> None:
    assert sorted((file, kind) for file, text in committed() for kind, _ in secrets(text)) == KNOWN


RANDOM = "Zk3v9QpX7" + "mB2tLw8Rn" + "Hc5yDs4Jf" + "6gAu1e"

PLANTED = {
    "access key": "AKIA" + "IOSFODNN7" + "ABCDEFG",
    "session key": "ASIA" + "IOSFODNN7" + "ABCDEFG",
    "private key": "-----BEGIN " + "PRIVATE KEY-----",
    "RSA key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "JWT": "eyJ" + "hbGciOiJSUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3" + ".c2lnbmF0dXJlLTEyMw",
    "GitHub's token": "ghp_" + "a1B2" * 9,
    "Pulumi's token": "pul-" + "0a1b2c3d" * 5,
    "setting": f"kakaoClientSecret: {RANDOM}",
    "assignment": f'client_secret = "{RANDOM}"',
    "JSON": f'  "REFRESH_TOKEN": "{RANDOM}",',
    "environment": f"export aws_secret_access_key={RANDOM}",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_each_kind_of_secret_is_recognized(kind: str) -> None:
    assert list(secrets(f"some text\n{PLANTED[kind]}\nmore of it\n"))


def test_an_encrypted_secret_of_pulumi_may_be_committed() -> None:
    assert not list(
        secrets(f"kakao-login:kakaoClientSecret:\n  secure: v1:{RANDOM[:16]}:{RANDOM}\nencryptedkey: {RANDOM}")
    )


@pytest.mark.parametrize(
    "text",
    [
        "token = read_the_token_from_the_header(event)",
        "client_secret: stand-in-client-secret",
        "password = 'correct horse battery staple'",
        "AWS_ROLE: arn:aws:iam::123456789012:role/deploy-kakao-login-dev",
    ],
)
def test_words_and_identifiers_are_not_secrets(text: str) -> None:
    assert not list(secrets(text))
