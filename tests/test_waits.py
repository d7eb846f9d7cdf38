"""No test waits for ever: pytest's own limit ends a test, and then nothing may keep the process."""

import ast
from pathlib import Path

import pytest

from sandbox.program import ROOT

FILES = sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")])
WAITING = {"Popen": "use tests.processes.process, which ends it", "Thread": "give it daemon=True"}


def endless(source: str) -> list[str]:
    """Name the processes and threads of a file that could stay after a test."""
    found: list[str] = []
    if not any(name in source for name in WAITING):
        return found
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in WAITING and "daemon" not in {keyword.arg for keyword in call.keywords}:
            found.append(f"line {call.lineno}: {name}: {WAITING[name]}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_test_starts_a_process_or_thread_that_could_stay(file: Path) -> None:
    assert file.name == "processes.py" or endless(file.read_text()) == []


def test_the_check_recognizes_processes_and_threads_that_could_stay() -> None:
    assert len(endless("subprocess.Popen(['x'])\nThread(target=f)\nthreading.Thread(target=f, daemon=True)")) == 2
