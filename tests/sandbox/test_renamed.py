"""The project under another name, as `pulumi new --name my-login` makes it: a copy of the tree, tested as it is."""

import re
import shutil
from pathlib import Path

import pytest

from tests.apart import REPLACED, ROOT
from tests.infra.engine import PAGE
from tests.ports import free_ports
from tests.project import run_python

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]
NAME = "my-login"
TESTS = [  # of what is declared, read or found by the project's name
    "tests/infra/test_program.py::test_every_taggable_resource_has_the_tags_project_and_stack[dev]",
    "tests/infra/test_program.py::test_the_domain_prefix_is_unique_to_project_stack_and_account",
    "tests/infra/test_deployment.py",
    "tests/doctor/test_settings.py",
]
# Starts the sandbox, and prints what `pulumi stack output` would.
SANDBOX = """
import sys
from sandbox.local import running
from tests.infra.engine import ALONE
with running(int(sys.argv[1]), main=ALONE) as sandbox:
    print(sandbox.exports)
"""
# Prints what `pulumi config` would.
CONFIG = "from sandbox.program import stack_config; print(stack_config('prod'))"


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("renamed") / NAME
    no_source = shutil.ignore_patterns(".*cache*", ".git", ".venv", ".hypothesis", "*.pyc")
    teams = {str(ROOT): set(REPLACED)}
    shutil.copytree(ROOT, folder, ignore=lambda of, names: no_source(of, names) | teams.get(of, set()))
    shutil.copytree(PAGE, folder / "frontend")
    project = folder / "Pulumi.yaml"
    project.write_text(re.sub(r"^name: .+$", f"name: {NAME}", project.read_text(), flags=re.MULTILINE))
    return folder


def run(folder: Path, *arguments: str) -> str:
    return run_python(folder, *arguments, seconds=280)


def test_the_tests_pass_under_another_project_name(renamed: Path) -> None:
    run(renamed, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)


def test_the_example_stack_prod_keeps_its_settings_under_another_project_name(renamed: Path) -> None:
    settings = eval(run(renamed, "-c", CONFIG))
    assert settings[f"{NAME}:protect"] is True
    assert settings[f"{NAME}:logDays"] == 365
    assert {key.partition(":")[0] for key in settings} <= {NAME, "aws", "pulumi"}


def test_the_sandbox_runs_under_another_project_name(renamed: Path) -> None:
    exports = eval(run(renamed, "-c", SANDBOX, str(free_ports())))
    assert exports["dashboard"].startswith(NAME)
