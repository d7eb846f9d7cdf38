"""docs/threats.md names a test that exists, or a reason, for each threat."""

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from sandbox.program import ROOT

PAGE = (ROOT / "docs" / "threats.md").read_text()


class Row(NamedTuple):
    number: int
    threat: str
    control: str
    tests: str
    reason: str


ROWS = [
    Row(int(number), *rest)
    for number, *rest in (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if re.match(r"\| \d+ \|", line)
    )
]


@cache
def cases(file: str) -> set[str]:
    body = ast.parse((ROOT / "tests" / file).read_text()).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_the_table_is_whole() -> None:
    assert [row.number for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_each_threat_has_a_control_and_tests_that_exist_or_a_reason(row: Row) -> None:
    assert row.threat
    assert row.control
    assert row.tests or row.reason
    named = re.findall(r"`([^`]*)`", row.tests)
    assert " ".join(f"`{name}`" for name in named) == row.tests
    for name in named:
        file, _, test = name.partition("::")
        assert test in cases(file), name
