"""The modules in client/ ask for routes of handlers/contract.py alone; no script can import it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers import contract
from sandbox.program import ROOT

FILES = sorted((ROOT / "client").glob("*.js"))
FUNCTION = re.compile(r"\b(?:const|function) (\w+)(?: = (?:async )?)?\(path\b")


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


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_page_requests_only_routes_of_the_contract(file: Path) -> None:
    assert set(paths(file.read_text())) - ROUTES == set()


def test_the_routes_of_the_session_are_found_in_the_modules() -> None:
    found = {path for file in FILES for path in paths(file.read_text())}
    assert {contract.path_of(route) for route in (contract.LOGIN, contract.REFRESH, contract.LOGOUT)} <= found


def test_the_modules_have_the_provider_header_and_websocket_path_of_the_contract() -> None:
    scripts = {file.name: file.read_text() for file in FILES}
    assert f'provider = "{contract.PROVIDER}"' in scripts["login.js"]
    assert re.findall(r'headers\.get\("([^"]+)"\)', scripts["login.js"]) == [contract.SESSION_EXPIRES_IN.title()]
    assert f'path = "{contract.WEBSOCKET_PATH}"' in scripts["login-socket.js"]


def test_the_check_recognizes_api_paths() -> None:
    script = 'const api = (path) =>\n  fetch(`/api/${path}`);\napi("userinfo"); other("x"); go("/api/auth/login?a=b");'
    assert set(paths(script)) == {"/api/userinfo", "/api/auth/login"}
