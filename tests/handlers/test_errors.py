"""The tree of errors has one class for each case that a caller distinguishes."""

import ast
import importlib
import re
from collections import Counter

import pytest

from handlers import errors, trigger_errors
from sandbox.program import ROOT


@pytest.mark.parametrize(("module", "root"), [(errors, "LoginError"), (trigger_errors, "TriggerError")])
def test_the_tree_in_the_docstring_shows_each_error_below_its_base_class(module: object, root: str) -> None:
    classes = {name: one for name, one in vars(module).items() if isinstance(one, type) and issubclass(one, Exception)}
    bases = {name: one.__base__.__name__ for name, one in classes.items() if name != root}
    shown: dict[str, str] = {}
    above = [root]
    for stem, name in re.findall(r"^    ([│ ]*)[├└]── (\w+)", module.__doc__ or "", re.MULTILINE):
        above[len(stem) // 4 + 1 :] = [name]
        shown[name] = above[-2]
    assert shown == bases


def test_no_two_modules_have_an_error_of_the_same_name() -> None:
    names = Counter(
        node.name
        for file in (ROOT / "handlers").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    )
    assert {name for name, count in names.items() if count > 1} == set()


def test_each_error_of_kakao_has_its_own_code() -> None:
    kinds = importlib.import_module("handlers.errors").KakaoError.__subclasses__()
    assert len({kind.code for kind in kinds} - {""}) == len(kinds)
