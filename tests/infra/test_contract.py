"""Each fact that the program and its Lambdas share stands in handlers/contract.py, and nowhere else as a literal."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from handlers import contract
from sandbox.program import ROOT

CONSTANTS = {name: value for name, value in vars(contract).items() if name.isupper() and isinstance(value, str)}
COOKIES = {contract.ID_COOKIE, contract.USER_COOKIE, contract.REFRESH_COOKIE, contract.LOGIN_COOKIE_PREFIX}
VARIABLES = {value for name, value in CONSTANTS.items() if name.startswith("ENV_")}
ROUTES = {*contract.SESSION_ROUTES, *contract.ACCOUNT_ROUTES, contract.KAKAO_SIGN_IN, contract.USER_INFO}
PATHS = {route.partition(" ")[2].partition("{")[0].rstrip("/") for route in ROUTES} | {
    contract.AUTH_PATH,
    contract.KAKAO_PATH,
}
LOG_MESSAGES = {value for name, value in CONSTANTS.items() if name.startswith("LOG_")}
PACKAGES = ("handlers", "infra", "deployment", "doctor", "benchmarks", "sandbox")
FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


@cache
def nodes(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text())))


def literals(file: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each literal that is no docstring; the parts of an f-string one by one."""
    docstrings = {
        id(node.body[0].value)
        for node in nodes(file)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes(file):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def repeated(text: str) -> set[str]:
    """The facts in a text: cookies and paths wherever they stand in it, the name of a variable if it is all of it."""
    return {fact for fact in COOKIES | PATHS if fact in text} | ({text} & VARIABLES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_fact_of_the_contract_is_repeated_in_no_other_file(file: Path) -> None:
    if file.name == "contract.py":
        return
    found = {(line, *sorted(facts)) for line, text in literals(file) if (facts := repeated(text))}
    assert found == set()


@pytest.mark.parametrize("file", sorted((ROOT / "handlers").glob("*.py")), ids=lambda file: file.name)
def test_a_log_message_that_an_alarm_counts_is_a_constant_of_the_contract(file: Path) -> None:
    calls = [node for node in nodes(file) if isinstance(node, ast.Call) and node.args]
    logged = {ast.unparse(node.args[0]) for node in calls if ast.unparse(node.func).startswith("log.")}
    assert not logged & set(map(repr, LOG_MESSAGES))


def test_the_check_recognizes_repeated_facts() -> None:
    for text in ("__Host-id=x", "POST /api/auth/refresh", "^/api/auth/", "CLIENT_ID"):
        assert repeated(text), text
    for text in ("The CLIENT_ID", "__Host-", "/api", "nickname"):
        assert not repeated(text), text
