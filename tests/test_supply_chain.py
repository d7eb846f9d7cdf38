"""What is installed from elsewhere: each package by its hash, known to the audit, and named in the layer's SBOM."""

import json
import re
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from infra import packaging
from sandbox.local import settings
from sandbox.program import ROOT

PINNED = sorted([*ROOT.glob("requirements*.txt"), *ROOT.glob("*/requirements*.txt")])
COMMANDS = [ROOT / "Makefile", ROOT / "README.md", ROOT / ".ci" / "run"]
COMMANDS += sorted([*(ROOT / ".github").rglob("*.yml"), *(ROOT / "docs").rglob("*.md")])


def make(*arguments: str) -> str:
    """Run make in the environment of the tests, whatever it is called."""
    command = ["make", f"VENV={sys.prefix}", f"--assume-old={sys.prefix}/ready", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=110).stdout


@pytest.mark.parametrize("file", PINNED, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_package_is_pinned_by_version_and_hash(file: Path) -> None:
    packages = re.sub(r"\\\n", "", file.read_text()).splitlines()
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", package), package


def test_nothing_is_installed_without_its_hash() -> None:
    installs = [line for file in COMMANDS for line in file.read_text().splitlines() if "pip install" in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line, line


def test_pulumi_finds_its_environment_made_and_fetches_no_newest_pip() -> None:
    for file in COMMANDS:
        assert "pulumi install" not in file.read_text(), file
    steps = (ROOT / ".github" / "actions" / "pulumi" / "action.yml").read_text()
    assert "run: make install\n" in steps


def test_no_package_escapes_the_audit() -> None:
    command = make("--dry-run", "audit")
    assert "pip-audit --strict --require-hashes" in command
    assert set(re.findall(r"-r (\S+)", command)) == {str(file.relative_to(ROOT)) for file in PINNED}


def test_the_sbom_names_what_is_in_the_layer_with_its_hashes() -> None:
    make("sbom")
    sbom = json.loads((ROOT / ".build" / "layer.cdx.json").read_text())
    here = settings(3000)
    with zipfile.ZipFile(packaging.layer_zip(here["kakao-login:runtime"], here["kakao-login:architecture"])) as layer:
        files = [name for name in layer.namelist() if name.endswith(".dist-info/METADATA")]
        held = [message_from_bytes(layer.read(name)) for name in files]
    assert {part["purl"].partition("?")[0] for part in sbom["components"]} == {
        f"pkg:pypi/{package['Name'].lower()}@{package['Version']}" for package in held
    }
    for part in sbom["components"]:
        assert part["externalReferences"][0]["hashes"], part["name"]
