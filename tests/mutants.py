"""`python -m tests.mutants [file …]`: remove each check of handlers and edge functions once; a test has to fail.

A check is a condition, a part of one, a bound, an error that is caught or raised, a case, a call made for its effect, a
name in a list, `True` or `False`. docs/reference/mutants.md lists those that no test notices, with reasons. A survivor
that is not listed is a failure here. So is a listed one that a test has caught, or that no longer exists.
"""

import ast
import copy
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import boto3  # noqa: F401 - see _pass
import hypothesis  # noqa: F401
import jwt  # noqa: F401
import moto  # noqa: F401
import pytest

from infra import site
from sandbox.program import ROOT

AT_A_TIME = 2
SECONDS = 60  # for a file of tests; a mutant that runs into it is caught
LISTED = ROOT / "docs" / "reference" / "mutants.md"
TESTS = ROOT / "tests" / "handlers"
OPTIONS = ["-qx", "--disable-plugin-autoload", "-p", "pytest_timeout", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
BOUNDS: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
NOTHING = "(nothing)"
TESTED_BY = {  # beside the tests of its own name
    "bugs": ["logs", "chat", "triggers", "web"],
    "cognito": ["accounts", "triggers", "user_info"],
    "cognito_responses": ["accounts", "user_info"],
    "email_address": ["accounts"],
    "errors": ["web", "kakao_api", "accounts"],
    "http_client": ["token_endpoint", "kakao_api"],
    "jwks": ["connect_authorizer", "kakao_api"],
    "id_token": ["connect_authorizer", "kakao_api"],
    "kakao_attributes": ["kakao_user_info"],
    "kakao_challenge": ["logs"],
    "kakao_client": ["kakao_api", "kakao_user_info"],
    "kakao_environment": ["kakao_challenge"],
    "kakao_oauth": ["kakao_web_sign_in", "session"],
    "kakao_parameters": ["kakao_authorize", "session"],
    "kakao_profile": ["kakao_sign_in", "kakao_web_sign_in"],
    "kakao_responses": ["kakao_sign_in", "kakao_user_info"],
    "kakao_user": ["kakao_challenge", "kakao_sign_in"],
    "kakao_user_info": ["logs"],
    "pages": ["session"],
    "post_confirmation": ["triggers", "logs"],
    "pre_authentication": ["triggers", "logs"],
    "pre_sign_up": ["triggers", "logs"],
    "session": ["return_to", "logs", "kakao_authorize"],
    "session_cookies": ["session", "accounts"],
    "token_endpoint": ["session"],
    "token_api": ["session"],
    "token_set": ["token_endpoint", "session", "accounts"],
    "user_info": ["logs"],
    "web": ["session", "user_info", "accounts"],
    "web_sign_in": ["session", "return_to", "logs"],
}


@dataclass(frozen=True)
class Mutant:
    """A file without one check: `before` is replaced with `after` in `where`; `source` is the whole file."""

    where: str
    before: str
    after: str
    source: str

    @property
    def row(self) -> tuple[str, str, str]:
        """The key of the mutant, which stays the same when lines move."""
        return self.where, self.before, self.after


# Python


def of_python(path: Path) -> Iterator[Mutant]:
    """Yield each mutant of a module once."""
    tree = ast.parse(path.read_text())
    seen = {ast.unparse(tree)}
    times: Counter[tuple[str, str, str]] = Counter()
    for scope, node, change in list(_changes(tree)):
        before = _text(node)
        mutated = copy.deepcopy(tree)
        # The copy has its nodes in the same order.
        twin = next(b for a, b in zip(ast.walk(tree), ast.walk(mutated), strict=True) if a is node)
        after = change(twin, mutated)
        source = ast.unparse(ast.fix_missing_locations(mutated))
        if source not in seen:
            seen.add(source)
            where = f"{path.relative_to(ROOT)} {scope}".strip()
            times[where, before, after] += 1
            number = times[where, before, after]
            yield Mutant(where, before, after + (f" ({number})" if number > 1 else ""), source)


Change = Callable[[Any, ast.AST], str]


def _changes(tree: ast.Module) -> Iterator[tuple[str, ast.AST, Change]]:
    """Yield the function that contains it, the node, and a change of its copy that returns the mutated text."""
    conditions: set[ast.AST] = set()
    for scope, node in _scoped(tree):
        for condition in _conditions(node):
            conditions.add(condition)
            for value in (True, False):
                yield scope, condition, _replaced_by(ast.Constant(value))
        match node:
            case ast.BoolOp(values=values):
                for number in range(len(values)):
                    yield scope, node, _without("values", number)
            case ast.Compare(ops=operators):
                for number, operator in enumerate(operators):
                    if type(operator) in BOUNDS:
                        yield scope, node, _with_bound(number)
                if node not in conditions:
                    for value in (True, False):
                        yield scope, node, _replaced_by(ast.Constant(value))
            case ast.UnaryOp(op=ast.Not()):
                for value in (True, False):
                    yield scope, node, _replaced_by(ast.Constant(value))
            case ast.Try(handlers=handlers):
                for handler in handlers:
                    yield scope, handler, _removed if len(handlers) > 1 else _reraised
            case ast.Match(cases=cases):
                for case in cases:
                    if not isinstance(case.pattern, ast.MatchAs):
                        yield scope, case, _removed
            case ast.Assign(value=ast.Dict(keys=keys) as entries) if scope and len(keys) > 1:
                for number in range(len(keys)):
                    yield scope, entries, _without("keys", number)
            case ast.Raise() | ast.Expr(value=ast.Call()) if not _is_log(node):
                yield scope, node, _replaced_by(ast.Pass())
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) if _is_listing(node):
                for item in items:
                    yield scope, item, _removed
            case ast.Call(func=ast.Attribute(attr="fullmatch")):
                yield scope, node.func, _renamed("match")
            case ast.Call(func=ast.Attribute(attr="decode"), keywords=keywords):
                for number in range(len(keywords)):
                    yield scope, node, _without("keywords", number)
            case ast.Constant(value=bool(value)):
                yield scope, node, _replaced_by(ast.Constant(not value))


def _scoped(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node with the name of the function or class that it is in."""
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        scope, node = pending.pop(0)
        yield scope, node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            scope = f"{scope}.{node.name}".strip(".")
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "slice"):  # types, mostly
                children = value if isinstance(value, list) else [value]
                pending += [(scope, child) for child in children if isinstance(child, ast.AST)]


def _conditions(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) | ast.Assert(test=test):
            return [test]
        case ast.comprehension(ifs=tests):
            return tests
        case ast.match_case(guard=ast.expr() as guard):
            return [guard]
    return []


def _is_log(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith(("log.", "super()"))


def _is_listing(node: ast.Tuple | ast.List | ast.Set) -> bool:
    """Whether these are several names or values, and no variables that are assigned to."""
    plain = all(isinstance(item, ast.Constant | ast.Name | ast.Attribute) for item in node.elts)
    return len(node.elts) > 1 and plain and not isinstance(getattr(node, "ctx", None), ast.Store)


def _text(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text.partition("\n")[0] if isinstance(node, ast.ExceptHandler | ast.match_case) else " ".join(text.split())


def _replaced_by(new: ast.AST) -> Change:
    def change(old: ast.AST, tree: ast.AST) -> str:
        for parent in ast.walk(tree):
            for name, value in ast.iter_fields(parent):
                if value is old:
                    setattr(parent, name, new)
                elif isinstance(value, list) and any(item is old for item in value):
                    setattr(parent, name, [new if item is old else item for item in value])
        return NOTHING if isinstance(new, ast.Pass) else _text(new)

    return change


def _without(field: str, number: int) -> Change:
    def change(node: Any, tree: ast.AST) -> str:
        del getattr(node, field)[number]
        if isinstance(node, ast.Dict):
            del node.values[number]
        if isinstance(node, ast.BoolOp) and len(node.values) == 1:
            return _replaced_by(node.values[0])(node, tree)
        return _text(node)

    return change


def _removed(node: ast.AST, tree: ast.AST) -> str:
    for parent in ast.walk(tree):
        for field in ("handlers", "cases", "elts"):
            if node in getattr(parent, field, ()):
                getattr(parent, field).remove(node)
    return NOTHING


def _with_bound(number: int) -> Change:
    def change(node: ast.Compare, _tree: ast.AST) -> str:
        node.ops[number] = BOUNDS[type(node.ops[number])]()
        return _text(node)

    return change


def _renamed(name: str) -> Change:
    def change(node: ast.Attribute, _tree: ast.AST) -> str:
        node.attr = name
        return _text(node)

    return change


def _reraised(node: ast.ExceptHandler, _tree: ast.AST) -> str:
    node.body = [ast.Raise()]
    return "raise"


# JavaScript: each condition, and each returned one, is on one line, with spaces around its operators.


def of_javascript(path: Path) -> Iterator[Mutant]:
    """Yield each mutant of an edge function: every part of a condition as true and as false, and every bound."""
    text, function = path.read_text(), ""
    for line in re.finditer(r".*\n", text):
        function = next(iter(re.findall(r"^function (\w+)", line[0])), function)
        where = f"{path.relative_to(ROOT)} {function}"

        def instead(start: int, before: str, after: str, where: str = where) -> Mutant:
            return Mutant(where, before, after, text[:start] + after + text[start + len(before) :])

        for condition in re.finditer(r"\bif \((.+)\) (?=[{\w])|\breturn (.+ (?:&&|\|\||===) .+);", line[0]):
            start = line.start() + condition.start(condition.lastindex or 0)
            for part in re.split(r"( && | \|\| )", condition[condition.lastindex or 0]):
                if part.strip() not in ("&&", "||"):
                    yield from (instead(start, part, value) for value in ("true", "false"))
                start += len(part)
        for bound in re.finditer(r" (<=|<|>=|>) ", line[0]):
            other = bound[1][0] + "=" * (bound[1][1:] == "")
            yield instead(line.start() + bound.start(1), bound[1], other)


# Running


def tests_of(path: Path) -> list[str]:
    """Return the tests that may notice, the likeliest first."""
    if path.suffix == ".js":
        return [str(ROOT / "tests" / "infra" / "test_edge.py")]
    names = [path.stem, *TESTED_BY.get(path.stem, [])]
    return [str(file) for name in names if (file := TESTS / f"test_{name}.py").exists()]


def survives(path: Path, source: str) -> bool:
    """Run the tests with another source in place of the file's; nothing is written."""
    return all(_pass(tests, path, source) for tests in tests_of(path))


def _pass(tests: str, path: Path, source: str) -> bool:
    """Run one file of tests in a process of its own, which has what takes long to import from this one."""
    process = multiprocessing.get_context("fork").Process(target=_run, args=(tests, path, source))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode == pytest.ExitCode.OK


def _run(tests: str, path: Path, source: str) -> None:
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    if path.suffix == ".js":
        folder = Path(tempfile.mkdtemp())
        (folder / path.name).write_text(source)
        site.EDGE = _Beside(folder, site.EDGE)  # type: ignore[assignment]
    else:
        read = SourceFileLoader.get_code

        def get_code(loader: SourceFileLoader, name: str) -> Any:
            return compile(source, path, "exec") if loader.path == str(path) else read(loader, name)

        SourceFileLoader.get_code = get_code  # type: ignore[assignment,method-assign]
    os._exit(pytest.main([*OPTIONS, tests]))


@dataclass(frozen=True)
class _Beside:
    """A folder whose files come before those of another."""

    first: Path
    second: Path

    def __truediv__(self, name: str) -> Path:
        return self.first / name if (self.first / name).exists() else self.second / name


def listed() -> set[tuple[str, str, str]]:
    """Return the rows of docs/reference/mutants.md: where, before and after."""
    rows = re.findall(r"^\| `([^`]+)` \| `(.+?)` \| `(.+?)` \|", LISTED.read_text(), re.MULTILINE)
    return {(where, before.replace(r"\|", "|"), after.replace(r"\|", "|")) for where, before, after in rows}


def as_row(mutant: Mutant) -> str:
    """Return the row with which it would be listed, but for the reason."""
    return " ".join(f"| `{part}`".replace("|", r"\|").replace(r"\|", "|", 1) for part in mutant.row) + " | … |"


def main(names: list[str]) -> None:
    """Run all mutants of these files, or of every one, and compare the survivors with the list."""
    files = [ROOT / name for name in names] or [*sorted((ROOT / "handlers").glob("*.py")), *sorted(site.EDGE.glob("*"))]
    known = {row for row in listed() if any(row[0].startswith(str(file.relative_to(ROOT))) for file in files)}
    survivors: set[tuple[str, str, str]] = set()
    for file in files:
        mutants = list(of_javascript(file) if file.suffix == ".js" else of_python(file))
        if not mutants:
            continue
        if not survives(file, file.read_text()):
            sys.exit(f"The tests of {file.relative_to(ROOT)} fail as it is.")
        start = time.monotonic()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            alive = list(pool.map(lambda mutant: survives(file, mutant.source), mutants))  # noqa: B023
        found = [mutant for mutant, survived in zip(mutants, alive, strict=True) if survived]
        took = time.monotonic() - start
        print(f"{file.relative_to(ROOT)}: {len(mutants)} mutants, {len(found)} survived, {took:.0f} s", flush=True)
        for mutant in found:
            if mutant.row not in known:
                print(as_row(mutant), flush=True)
        survivors |= {mutant.row for mutant in found}
    for row in sorted(known - survivors):
        print("listed, and caught or gone:", " | ".join(row))
    if survivors != known:
        sys.exit(
            f"{len(survivors - known)} survivors that are not listed, {len(known - survivors)} listed that are none"
        )
    print(f"all survivors are listed: {len(survivors)}")


if __name__ == "__main__":
    main(sys.argv[1:])
