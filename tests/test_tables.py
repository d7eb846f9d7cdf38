"""Each row of threats.md, faults.md and fidelity.md names tests that exist, or says why there is none."""

import ast
import re
from functools import cache
from itertools import pairwise

import pytest

from sandbox.program import ROOT


def rows(document: str) -> list[list[str]]:
    """The cells of each row of each table, without heads and the rules below them."""
    lines = (ROOT / "docs" / "reference" / document).read_text().splitlines()
    below = [line for before, line in pairwise(lines) if before.startswith("|") and line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in below if not line.startswith("| --- ")]


TEAMS = ("service", "page")  # the tests that a team replaces
THREATS, FAULTS, FIDELITY = rows("threats.md"), rows("faults.md"), rows("fidelity.md")


@cache
def cases(file: str) -> set[str]:
    body = ast.parse((ROOT / "tests" / file).read_text()).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@cache
def all_cases() -> set[str]:
    tests = ROOT / "tests"
    return set().union(*(cases(str(file.relative_to(tests))) for file in tests.rglob("test_*.py")))


def test_the_table_of_threats_has_consecutive_numbers() -> None:
    assert [int(row[0]) for row in THREATS] == list(range(1, len(THREATS) + 1))
    assert len(THREATS) >= 40


@pytest.mark.parametrize("row", [*THREATS, *FAULTS], ids=lambda row: row[0])
def test_each_row_is_filled_in_and_has_tests_that_exist_or_a_reason(row: list[str]) -> None:
    *said, tests = row[:4]
    assert len(row) == (4 if row in FAULTS else 5)
    assert all(said)
    assert tests or row[4]
    if tests.startswith("none: "):
        return
    named = re.findall(r"`([^`]*)`", tests)
    assert " ".join(f"`{name}`" for name in named) == tests
    for file, _, test in (name.partition("::") for name in named):
        assert file.startswith(tuple(f"{folder}/" for folder in TEAMS)) or test in cases(file), file


@pytest.mark.parametrize("row", FIDELITY, ids=lambda row: row[0])
def test_the_tests_that_cover_a_difference_exist(row: list[str]) -> None:
    covered = row[-1]
    assert all(row)
    assert set(re.findall(r"`(test_\w+)`", covered)) <= all_cases()
    for path in re.findall(r"`(tests/[\w/.]+)`", covered):
        assert (ROOT / path).exists(), path
