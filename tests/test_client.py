"""The modules in client/, without a browser: what they export, and that a server can load them."""

import json
import re
import subprocess

import pytest

from infra.page_files import client_modules
from sandbox.program import ROOT

CLIENT = ROOT / "client"
MODULES = ("login", "login-socket")


def in_node(code: str) -> str:
    """Return what this module prints. Node.js has no `document`, like a server that renders a page."""
    node = ["node", "--input-type=module", "--eval", code]
    return subprocess.run(node, cwd=CLIENT, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.mark.parametrize("module", MODULES)
def test_a_module_exports_what_its_types_declare(module: str) -> None:
    exported = json.loads(in_node(f"console.log(JSON.stringify(Object.keys(await import('./{module}.js'))))"))
    types = (CLIENT / f"{module}.d.ts").read_text()
    declared = re.findall(r"^export function (\w+)", types, re.MULTILINE)
    renamed = re.findall(r"^export \{ \w+ as (\w+) \};", types, re.MULTILINE)
    assert sorted(exported) == sorted([*declared, *renamed])


def test_on_a_server_the_state_is_loading_and_no_request_is_sent() -> None:
    code = "const login = await import('./login.js'); login.onChange(() => {}); console.log(login.current().state);"
    assert in_node(code) == "loading\n"


def test_a_module_imports_only_the_other_module() -> None:
    for name, code in client_modules().items():
        assert set(re.findall(r'(?:from|import\()\s*"([^"]+)"', code)) <= {"./login.js"}, name


def test_a_served_module_is_its_code_without_comments() -> None:
    for name, served in client_modules().items():
        whole = (CLIENT / name).read_text().splitlines()
        lines = served.splitlines()
        assert not [line for line in lines if line.lstrip().startswith(("//", "/*", "* ", "*/"))]
        left_out = [line.strip() for line in whole if line not in lines]
        assert left_out
        assert all(line.startswith(("//", "/*", "*")) for line in left_out), name
    assert set(client_modules()) == {f"{module}.js" for module in MODULES}


def test_the_package_exports_each_module_with_its_types() -> None:
    exports = json.loads((CLIENT / "package.json").read_text())["exports"]
    files = {entry: {target["default"], target["types"]} for entry, target in exports.items()}
    assert files == {
        ".": {"./login.js", "./login.d.ts"},
        "./socket": {"./login-socket.js", "./login-socket.d.ts"},
    }
