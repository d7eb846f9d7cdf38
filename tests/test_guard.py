"""A test of the login that reads what a team replaces fails, and says what to do."""

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import apart
from tests.apart import CHOSEN, ROOT

PROGRAM = ROOT / "__main__.py"


@pytest.mark.parametrize(
    "read",
    [
        PROGRAM.read_text,
        Path("__main__.py").read_text,
        (ROOT / "service" / "missing.py").read_text,
        (ROOT / "tests" / ".." / "frontend" / "missing.js").read_bytes,
        lambda: runpy.run_path(str(PROGRAM)),
    ],
)
def test_a_test_of_the_login_may_not_read_what_a_team_replaces(read: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match="which a team replaces"):
        read()


@pytest.mark.parametrize("test", [CHOSEN[0], "tests/service/test_live.py", "tests/page/test_page.py"])
def test_a_test_that_runs_with_another_teams_may_and_so_may_the_teams_own(test: str) -> None:
    with apart.guarded(ROOT / test):
        PROGRAM.read_text()


def test_a_file_with_such_a_name_elsewhere_is_nobodys(tmp_path: Path) -> None:
    (ROOT / "sandbox" / "__main__.py").read_text()
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "mine.py").write_text("")


def test_each_file_that_runs_with_another_teams_is_there() -> None:
    assert [name for name in CHOSEN if not (ROOT / name).exists()] == []
