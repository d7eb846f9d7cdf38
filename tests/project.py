"""A copy of the project, in which files may be changed."""

import re
import shutil
import subprocess
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
    _copy_layer(folder)
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
    _copy_layer(folder)


def _copy_layer(folder: Path) -> None:
    (folder / ".build").mkdir()
    for layer in (ROOT / ".build").glob("layer-*.zip"):
        shutil.copy(layer, folder / ".build")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)
