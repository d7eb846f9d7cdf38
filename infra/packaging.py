"""The zip files of the Lambda functions and of the layer. The same content gives the same bytes."""

import ast
import hashlib
import os
import subprocess
import symtable
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from infra import keys

ROOT = Path(__file__).resolve().parent.parent
HANDLERS = ROOT / "handlers"
BUILD = ROOT / ".build"
HANDLER = "handler"
IN_RUNTIME = ("boto3", "botocore")  # https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html

# The glibc 2.x of each runtime: Amazon Linux 2 up to Python 3.11, Amazon Linux 2023 from Python 3.12 on.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
GLIBC = {"python3.11": 26, "python3.12": 34, "python3.13": 34, "python3.14": 34}
OLDEST_GLIBC = 17  # that of manylinux2014 (PEP 599)
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
NOT_IN_LAYER = ("__pycache__", "bin", "RECORD", "REQUESTED", "INSTALLER", "direct_url.json")


def handler_name(source: str | Path) -> str:
    """Return the handler of a source file: `handlers.session.handler` for `handlers/session.py`."""
    file = Path(source)
    return f"{file.resolve().parent.name}.{file.stem}.{HANDLER}"


def flaw(source: str | Path) -> str:
    """Return why Lambda cannot start from a source file, or an empty text. Raises SyntaxError."""
    file = Path(source)
    if not file.is_file():
        near = keys.nearest(str(source), [str(found) for found in (*file.parent.glob("*.py"), *Path().glob("*/*.py"))])
        return f"there is no such file{f'; the nearest is {near!r}' if near else ''}"
    symbols = symtable.symtable(file.read_text(encoding="utf-8"), str(file.resolve()), "exec").get_symbols()
    names = [symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()]
    if HANDLER in names:
        return ""
    near = keys.nearest(HANDLER, names)
    return f"that file has no function `{HANDLER}`, which Lambda calls{f'; the nearest is `{near}`' if near else ''}"


def function_zip(source: str | Path, *entries: str) -> Path:
    """Package a source file and the modules of its folder and of handlers/ that it imports, directly or not.

    `entries` are further modules of handlers/ from which Lambda starts.

    Raises OSError where a file is missing, SyntaxError where Python cannot read one or it imports relatively, and
    ValueError where another folder is named handlers.
    """
    file = Path(source).resolve()
    # Two folders may have one name.
    folder = hashlib.sha256(os.path.relpath(file.parent, ROOT).encode()).hexdigest()[:8]
    files = _files(file, entries)
    return _zip(BUILD / f"{'-'.join([file.parent.name, file.stem, *entries, folder])}.zip", files.items())


def missing_package(source: str | Path, *entries: str) -> tuple[Path, int, str] | None:
    """Return the file, the line and the name of an import that a function without a layer would not find on AWS.

    What is imported inside of `try:` or `if TYPE_CHECKING:` is not looked at. Raises as `function_zip` does.
    """
    file = Path(source).resolve()
    known = {*sys.stdlib_module_names, *IN_RUNTIME, HANDLERS.name, file.parent.name}
    for module in _files(file, entries).values():
        for found in _imports(module, module.read_bytes()):
            for package in [name.partition(".")[0] for name in ([found.module] if found.module else found.names)]:
                if found.required and package not in known:
                    return module, found.line, package
    return None


def _files(file: Path, entries: Iterable[str]) -> dict[str, Path]:
    """Return the members of a function's package by their names."""
    if file.parent.name == "handlers" and file.parent != HANDLERS:
        raise ValueError(f"{file.parent} has the name of the login's own folder: give it another")
    packages = {"handlers": HANDLERS, file.parent.name: file.parent}
    files: dict[str, Path] = {}
    unread = [f"{file.parent.name}.{file.stem}", *(f"handlers.{entry}" for entry in entries)]
    while unread:
        package, _, module = unread.pop().partition(".")
        name = f"{package}/{module}.py"
        if package in packages and name not in files:
            files[name] = packages[package] / f"{module}.py"
            files[f"{package}/__init__.py"] = packages[package] / "__init__.py"
            unread += _imported(files[name], files[name].read_bytes(), tuple(packages))
    return files


def layer_zip(runtime: str, architecture: str, requirements: Path | None = None) -> Path:
    """Package the wheels of a file, or of handlers/requirements.txt, for Lambda's platform, on any platform.

    Raises OSError where the file is missing, and subprocess.CalledProcessError where pip finds no wheel; pip writes why
    to standard error.
    """
    requirements = requirements or HANDLERS / "requirements.txt"
    platforms = _platforms(runtime, architecture)
    key = hashlib.sha256(requirements.read_bytes() + f"{runtime} {platforms}".encode()).hexdigest()[:16]
    layer = BUILD / f"layer-{key}.zip"
    if layer.exists():
        return layer
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        target = Path(folder) / "python"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        command += ["--require-hashes", f"--requirement={requirements}", f"--target={target}"]
        command += ["--only-binary=:all:", "--implementation=cp"]
        command += [f"--python-version={runtime.removeprefix('python')}"]
        command += [f"--platform={platform}" for platform in platforms]
        subprocess.run(command, check=True)  # noqa: S603
        wanted = [
            file
            for file in target.rglob("*")
            if file.is_file() and not set(NOT_IN_LAYER) & set(file.relative_to(target).parts)
        ]
        return _zip(layer, ((file.relative_to(folder).as_posix(), file) for file in wanted))


def _platforms(runtime: str, architecture: str) -> list[str]:
    """Return the platform tags that the runtime can load, newest first. For pip a newer tag includes no older one."""
    machine = MACHINES[architecture]
    versions = range(GLIBC[runtime], OLDEST_GLIBC - 1, -1)
    return [*(f"manylinux_2_{version}_{machine}" for version in versions), f"manylinux2014_{machine}"]


class _Import(NamedTuple):
    """An import statement, `from module import names` or `import names`, and whether the file fails without it."""

    line: int
    column: int
    level: int
    module: str | None
    names: tuple[str, ...]
    required: bool


def _imported(file: Path, source: bytes, packages: tuple[str, ...]) -> list[str]:
    """Return the modules of `packages` that a file imports, also inside a function. Raises SyntaxError."""
    names: list[str] = []
    for found in _imports(file, source):
        if found.level:
            where = (str(file), found.line, found.column, None)
            raise SyntaxError("a relative import is not packaged: write `from <folder> import <module>`", where)
        if found.module in packages:
            names += [f"{found.module}.{name}" for name in found.names]
        else:
            names += [found.module] if found.module else found.names
    return [name for name in names if name.partition(".")[0] in packages and "." in name]


@cache  # several packages share most files
def _imports(file: Path, source: bytes) -> list[_Import]:
    """Return the import statements of a file in their order. Raises SyntaxError."""
    tree = ast.parse(source, file)
    compile(tree, file, "exec")  # ast.parse misses some errors, such as a return outside a function
    found: list[_Import] = []

    def look_through(statements: Iterable[ast.AST], *, required: bool) -> None:
        for one in statements:
            if isinstance(one, (ast.Import, ast.ImportFrom)):
                module, level = (one.module, one.level) if isinstance(one, ast.ImportFrom) else (None, 0)
                names = tuple(alias.name for alias in one.names)
                found.append(_Import(one.lineno, one.col_offset + 1, level, module, names, required))
            optional = isinstance(one, ast.Try) or (
                isinstance(one, ast.If) and "TYPE_CHECKING" in ast.unparse(one.test)
            )
            for part in ("body", "handlers", "cases", "orelse", "finalbody"):
                look_through(getattr(one, part, ()), required=required and not optional)

    look_through(tree.body, required=True)
    return found


def _zip(path: Path, members: Iterable[tuple[str, Path]]) -> Path:
    """Write the members sorted, with one date and one mode. Another process never sees a half-written file."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, file in sorted(members):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o100644 << 16
                entry.create_system = 3  # Unix, on Windows too
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
        return unfinished.replace(path)
