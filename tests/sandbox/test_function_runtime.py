"""The sandbox's terminal shows a function's output, log lines, errors and time limit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.program import ROOT

CALL = """
import contextlib, importlib, sys

class Context:
    def get_remaining_time_in_millis(self):
        return 250

sys.stdout = sys.stderr  # as in the emulator, which answers with an exception
importlib.import_module("json.tool")  # as any library may, before the emulator imports the handler's module
with contextlib.suppress(Exception):
    importlib.import_module("service.todos").handler({}, Context())
"""
HANDLER = "def handler(event, context):\n    "


def shown(folder: Path, *, todos: str, login: str = "") -> list[str]:
    """Call the handler of service/todos.py in a process of its own; return the lines that the terminal shows."""
    for name, text in (("service/todos.py", todos), ("handlers/web.py", login)):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    output = folder / "output"
    output.touch()
    function = {
        "AWS_LAMBDA_FUNCTION_NAME": "todos-12345678",
        "LAMBDA_TASK_ROOT": str(folder),
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "sandbox" / "function_runtime")]),
        "SANDBOX_OUTPUT": str(output),
        "_LAMBDA_TIMEOUT": "15",
    }
    subprocess.run([sys.executable, "-c", CALL], env=function, cwd=folder, capture_output=True, timeout=60)
    return output.read_text().splitlines()


@pytest.mark.parametrize(
    ("todos", "lines"),
    [
        (
            "import nothing\n",
            ["  service/todos.py:1: import nothing", "ModuleNotFoundError: No module named 'nothing'"],
        ),
        ("def handle(event, context): ...\n", ["AttributeError: module 'service.todos' has no attribute 'handler'"]),
        (f"{HANDLER}nothing\n", ["  service/todos.py:2: nothing", "NameError: name 'nothing' is not defined"]),
        (f"{HANDLER}print('here', 1)\n", ["here 1"]),
    ],
    ids=["import", "no handler", "call", "print"],
)
def test_the_terminal_shows_output_and_errors_of_a_function(tmp_path: Path, todos: str, lines: list[str]) -> None:
    assert shown(tmp_path, todos=todos) == [f"todos: {line}" for line in lines]


def test_the_terminal_shows_log_lines_of_the_team_from_info_and_of_the_login_from_warning(tmp_path: Path) -> None:
    log = "import logging\nlog = logging.getLogger(__name__)\n"
    todos = (
        f"{log}from handlers.web import called\n{HANDLER}log.debug('d'); log.info('i', extra={{'n': 1}}); called()\n"
    )
    login = f"{log}def called():\n    log.info('request'); log.warning('refused')\n"
    assert shown(tmp_path, todos=todos, login=login) == ["todos: INFO i n=1", "todos: WARNING refused"]


def test_the_terminal_shows_the_line_at_which_a_function_reaches_its_time_limit(tmp_path: Path) -> None:
    todos = f"import time\n{HANDLER}time.sleep(0.3)\n"
    assert shown(tmp_path, todos=todos) == [
        "todos:   service/todos.py:3: time.sleep(0.3)",
        "todos: Task timed out after 15 seconds",
    ]
