"""A wrong input of a function is refused at its line, with a correct one."""

import re
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from infra import packaging
from infra.alarms import Alarms
from infra.function import Function, Platform
from infra.function_inputs import RESERVED_VARIABLES
from infra.policies import read_items
from sandbox.program import ROOT
from tests.infra.engine import Declared, declare_component, statements

CODE = "def handler(event, _context):\n    return event\n"
NOTES = {
    "Effect": "Allow",
    "Action": ["ses:SendEmail"],
    "Resource": ["arn:aws:ses:ap-northeast-2:1:identity/a.example"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The team's folder `shop`, in the folder from which Pulumi runs the program."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "notes.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packaging, "BUILD", tmp_path / ".build")
    return tmp_path


def declare_notes(**inputs: Any) -> list[Declared]:
    """Declare a function with these inputs, and return all that belongs to it."""

    def program() -> None:
        platform = Platform("python3.13", "arm64", 7, "", False, Alarms("alarms", email=""), ("admin",))
        Function("notes", **{"source": "shop/notes.py", "platform": platform, **inputs})

    return declare_component(program).resources


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("shop/note.py", "there is no such file; the nearest is 'shop/notes.py'"),
        ("shop/Notes.py", "there is no such file; the nearest is 'shop/notes.py'"),
        ("shop.notes", "there is no such file; the nearest is 'shop/notes.py'"),
        ("shop/notes", "there is no such file; the nearest is 'shop/notes.py'"),
        ("notes.py", "there is no such file; the nearest is 'shop/notes.py'"),
        ("shop", "there is no such file"),
        ("elsewhere/xyz.py", "there is no such file$"),
    ],
)
def test_a_missing_source_file_is_refused_with_the_nearest_name(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^'notes' has source='{re.escape(source)}', and {why}"):
        declare_notes(source=source)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("def handle(event, _context): ...", "; the nearest is `handle`"),
        ("def lambda_handler(event, _context): ...", "; the nearest is `lambda_handler`"),
        ("class Notes:\n    def handler(self): ...", ""),
        ("def main():\n    def handler(): ...", ""),
        ("print(handler)", ""),
        ("", ""),
    ],
)
def test_a_module_without_a_handler_is_refused(code: str, hint: str, folder: Path) -> None:
    (folder / "shop" / "notes.py").write_text(code)
    with pytest.raises(ValueError, match=f"has no function `handler`, which Lambda calls{hint}$"):
        declare_notes()


@pytest.mark.parametrize("code", ["handler = len", "from shop.other import handler", "if 1:\n    def handler(): ..."])
def test_a_handler_may_be_assigned_imported_or_defined_in_a_block(code: str, folder: Path) -> None:
    (folder / "shop" / "other.py").write_text(CODE)
    (folder / "shop" / "notes.py").write_text(code)
    assert declare_notes()


EXAMPLE = re.escape("give a list of statements, such as [table.read_write()]")


class Owner:
    def read_write(self) -> pulumi.Output[Any]:
        """Return a statement."""
        return pulumi.Output.from_input(NOTES)


@pytest.mark.parametrize(
    ("permissions", "why"),
    [
        ("dynamodb:*", f"is 'dynamodb:\\*': {EXAMPLE}"),
        (NOTES, f"is {{.*}}: {EXAMPLE}"),
        (Owner().read_write, f"is the method read_write, which is not called: {EXAMPLE}"),
        (["arn:aws:dynamodb:table"], f"has 'arn:aws:dynamodb:table': {EXAMPLE}"),
        ([Owner().read_write], f"has the method read_write, which is not called: {EXAMPLE}"),
        ([[NOTES]], f"has \\[.*: {EXAMPLE}"),
        ([{"Effect": "Allow"}], "has a statement without Action"),
        ([{key: NOTES[key] for key in ("Effect", "Action")}], "has a statement without Resource"),
        ([{key.lower(): value for key, value in NOTES.items()}], "has a statement without Effect"),
    ],
)
def test_permissions_that_are_not_a_list_of_statements_are_refused(permissions: Any, why: str) -> None:
    with pytest.raises(ValueError, match=f"^permissions of 'notes' {why}"):
        declare_notes(permissions=permissions)


def test_an_output_is_refused_as_the_list_and_as_a_statement_of_another_type() -> None:
    def output(value: object) -> pulumi.Output[Any]:
        return pulumi.Output.from_input(value)

    def refusal(permissions: Any) -> str:
        def program() -> None:
            platform = Platform("python3.13", "arm64", 7, "", False, Alarms("alarms", email=""))
            Function("notes", source="shop/notes.py", platform=platform, permissions=permissions())

        with pytest.raises(ValueError, match="permissions of 'notes' ") as error:
            declare_component(program)
        return str(error.value)

    assert re.search(f"^permissions of 'notes' is an Output: {EXAMPLE}", refusal(lambda: output(NOTES)))
    assert re.search(f"permissions of 'notes' has 'arn': {EXAMPLE}", refusal(lambda: [output("arn")]))


def test_a_statement_that_the_team_writes_is_in_the_functions_policy() -> None:
    (policy,) = [one for one in declare_notes(permissions=[NOTES]) if one.type.endswith("RolePolicy")]
    assert statements(policy["policy"])[1:] == [NOTES]
    denied = {"Effect": "Allow", "NotAction": ["ses:*"], "NotResource": ["arn:aws:s3:::a"]}
    assert declare_notes(permissions=(read_items("arn"), denied))


def test_the_statements_of_the_guide_are_in_a_functions_policy() -> None:
    guide = (ROOT / "docs" / "guides" / "own-route.md").read_text()
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "ses:SendEmail" in block]

    def program() -> None:
        given: dict[str, Any] = {"files": aws.s3.Bucket("files")}
        exec(block, given)
        platform = Platform("python3.13", "arm64", 7, "", False, Alarms("alarms", email=""))
        permissions = [given["send_mail"], given["read_files"]]
        Function("notes", source="shop/notes.py", platform=platform, permissions=permissions)

    graph = declare_component(program)
    _logs, mail, files = statements(graph.one("RolePolicy")["policy"])
    assert mail["Action"] == ["ses:SendEmail"]
    assert files["Resource"] == [f"{graph.one('Bucket').outputs['arn']}/*"]


@pytest.mark.parametrize("variable", sorted(RESERVED_VARIABLES))
def test_a_variable_that_lambda_reserves_is_refused(variable: str) -> None:
    with pytest.raises(ValueError, match=f"^environment of 'notes': Lambda itself sets {variable}; give yours another"):
        declare_notes(environment={variable: "x"})


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"GROUPS": "x"}, "the login itself sets GROUPS"),
        ({"MY-TABLE": "x"}, "'MY-TABLE' is no name of a variable"),
        ({"_TABLE": "x"}, "'_TABLE' is no name of a variable"),
        ({"T": "x"}, "'T' is no name of a variable"),
        ({"LIMIT": 5}, "LIMIT is 5; give a text"),
        ({"TABLE": Owner().read_write}, "TABLE is the method read_write, which is not called; give a text"),
    ],
)
def test_an_invalid_name_or_value_of_a_variable_is_refused(environment: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=f"^environment of 'notes': {re.escape(why)}"):
        declare_notes(environment=environment)


@pytest.mark.parametrize("variable", ["TZ", "PATH", "LANG", "AWS_ENDPOINT_URL", "T1"])
def test_a_variable_that_lambda_allows_is_set(variable: str) -> None:
    (function,) = [one for one in declare_notes(environment={variable: "x"}) if one.type.startswith("aws:lambda/")]
    assert function["environment"]["variables"][variable] == "x"


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("import requests\n", r"'requests' \(shop/notes\.py, line 1\)"),
        ("import json\n\nfrom requests.adapters import HTTPAdapter\n", r"'requests' \(shop/notes\.py, line 3\)"),
        ("def late():\n    import numpy as np\n", r"'numpy' \(shop/notes\.py, line 2\)"),
        ("from shop import prices\n", r"'requests' \(shop/prices\.py, line 1\)"),
        ("from handlers import jwks\n", r"'cryptography' \(handlers/jwks\.py, line \d+\)"),
        ("from infra import names\n", r"'infra' \(shop/notes\.py, line 1\)"),
    ],
)
def test_an_import_that_the_package_lacks_is_refused_without_a_layer(folder: Path, code: str, where: str) -> None:
    (folder / "shop" / "prices.py").write_text("import requests\n")
    (folder / "shop" / "notes.py").write_text(code + CODE)
    with pytest.raises(ValueError, match=rf"'notes' imports {where}, which Lambda would not find.*layers=\[…\]"):
        declare_notes()
    assert declare_notes(layers=["arn:aws:lambda:ap-northeast-2:123456789012:layer:packages:1"])


def test_imports_of_the_runtime_and_optional_imports_are_accepted(folder: Path) -> None:
    code = "import boto3\nfrom typing import TYPE_CHECKING\n\n"
    code += "try:\n    import orjson\nexcept ImportError:\n    orjson = None\n"
    code += "if TYPE_CHECKING:\n    from mypy_boto3_s3 import S3Client\n"
    (folder / "shop" / "notes.py").write_text(code + CODE)
    assert declare_notes()


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds of 'notes' is 0: give 1 to 900"),
        ({"timeout_seconds": 901}, "give 1 to 900"),
        ({"timeout_seconds": 1.5}, "give 1 to 900"),
        ({"memory_mb": 127}, "memory_mb of 'notes' is 127: give 128 to 10240"),
        ({"memory_mb": 10_241}, "give 128 to 10240"),
    ],
)
def test_a_limit_that_lambda_refuses_is_refused_with_what_it_takes(limits: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        declare_notes(**limits)


def test_a_function_may_have_more_time_and_memory_than_the_others() -> None:
    (function,) = [
        r
        for r in declare_notes(timeout_seconds=900, memory_mb=1024)
        if r.type.endswith(":Function") and "timeout" in r.inputs
    ]
    assert (function["timeout"], function["memorySize"]) == (900, 1024)
