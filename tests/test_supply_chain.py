"""Installed packages: each is pinned by hash, in the audit, and in the layer's SBOM."""

import ast
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra import packaging
from sandbox.local import settings
from sandbox.program import ROOT, own

PINNED = sorted([*ROOT.glob("requirements*.txt"), *ROOT.glob("*/requirements*.txt")])
COMMANDS = [ROOT / "Makefile", ROOT / "README.md", ROOT / ".ci" / "run"]
COMMANDS += sorted([*(ROOT / ".github").rglob("*.yml"), *(ROOT / "docs").rglob("*.md")])


def make(*arguments: str) -> str:
    """Run make in the environment of the tests, under any name."""
    ready = [f"--assume-old={sys.prefix}/{stamp}" for stamp in ("ready", "sandbox")]
    command = ["make", f"VENV={sys.prefix}", *ready, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=110).stdout


@pytest.mark.parametrize("file", PINNED, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_package_is_pinned_by_version_and_hash(file: Path) -> None:
    packages = re.sub(r"\\\n", "", file.read_text()).splitlines()
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", package), package


def test_every_pip_install_requires_hashes() -> None:
    installs = [line for file in COMMANDS for line in file.read_text().splitlines() if "pip install" in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line, line


def test_the_environment_is_made_by_make_and_not_by_pulumi_install() -> None:
    for file in COMMANDS:
        assert "pulumi install" not in file.read_text(), file
    steps = (ROOT / ".github" / "actions" / "pulumi" / "action.yml").read_text()
    assert "run: make install\n" in steps


def test_the_audit_covers_every_requirements_file() -> None:
    command = make("--dry-run", "audit")
    assert "pip-audit --strict --require-hashes" in command
    assert set(re.findall(r"-r (\S+)", command)) == {str(file.relative_to(ROOT)) for file in PINNED}


def test_the_sbom_lists_the_packages_of_the_layer_with_their_hashes() -> None:
    make("sbom")
    sbom = json.loads((ROOT / ".build" / "layer.cdx.json").read_text())
    here = settings(3000)
    with zipfile.ZipFile(packaging.layer_zip(here[own("runtime")], here[own("architecture")])) as layer:
        files = [name for name in layer.namelist() if name.endswith(".dist-info/METADATA")]
        held = [message_from_bytes(layer.read(name)) for name in files]
    assert {part["purl"].partition("?")[0] for part in sbom["components"]} == {
        f"pkg:pypi/{package['Name'].lower()}@{package['Version']}" for package in held
    }
    for part in sbom["components"]:
        assert part["externalReferences"][0]["hashes"], part["name"]


def pins(file: Path) -> dict[str, str]:
    """The version of each package that a file pins."""
    return dict(re.findall(r"^([\w.-]+)(?:\[.*?\])?==(\S+)", file.read_text(), re.MULTILINE))


@pytest.mark.parametrize("file", PINNED, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_package_has_the_same_version_in_every_requirements_file(file: Path) -> None:
    assert pins(file).items() <= pins(ROOT / "requirements-dev.txt").items()


distributions = cache(packages_distributions)


@pytest.mark.parametrize(
    ("installed", "run"),
    [
        ("requirements.txt", ["infra", "deployment", "handlers/contract.py"]),
        ("requirements-sandbox.txt", ["sandbox", "doctor", "infra", "handlers/contract.py"]),
    ],
)
def test_every_imported_package_is_in_the_requirements(installed: str, run: list[str]) -> None:
    folders = [ROOT / name for name in run]
    files = [file for folder in folders for file in ([folder] if folder.is_file() else folder.rglob("*.py"))]
    imported = {name.partition(".")[0] for file in files for name in imports(file)}
    elsewhere = (
        imported
        - sys.stdlib_module_names
        - {folder.relative_to(ROOT).parts[0].removesuffix(".py") for folder in folders}
    )
    packages = distributions()
    assert {
        name for name in elsewhere if not {plain(name) for name in packages[name]} & pins(ROOT / installed).keys()
    } == set()


def imports(file: Path) -> Iterator[str]:
    """The names of the modules that a file imports."""
    for statement in ast.walk(ast.parse(file.read_text())):
        if isinstance(statement, ast.Import):
            yield from (name.name for name in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield statement.module or ""


def plain(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_make_up_installs_no_test_tools() -> None:
    dry = subprocess.check_output(
        ["make", "--dry-run", "VENV=missing", "up", "doctor"], cwd=ROOT, text=True, timeout=110
    )
    assert "pip install" in dry
    assert "-r requirements-sandbox.txt" in dry
    assert "requirements-dev" not in dry
    assert not {"pytest", "playwright", "moto", "mypy", "ruff"} & pins(ROOT / "requirements-sandbox.txt").keys()
