"""Each block of shell in a document can be pasted as it is, into bash and into zsh."""

import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from sandbox.program import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LANGUAGES = {"sh", "mermaid", "json", "yaml", "python", "js", "ts", "java", "text", "html"}
FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# No comments, which an interactive zsh does not know, and no character that bash or zsh interprets.
OUTSIDE_QUOTES = {
    "#": "zsh runs a comment",
    "<": "a redirection",
    ">": "a redirection",
    "[": "zsh looks for files of that name",
    "]": "zsh looks for files of that name",
    "*": "zsh looks for files of that name",
    "?": "zsh looks for files of that name",
    "^": "bash and zsh change the last command",
    "!": "bash and zsh run an old command",
    "`": "runs what stands in it",
}
IN_DOUBLE_QUOTES = {"!": "bash and zsh run an old command", "`": "runs what stands in it"}
# What reads from the terminal would read the next line of the block.
ASKS = re.compile(
    r"pulumi (up|destroy|refresh|login$|stack (rm|migrate|init)|config set( --\S+)* \S+$|state unprotect)"
    r"|aws configure|npx "
)
ANSWERED = re.compile(r" (--yes|-y|--non-interactive)\b")


class Block(NamedTuple):
    document: Path
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}-{self.number}"


def blocks() -> list[Block]:
    return [
        Block(document, number, textwrap.dedent(text))
        for document in DOCUMENTS
        for number, (_, language, text) in enumerate(FENCE.findall(document.read_text()), 1)
        if language == "sh"
    ]


every_block = pytest.mark.parametrize("block", blocks(), ids=str)


def traps(text: str) -> list[str]:
    """Return the reasons why a block cannot be pasted; none where it can."""
    found = [
        f"{character!r}: not ASCII, or a key"
        for character in text
        if not (character == "\n" or " " <= character <= "~")
    ]
    quote, before = "", ""
    for character in text:
        if quote == "'":
            quote = "" if character == "'" else quote
        elif before == "\\":
            character = ""
        elif character in "'\"":
            quote = "" if quote == character else quote or character
        elif character in (forbidden := IN_DOUBLE_QUOTES if quote else OUTSIDE_QUOTES):
            found.append(f"{character}: {forbidden[character]}")
        before = character
    lines = text.replace("\\\n", " ").splitlines()
    found += [
        f"{line}: asks, and would read the next line"
        for line in lines[:-1]
        if ASKS.match(line) and not ANSWERED.search(line)
    ]
    found += [f"{line}: a blank line or white space around" for line in lines if line != line.strip() or not line]
    return found


@every_block
def test_a_block_has_no_character_that_a_shell_interprets_otherwise(block: Block) -> None:
    assert traps(block.text) == []


@every_block
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_block_is_valid_in_bash_and_zsh(block: Block, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    read = subprocess.run([shell, "-n"], input=block.text, capture_output=True, text=True, timeout=10)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_names_its_language(document: Path) -> None:
    text = document.read_text()
    assert {language for _, language, _ in FENCE.findall(text)} <= LANGUAGES
    assert 2 * len(FENCE.findall(text)) == len(re.findall(r"^ *```", text, re.MULTILINE))


@pytest.mark.parametrize(
    "text",
    [
        "make up  # the page",
        "pulumi version # `pulumi up`",
        "make up    # people's",
        "pulumi config set kakaoClientId <key>",
        "pulumi config set --path extraOrigins[0] x",
        "export PULUMI_CONFIG_PASSPHRASE=…",
        'echo "hello!"',
        "pulumi up\npulumi stack output",
        "pulumi config set --secret kakaoClientSecret\nmake up",
        "pulumi login s3://bucket?region=x",
        "make\tup",
    ],
)
def test_the_check_recognizes_blocks_that_cannot_be_pasted(text: str) -> None:
    assert traps(text)


def test_a_quoted_block_can_be_pasted() -> None:
    assert traps("""curl -d '{"a": "b!"}' "http://x/$A?b[0]" \\\n  --json '{}'\npulumi up --yes\npulumi up\n""") == []
