"""The list of open questions names each experiment that can be run, and the row that it answers."""

import inspect
import re

from doctor import live
from sandbox.program import ROOT

PAGE = (ROOT / "docs" / "reference" / "fidelity.md").read_text().partition("## Not seen on a live account\n")[2]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| E")]


def test_each_question_has_an_experiment_and_what_the_program_does() -> None:
    assert {name.partition(",")[0] for name, *_ in ROWS} == {f"E{number}" for number in range(1, 20)}
    assert all(len(row) == 4 and all(row) for row in ROWS)


def test_the_script_runs_exactly_the_experiments_that_the_page_lists() -> None:
    said = {(name.partition(",")[0], "doctor.live" in experiment) for name, _, experiment, _ in ROWS}
    assert {name for name, runs in said if runs} == live.chosen(use_up_mails=True, wait=True).keys()


def test_an_experiment_names_the_findings_that_its_row_names() -> None:
    for name, experiment in live.chosen(use_up_mails=True, wait=True).items():
        named = set(re.findall(r"B\d+", " ".join(row[0] for row in ROWS if row[0].startswith(name))))
        assert named <= set(re.findall(r"B\d+", inspect.getdoc(experiment) or "")), name
