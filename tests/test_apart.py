"""The tests of the login stay green where a team replaces `service/`, `frontend/` and `__main__.py`."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.apart import CHOSEN, REPLACED, ROOT, WITH_THEM
from tests.project import add_to_git, copy_layer, run_python

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]  # of the long part, for its time alone

ANOTHER_TEAM = ROOT / "tests" / "another_team"
SAMPLE = ("tests/sandbox/test_websocket.py", "tests/e2e/test_client.py")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the service, the page and the settings of another team, whose framework built web/."""
    copy = tmp_path_factory.mktemp("project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if name in REPLACED or name.startswith(tuple(f"{folder}/" for folder in (*REPLACED, *WITH_THEM))):
            continue
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for of_theirs in ANOTHER_TEAM.iterdir():
        name = of_theirs.name
        if of_theirs.is_dir():
            shutil.copytree(of_theirs, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(of_theirs, copy / name)
    built = copy / "web" / "dist"
    shutil.copytree(copy / "frontend", built)
    for stack in ("local", "dev"):
        with (copy / f"Pulumi.{stack}.yaml").open("a") as settings:
            settings.write("  page: web/dist\n  groups:\n    - buyer\n")
    copy_layer(copy)
    add_to_git(copy)
    return copy


def run_tests(project: Path, *arguments: str) -> str:
    """Run pytest in a copy of the project; show its output where it fails."""
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    return run_python(project, "-m", "pytest", *options, *arguments, seconds=540)


def test_the_tests_of_the_login_pass_with_another_service_and_another_page(theirs: Path) -> None:
    run_tests(theirs, "-x", *CHOSEN, *SAMPLE)


def test_no_test_of_the_login_imports_tests_of_the_example(theirs: Path) -> None:
    collected = run_tests(theirs, "--collect-only", "tests")
    assert "tests/e2e/test_sign_in.py::" in collected
    assert not [line for line in collected.splitlines() if line.startswith(WITH_THEM)]
