"""A test of the login that reads a file of the team's fails with an instruction."""

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
def test_a_test_of_the_login_fails_if_it_reads_a_file_that_a_team_replaces(read: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match="which a team replaces"):
        read()


@pytest.mark.parametrize("test", [CHOSEN[0], "tests/service/test_live.py", "tests/page/test_page.py"])
def test_chosen_tests_and_tests_of_the_page_and_the_service_may_read_files_that_a_team_replaces(test: str) -> None:
    with apart.guarded(ROOT / test):
        PROGRAM.read_text()


def test_a_file_of_the_same_name_in_another_folder_can_be_read(tmp_path: Path) -> None:
    (ROOT / "sandbox" / "__main__.py").read_text()
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "mine.py").write_text("")


def test_each_chosen_test_file_exists() -> None:
    assert [name for name in CHOSEN if not (ROOT / name).exists()] == []
