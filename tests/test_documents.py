"""Links, files and commands in the documents exist, and their pictures are small."""

import re
import tomllib
from pathlib import Path

import pytest

from sandbox.program import ROOT
from tests.apart import FOLDERS

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
LARGEST = 50_000  # bytes of a picture
ENGLISH = (ROOT / "README.md").read_text()
TEAMS = ("service", "frontend", "tests/service", "tests/page")  # a team replaces these


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def targets(text: str) -> set[str]:
    """The local files that a document links to or shows, outside of code blocks."""
    found = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", without_code(text))
    return {link or picture for link, picture in found if not (link or picture).startswith("http")}


def anchors(text: str) -> set[str]:
    """The names that GitHub gives headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_every_link_target_exists(document: Path) -> None:
    for target in targets(document.read_text()):
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def test_the_readme_links_to_each_document() -> None:
    documents = {str(file.relative_to(ROOT)) for file in (ROOT / "docs").rglob("*") if file.suffix in (".md", ".yaml")}
    assert {name for name in documents if not name.endswith(".ko.md")} <= targets(ENGLISH)


def test_pictures_are_small_and_each_is_used() -> None:
    pictures = {f"docs/pictures/{file.name}" for file in (ROOT / "docs" / "pictures").iterdir()}
    assert pictures == {target for target in targets(ENGLISH) if target.endswith(".png")}
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < LARGEST


def test_the_readme_lists_each_folder_of_the_project() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
    assert {*packages, "client", "docs", "examples", "frontend", ".github"} - {"__main__.py"} == set(FOLDERS)


def named_files(document: Path) -> tuple[list[str], list[str]]:
    """The files that a document names: those of the login, and those that a team replaces."""
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", document.read_text())
    teams = [name for name in named if f"{name}/".startswith(tuple(f"{folder}/" for folder in TEAMS))]
    return [name for name in named if name not in teams], teams


@every_document
def test_a_named_file_exists(document: Path) -> None:
    named, _ = named_files(document)
    modules = re.findall(r"`(\w+\.py)`", document.read_text())  # of handlers/
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in modules if not any((ROOT / folder / name).exists() for folder in (".", "handlers"))] == []


@every_document
def test_a_named_make_target_exists(document: Path) -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = " ".join(re.findall(r"```sh\n.*?```|`[^`\n]+`", document.read_text(), re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z]+)\b", code)) <= known


def test_the_licence_is_in_the_package_data_and_the_readmes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (file,) = project["license-files"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / file).read_text()
    for readme in ("README.md", "README.ko.md"):
        assert f"[{project['license']}]({file})" in (ROOT / readme).read_text()
