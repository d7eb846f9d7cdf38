"""A copy of the project, in which files may be changed."""

import shutil
from pathlib import Path

from sandbox.program import ROOT

NEEDED = (
    "handlers",
    "infra",
    "service",
    "frontend",
    "client",
    "sandbox",
    "__main__.py",
    "Pulumi.yaml",
    "Pulumi.local.yaml",
)


def copy_project(folder: Path) -> None:
    """Copy what `python -m sandbox` needs, with the layer that has been built."""
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    (folder / ".build").mkdir()
    for layer in (ROOT / ".build").glob("layer-*.zip"):
        shutil.copy(layer, folder / ".build")
