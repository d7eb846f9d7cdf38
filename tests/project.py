"""A copy of the project, in which files may be changed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.apart import REPLACED, ROOT
from tests.infra.engine import PAGE
from tests.programs import WITH_A_SOCKET

LOGIN = ("handlers", "infra", "client", "sandbox", "Pulumi.yaml", "Pulumi.local.yaml")


def copy_project(folder: Path) -> None:
    """Copy what `python -m sandbox` needs, with the layer that has been built."""
    _copy_login(folder)
    for name in REPLACED:
        _copy(ROOT / name, folder / name)


def copy_repository(folder: Path) -> None:
    """Copy every file that is committed or not ignored, in a repository of its own, with the layer."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    copy_layer(folder)
    add_to_git(folder)


def add_to_git(folder: Path) -> None:
    """Make a copy a repository: some tests ask git for the project's files."""
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, timeout=60)


def copy_login(folder: Path) -> None:
    """Copy the same, but with the program and the page of the login's tests."""
    _copy_login(folder)
    _copy(WITH_A_SOCKET.parent, folder / WITH_A_SOCKET.parent.relative_to(ROOT))
    _copy(WITH_A_SOCKET, folder / "__main__.py")
    _copy(PAGE, folder / "frontend")
    settings = folder / "Pulumi.local.yaml"
    settings.write_text(re.sub("^  page: .*\n", "", settings.read_text(), flags=re.MULTILINE))


def _copy_login(folder: Path) -> None:
    for name in LOGIN:
        _copy(ROOT / name, folder / name)
    copy_layer(folder)


def copy_layer(folder: Path) -> None:
    """Copy the layer that has been built, so that pip does not build it again."""
    (folder / ".build").mkdir()
    for layer in (ROOT / ".build").glob("layer-*.zip"):
        shutil.copy(layer, folder / ".build")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def run_python(folder: Path, *arguments: str, seconds: float) -> str:
    """Run Python in a copy, without what pytest's workers add to the environment; return its output.

    Raises AssertionError with the output if it fails.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, *arguments]
    ended = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=seconds)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-3000:]
    return ended.stdout
