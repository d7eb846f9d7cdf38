"""The files that a team replaces, and a check that no test of the login opens them by mistake."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPLACED = ("service", "frontend", "__main__.py")
WITH_THEM = ("tests/service", "tests/page")  # the tests of what is replaced
FOLDERS = tuple(  # of the project; any other is the team's, such as that of a page which is built
    re.findall(r"^\| `([\w.]+)/` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
)
CHOSEN = (  # run with another team's: what declares the program, and what reads the documents and the source
    "tests/infra/test_contract.py",
    "tests/infra/test_cost.py",
    "tests/infra/test_groups.py",
    "tests/infra/test_previous_names.py",
    "tests/infra/test_program.py",
    "tests/infra/test_service_types.py",
    "tests/infra/test_site.py",
    "tests/infra/test_websocket_api.py",
    "tests/test_documents.py",
    "tests/test_page_contract.py",
    "tests/test_secrets.py",
    "tests/test_supply_chain.py",
    "tests/test_tables.py",
)

_FOLDERS = tuple(f"{ROOT / name}{os.sep}" for name in REPLACED)
_FREE = {str(ROOT / name) for name in CHOSEN}
_guarding = False


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Receive every event that Python audits (PEP 578): the first line ends almost every call."""
    if event != "open" or not _guarding:
        return
    name = arguments[0]
    if isinstance(name, str) and f"{os.path.abspath(name)}{os.sep}".startswith(_FOLDERS):  # noqa: PTH100 - for its time
        raise AssertionError(
            f"A test of the login reads {name}, which a team replaces. Let it use tests/programs/ or "
            f"tests/infra/page/, move it to {' or '.join(WITH_THEM)}, or have it run with another team's: "
            "add its file to CHOSEN in tests/apart.py."
        )


@cache
def _is_of_login(test: Path) -> bool:
    return str(test) not in _FREE and not any(test.is_relative_to(ROOT / folder) for folder in WITH_THEM)


@contextmanager
def guarded(test: Path) -> Iterator[None]:
    """Until the block ends, refuse to open a file that a team replaces, if this is a test of the login."""
    global _guarding
    before, _guarding = _guarding, _is_of_login(test)
    try:
        yield
    finally:
        _guarding = before


@contextmanager
def unguarded() -> Iterator[None]:
    """Until the block ends, allow every file: the sandbox serves the page of the project."""
    global _guarding
    before, _guarding = _guarding, False
    try:
        yield
    finally:
        _guarding = before


sys.addaudithook(_refuse)
