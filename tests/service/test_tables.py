"""The rows of threats.md, faults.md and fidelity.md name tests of the example service and of its page that exist."""

import re

import pytest

from tests.test_tables import FAULTS, FIDELITY, TEAMS, THREATS, cases


@pytest.mark.parametrize("row", [*THREATS, *FAULTS, *FIDELITY], ids=lambda row: row[0])
def test_every_test_of_a_table_row_exists(row: list[str]) -> None:
    for file, test in re.findall(rf"`((?:{'|'.join(TEAMS)})/[^`]*)::(\w+)`", " ".join(row)):
        assert test in cases(file), file
