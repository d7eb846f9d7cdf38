import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from handlers import contract
from infra import packaging
from sandbox.local import settings
from sandbox.program import ROOT, own
from tests.infra.engine import Graph, functions

TRIGGERS = ["post_confirmation", "pre_authentication", "pre_sign_up"]
WITH_LAYER = ["connect_authorizer", "kakao_challenge", "kakao_sign_in"]
MODULES = ["accounts", "kakao_user_info", "session", "user_info", *TRIGGERS, *WITH_LAYER]


@pytest.mark.parametrize("module", MODULES)
def test_a_functions_package_is_reproducible(module: str) -> None:
    first = packaging.function_zip(packaging.HANDLERS / f"{module}.py").read_bytes()
    (ROOT / "handlers" / f"{module}.py").touch()
    assert packaging.function_zip(packaging.HANDLERS / f"{module}.py").read_bytes() == first


def test_concurrent_builds_of_a_package_do_not_corrupt_it(tmp_path: Path) -> None:
    members = [("handlers/session.py", ROOT / "handlers" / "session.py")]
    with ThreadPoolExecutor(4) as programs:
        packages = list(programs.map(lambda _: packaging._zip(tmp_path / "package.zip", members), range(40)))
    with zipfile.ZipFile(packages[0]) as archive:
        assert archive.testzip() is None


def test_a_package_contains_exactly_what_its_handler_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    monkeypatch.setattr(packaging, "HANDLERS", handlers)
    monkeypatch.setattr(packaging, "BUILD", tmp_path / ".build")
    with zipfile.ZipFile(packaging.function_zip(handlers / "greet.py")) as archive:
        assert archive.namelist() == [
            f"handlers/{name}.py" for name in ("__init__", "deep", "greet", "shapes", "words")
        ]


def test_functions_with_the_same_file_and_folder_name_have_separate_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "BUILD", tmp_path / ".build")
    packages = []
    for team in ("orders", "billing"):
        folder = tmp_path / team / "functions"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "create.py").write_text(f"NAME = {team!r}\n")
        packages.append(packaging.function_zip(folder / "create.py"))
    contents = []
    for package in packages:
        with zipfile.ZipFile(package) as archive:
            contents.append(archive.read("functions/create.py").decode())
    assert contents == ["NAME = 'orders'\n", "NAME = 'billing'\n"]


def test_a_relative_import_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "BUILD", tmp_path / ".build")
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "create.py").write_text("from . import prices\n")
    with pytest.raises(SyntaxError, match="relative import"):
        packaging.function_zip(tmp_path / "create.py")


def test_a_folder_named_handlers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "handlers").mkdir()
    with pytest.raises(ValueError, match="give it another"):
        packaging.function_zip(tmp_path / "handlers" / "create.py")


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the layer."""
    here = settings(3000)
    folder = tmp_path_factory.mktemp("layer")
    with zipfile.ZipFile(packaging.layer_zip(here[own("runtime")], here[own("architecture")])) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("module", MODULES)
def test_a_handler_starts_with_only_its_package_and_its_layer(module: str, layer: Path, tmp_path: Path) -> None:
    """In an isolated interpreter without site-packages, so that a missing module fails here and not on AWS."""
    with zipfile.ZipFile(packaging.function_zip(packaging.HANDLERS / f"{module}.py")) as archive:
        archive.extractall(tmp_path)
    paths = [str(tmp_path), *([str(layer / "python")] if module in WITH_LAYER else [])]
    program = f"import sys; sys.path[:0] = {paths!r}; from handlers import {module}; {module}.handler"
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, env=environment(), timeout=20)


def environment() -> dict[str, str]:
    """All environment variables of the functions; boto3, which Lambda's runtime has, is not at hand here."""
    names = {name: value for name, value in vars(contract).items() if name.startswith("ENV_")}
    return dict.fromkeys(names.values(), "https://value.example") | {
        contract.ENV_CONNECT_CHECKS_USER: "false",
        contract.ENV_KAKAO_APP_ID: "1",
        contract.ENV_KAKAO_APP_KEYS: '["key"]',
        contract.ENV_KAKAO_ATTRIBUTES: '{"ci": "custom:ci"}',
        contract.ENV_REFRESH_DAYS: "30",
        contract.ENV_SITE_ORIGINS: '["https://site.example"]',
    }


@pytest.mark.parametrize("module", TRIGGERS)
def test_a_trigger_imports_only_a_few_small_modules(module: str) -> None:
    small = {"__init__", "bugs", "contract", "email_address", "first_sign_in", "trigger_errors", module}
    archive, loaded = loaded_by(module)
    assert {name.removeprefix("handlers.") for name in loaded if name.startswith("handlers.")} <= small
    assert not {"boto3", "http.client", "inspect", "json", "ssl", "jwt"} & loaded
    with zipfile.ZipFile(archive) as files:
        assert sum(file.file_size for file in files.infolist()) < 30_000
        sizes = {Path(file.filename).stem: file.file_size for file in files.infolist()}
        assert sum(size for name, size in sizes.items() if name in small) < 16_000


def test_userinfo_starts_without_the_modules_that_a_request_does_not_need() -> None:
    assert not {"boto3", "http.client", "inspect", "ssl", "jwt"} & loaded_by("user_info")[1]


def loaded_by(module: str) -> tuple[Path, set[str]]:
    """Return a function's package, and the modules that its import loads beside `logging` and `re`."""
    archive = packaging.function_zip(packaging.HANDLERS / f"{module}.py")
    program = (
        f"import sys; before = {{*sys.modules}}; sys.path.insert(0, {str(archive)!r});"
        f"import logging, re, handlers.{module}; print(*({{*sys.modules}} - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", program]
    printed = subprocess.check_output(command, text=True, timeout=20, env=environment())
    return archive, set(printed.split())


def test_every_function_of_the_program_is_tested_for_its_package(stack: Graph) -> None:
    deployed = {f["handler"].split(".")[1] for f in functions(stack)}
    assert deployed == set(MODULES)


def test_only_handlers_that_need_packages_have_the_layer(stack: Graph) -> None:
    layer = stack.one("LayerVersion").outputs["arn"]
    for module in MODULES:
        function = stack.one("Function", handler=f"handlers.{module}.handler")
        assert function.inputs.get("layers") == ([layer] if module in WITH_LAYER else None), module


Require = Callable[..., None]


@pytest.fixture
def require(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Require:
    """Pins one package for the layer, of which there is a wheel for each of these platforms and nothing else."""
    monkeypatch.setattr(packaging, "HANDLERS", tmp_path)
    monkeypatch.setattr(packaging, "BUILD", tmp_path / ".build")
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_EXTRA_INDEX_URL": ""}.items():
        monkeypatch.setenv(name, value)

    def require(*platforms: str) -> None:
        hashes = []
        for platform in platforms:
            wheel = tmp_path / f"thing-1.0-py3-none-{platform}.whl"
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr("thing/__init__.py", f"built_for = {platform!r}\n")
                archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
                archive.writestr("thing-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: py3-none-{platform}\n")
                archive.writestr("thing-1.0.dist-info/RECORD", "")
            hashes.append(f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
        (tmp_path / "requirements.txt").write_text(f"thing==1.0 {' '.join(hashes)}\n")

    return require


class WheelTaken(Protocol):
    def __call__(self, runtime: str, architecture: str, platforms: list[str]) -> str | None: ...


@pytest.fixture
def wheel_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelTaken:
    """Which of these platforms' wheels pip takes for a layer, by the options that it would be given, without a run."""
    from pip._internal.cli.cmdoptions import make_target_python  # no other test needs pip
    from pip._internal.commands.install import InstallCommand
    from pip._internal.models.wheel import Wheel

    def taken(runtime: str, architecture: str, platforms: list[str]) -> str | None:
        commands: list[list[str]] = []
        with monkeypatch.context() as patched:
            patched.setattr(packaging, "BUILD", tmp_path / "unused")
            patched.setattr(subprocess, "run", lambda command, **_: commands.append(command))
            packaging.layer_zip(runtime, architecture)
        ((_python, _m, _pip, name, *options),) = commands
        given, _ = InstallCommand(name, "").parse_args(options)
        tags = make_target_python(given).get_sorted_tags()
        wheels = {Wheel(f"thing-1.0-py3-none-{platform}.whl"): platform for platform in platforms}
        loadable = [wheel for wheel in wheels if wheel.supported(tags)]
        return wheels[min(loadable, key=lambda wheel: wheel.support_index_min(tags))] if loadable else None

    return taken


@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_the_layer_has_wheels_for_the_architecture_of_the_functions(
    wheel_taken: WheelTaken, architecture: str, machine: str
) -> None:
    platforms = ["manylinux2014_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64"]
    assert machine in wheel_taken("python3.13", architecture, platforms)


@pytest.mark.parametrize(
    ("runtime", "platform"),
    [
        ("python3.11", "manylinux_2_26_x86_64"),
        ("python3.12", "manylinux_2_34_x86_64"),
        ("python3.13", "manylinux_2_34_x86_64"),
        ("python3.14", "manylinux_2_34_x86_64"),
    ],
)
def test_the_layer_has_the_newest_wheel_for_the_runtimes_glibc(
    wheel_taken: WheelTaken, runtime: str, platform: str
) -> None:
    platforms = [f"manylinux_2_{version}_x86_64" for version in (17, 26, 27, 28, 34, 35)]
    assert wheel_taken(runtime, "x86_64", platforms) == platform


def test_no_library_of_the_real_layer_needs_a_newer_glibc_than_the_runtime_has() -> None:
    here = settings(3000)
    runtime = here[own("runtime")]
    with zipfile.ZipFile(packaging.layer_zip(runtime, here[own("architecture")])) as archive:
        libraries = [archive.read(name) for name in archive.namelist() if ".so" in name]
    asked = {int(version) for library in libraries for version in re.findall(rb"GLIBC_2\.([0-9]+)", library)}
    assert asked
    assert max(asked) <= packaging.GLIBC[runtime]


def test_a_package_without_a_matching_wheel_is_refused_and_no_file_is_kept(
    wheel_taken: WheelTaken, require: Require, tmp_path: Path
) -> None:
    platforms = ["manylinux2014_x86_64", "macosx_11_0_arm64", "manylinux_2_39_aarch64"]
    require(*platforms)
    assert wheel_taken("python3.13", "arm64", platforms) is None
    with pytest.raises(subprocess.CalledProcessError):
        packaging.layer_zip("python3.13", "arm64")
    assert list((tmp_path / ".build").iterdir()) == []


def test_a_package_with_another_hash_is_refused(require: Require, tmp_path: Path) -> None:
    require("manylinux2014_x86_64")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("thing==1.0 --hash=sha256:" + "0" * 64)
    with pytest.raises(subprocess.CalledProcessError):
        packaging.layer_zip("python3.13", "x86_64")


def test_a_layer_can_contain_the_packages_of_another_requirements_file(require: Require, tmp_path: Path) -> None:
    require("manylinux2014_x86_64")
    own = (tmp_path / "requirements.txt").rename(tmp_path / "own.txt")
    with zipfile.ZipFile(packaging.layer_zip("python3.13", "x86_64", own)) as archive:
        assert "python/thing/__init__.py" in archive.namelist()


def test_the_layer_is_reproducible(require: Require) -> None:
    require("manylinux2014_x86_64")
    layer = packaging.layer_zip("python3.13", "x86_64")
    first = layer.read_bytes()
    layer.unlink()
    assert packaging.layer_zip("python3.13", "x86_64").read_bytes() == first
    with zipfile.ZipFile(layer) as archive:
        assert "python/thing-1.0.dist-info/METADATA" in archive.namelist()
        assert not any(name.endswith(("RECORD", ".pyc")) for name in archive.namelist())


@pytest.mark.parametrize(("runtime", "architecture"), [("python3.13", "arm64"), ("python3.12", "x86_64")])
def test_the_layer_has_the_runtime_and_architecture_of_the_functions(
    runtime: str, architecture: str, stack: Graph, varied: Graph
) -> None:
    graph = stack if architecture == "arm64" else varied
    version = graph.one("LayerVersion")
    assert version["code"].path == f"layer-{runtime}-{architecture}.zip"
    assert (version["compatibleRuntimes"], version["compatibleArchitectures"]) == ([runtime], [architecture])
    function = graph.function("connect_authorizer")
    assert (function["runtime"], function["architectures"]) == (runtime, [architecture])
    assert version.parent == "login-layer"
