"""Rules for the source of the program and of the service, the same as for the login's own."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from sandbox.program import ROOT
from tests.infra.test_contract import literals, repeated
from tests.infra.test_program import OURS, imports
from tests.test_supply_chain import pins, plain

PROGRAM = ROOT / "__main__.py"
EXAMPLES = ["todos", "chat", "welcome"]
SERVICE = sorted((ROOT / "service").glob("*.py"))


def test_main_py_has_at_most_60_lines() -> None:
    """The limit is for the examples, and not for the files that a team adds."""
    if re.findall(r"^\w+ = Function\(\n    \"(\w+)\"", PROGRAM.read_text(), re.MULTILINE) != EXAMPLES:
        pytest.skip("the program declares other functions than the examples")
    assert len(PROGRAM.read_text().splitlines()) <= 60


def test_the_program_contains_no_stack_name() -> None:
    stacks = {file.stem.removeprefix("Pulumi.") for file in ROOT.glob("Pulumi.*.yaml")}
    texts = {node.value for node in ast.walk(ast.parse(PROGRAM.read_text())) if isinstance(node, ast.Constant)}
    assert not texts & stacks


@pytest.mark.parametrize("file", [PROGRAM, *SERVICE], ids=lambda file: file.name)
def test_a_fact_of_the_contract_is_repeated_in_no_other_file(file: Path) -> None:
    assert {fact for _, text in literals(file) for fact in repeated(text)} == set()


def test_the_service_imports_only_the_handlers_package() -> None:
    forbidden = (OURS - {"handlers", "service"}) | {"pulumi", "pulumi_aws"}
    for file in SERVICE:
        assert not {name.partition(".")[0] for name in imports(file)} & forbidden, file.name


def test_the_program_imports_no_code_of_the_service() -> None:
    assert not {name for name in imports(PROGRAM) if name.partition(".")[0] in ("handlers", "service")}


def test_every_import_of_the_program_is_installed() -> None:
    roots = {name.partition(".")[0] for name in imports(PROGRAM)} - {"infra"}
    installed = pins(ROOT / "requirements.txt").keys() & pins(ROOT / "requirements-sandbox.txt").keys()
    packages = packages_distributions()
    assert {root for root in roots if not {plain(name) for name in packages[root]} & installed} == set()


def test_mypy_follows_the_imports_of_each_used_package_of_pulumi_aws() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {name for each in listed if each.get("follow_imports") == "normal" for name in each["module"]}
    used = set(re.findall(r"\baws\.([a-z0-9]+_?)\.[A-Z]", PROGRAM.read_text()))
    assert {f"pulumi_aws.{name}.*" for name in used} <= read
