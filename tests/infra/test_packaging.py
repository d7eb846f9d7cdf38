import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import packaging
from sandbox.program import ROOT
from tests.infra.engine import Graph

TRIGGERS = ["post_confirmation", "pre_authentication", "pre_sign_up"]
MODULES = ["accounts", "session", "user_info", *TRIGGERS]


@pytest.mark.parametrize("module", MODULES)
def test_a_functions_package_is_the_same_to_the_bit_when_built_again(module: str) -> None:
    first = packaging.function_zip(module).read_bytes()
    (ROOT / "handlers" / f"{module}.py").touch()
    assert packaging.function_zip(module).read_bytes() == first


def test_a_package_holds_what_its_handler_imports_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = tmp_path / "handlers"
    handlers.mkdir()
    for name, text in {
        "__init__": "",
        "greet": "import json\nfrom handlers import words\nfrom handlers.shapes import Shape\n",
        "words": "def late():\n    import handlers.deep\n",
        "shapes": "",
        "deep": "",
        "unused": "",
    }.items():
        (handlers / f"{name}.py").write_text(text)
    monkeypatch.setattr(packaging, "ROOT", tmp_path)
    monkeypatch.setattr(packaging, "HANDLERS", handlers)
    monkeypatch.setattr(packaging, "BUILD", tmp_path / ".build")
    with zipfile.ZipFile(packaging.function_zip("greet")) as archive:
        assert archive.namelist() == [
            f"handlers/{name}.py" for name in ("__init__", "deep", "greet", "shapes", "words")
        ]


@pytest.mark.parametrize("module", MODULES)
def test_a_handler_starts_with_its_own_package_alone(module: str, tmp_path: Path) -> None:
    """Isolated interpreter, without site-packages: what is missing from the package is seen here, not on AWS."""
    with zipfile.ZipFile(packaging.function_zip(module)) as archive:
        archive.extractall(tmp_path)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from handlers import {module}; {module}.handler"
    environment = dict.fromkeys(("CLIENT_ID", "HOSTED_LOGIN_URL", "ISSUER"), "https://value.example")
    environment |= {"SITE_ORIGINS": '["https://site.example"]', "REFRESH_DAYS": "30", "IDENTITY_PROVIDER": "Kakao"}
    environment |= {"USER_POOL_ID": "ap-northeast-2_x", "PASSWORD_LENGTH": "12"}
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, env=environment, timeout=20)


@pytest.mark.parametrize("module", TRIGGERS)
def test_a_trigger_brings_no_other_module_so_that_cognito_does_not_wait(module: str) -> None:
    with zipfile.ZipFile(packaging.function_zip(module)) as archive:
        assert archive.namelist() == ["handlers/__init__.py", f"handlers/{module}.py"]


def test_every_function_of_the_program_is_tested_so(stack: Graph) -> None:
    deployed = {f["handler"].split(".")[1] for f in stack.all("Function") if f.type.startswith("aws:lambda/")}
    assert deployed == set(MODULES)
