"""The page's scripts and handlers/contract.py agree on routes and on the shortest password; no script can import it."""

import re
from pathlib import Path

import pytest

from handlers import contract
from sandbox.program import ROOT
from tests.test_page_contract import FILES as CLIENT
from tests.test_page_contract import ROUTES, paths

FILES = sorted(file for file in (ROOT / "frontend").rglob("*") if file.suffix in (".html", ".js"))
PASSWORD_TEXTS = re.compile(r'(?:passwordHint|weak_password): "(.*?)"')
ASKING = [file for file in FILES if set(paths(file.read_text()))]


@pytest.mark.parametrize("file", ASKING, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_page_requests_only_routes_of_the_contract(file: Path) -> None:
    assert set(paths(file.read_text())) - ROUTES == set()


def test_the_routes_of_the_session_and_of_the_forms_are_found_in_the_scripts() -> None:
    found = {path for file in [*ASKING, *CLIENT] for path in paths(file.read_text())}
    forms = set(contract.ACCOUNT_ROUTES) - {contract.RESEND_CODE}  # a variable of the form's names it
    wanted = {contract.LOGIN, contract.REFRESH, contract.LOGOUT, contract.USER_INFO, *forms}
    assert {contract.path_of(route) for route in wanted} <= found


def test_the_forms_require_the_minimum_password_length_of_the_user_pool() -> None:
    scripts = [file.read_text() for file in FILES]
    limits = [int(number) for text in scripts for number in re.findall(r"\bMIN_PASSWORD\w* = (\d+)", text)]
    assert set(limits) == {contract.MIN_PASSWORD_LENGTH}
    words = [words for text in scripts for words in PASSWORD_TEXTS.findall(text)]
    assert {int(number) for text in words for number in re.findall(r"\d+", text)} <= {contract.MIN_PASSWORD_LENGTH}
