"""The tests of the login stay green where a team replaces `service/`, `frontend/` and `__main__.py`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apart import CHOSEN, REPLACED, ROOT, WITH_THEM

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
    (copy / ".build").mkdir()
    for layer in (ROOT / ".build").glob("layer-*.zip"):
        shutil.copy(layer, copy / ".build")
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=copy, check=True, timeout=60)
    return copy


def run_tests(project: Path, *arguments: str) -> str:
    """Run pytest in a copy of the project; show its output where it fails."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
    ended = subprocess.run(command, cwd=project, env=own, capture_output=True, text=True, timeout=540)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    return ended.stdout


def test_the_tests_of_the_login_pass_with_another_service_and_another_page(theirs: Path) -> None:
    run_tests(theirs, "-x", *CHOSEN, *SAMPLE)


def test_no_test_of_the_login_imports_tests_of_the_example(theirs: Path) -> None:
    collected = run_tests(theirs, "--collect-only", "tests")
    assert "tests/e2e/test_sign_in.py::" in collected
    assert not [line for line in collected.splitlines() if line.startswith(WITH_THEM)]
