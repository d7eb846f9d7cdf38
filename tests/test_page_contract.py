"""The page's scripts and handlers/contract.py agree on routes and on the shortest password; no script can import it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers import contract
from sandbox.program import ROOT

FOLDERS = [folder for name in ("frontend", "client") if (folder := ROOT / name).is_dir()]
FILES = sorted(file for folder in FOLDERS for file in folder.rglob("*") if file.suffix in (".html", ".js"))
FUNCTION = re.compile(r"\b(?:const|function) (\w+)(?: = (?:async )?)?\(path\b")
PASSWORD_TEXTS = re.compile(r'(?:passwordHint|weak_password): "(.*?)"')


def paths(text: str) -> Iterator[str]:
    """The paths of the API in a script or a page.

    The end of a path may be the first argument of a function: `/api/${path}` and `api("userinfo")` are `/api/userinfo`.
    """
    for found in re.finditer(rf"{contract.API_PATH}/([\w/-]*)(\$\{{path\}})?", text):
        beginning, argument = found.groups()
        if not argument:
            yield f"{contract.API_PATH}/{beginning}"
        else:
            function = FUNCTION.findall(text[: found.start()])[-1]
            for end in re.findall(rf'\b{function}\("([^"]*)"', text):
                yield f"{contract.API_PATH}/{beginning}{end}"


ROUTES = {contract.path_of(value) for value in vars(contract).values() if re.match("[A-Z]+ /", str(value))}
ASKING = [file for file in FILES if set(paths(file.read_text()))]


@pytest.mark.parametrize("file", ASKING, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_page_asks_for_routes_of_the_contract_alone(file: Path) -> None:
    assert set(paths(file.read_text())) - ROUTES == set()


def test_the_routes_of_the_session_and_of_the_forms_are_found_in_the_scripts() -> None:
    found = {path for file in ASKING for path in paths(file.read_text())}
    forms = set(contract.ACCOUNT_ROUTES) - {contract.RESEND_CODE}  # a variable of the form's names it
    wanted = {contract.LOGIN, contract.REFRESH, contract.LOGOUT, contract.USER_INFO, *forms}
    assert {contract.path_of(route) for route in wanted} <= found


def test_the_forms_ask_for_a_password_as_long_as_the_user_pool_does() -> None:
    scripts = [file.read_text() for file in FILES]
    limits = [int(number) for text in scripts for number in re.findall(r"\bMIN_PASSWORD\w* = (\d+)", text)]
    assert set(limits) == {contract.MIN_PASSWORD_LENGTH}
    words = [words for text in scripts for words in PASSWORD_TEXTS.findall(text)]
    assert {int(number) for text in words for number in re.findall(r"\d+", text)} <= {contract.MIN_PASSWORD_LENGTH}


def test_what_counts_as_a_path() -> None:
    script = 'const api = (path) =>\n  fetch(`/api/${path}`);\napi("userinfo"); other("x"); go("/api/auth/login?a=b");'
    assert set(paths(script)) == {"/api/userinfo", "/api/auth/login"}
