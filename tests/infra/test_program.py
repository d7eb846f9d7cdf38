"""What holds for every resource of the program, and for its source."""

import ast
from pathlib import Path

import pytest

from sandbox.program import ROOT
from tests.infra.engine import Graph, declare


def test_every_resource_belongs_to_a_component(stack: Graph) -> None:
    components = {resource.name for resource in stack.resources if resource.type.startswith("kakao-login:infra:")}
    for resource in stack.custom():
        assert resource.parent in components, resource.name
        assert resource.name.startswith(f"{resource.parent}-"), resource.name


def test_no_name_holds_a_stack_or_an_account_so_that_a_second_stack_is_the_same_program(stack: Graph) -> None:
    other = declare(stack="local")
    assert {(r.type, r.name) for r in stack.resources} == {(r.type, r.name) for r in other.resources}


def test_the_domain_prefix_is_unique_to_project_stack_and_account(stack: Graph) -> None:
    assert stack.one("UserPoolDomain")["domain"] == "kakao-login-dev-123456789012"
    assert declare({"domainPrefix": "my-login"}).one("UserPoolDomain")["domain"] == "my-login"


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, [file.parent.name if node.level else "", node.module]))
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


COMPONENTS = {
    f"infra.{file.stem}" for file in (ROOT / "infra").glob("*.py") if "(pulumi.ComponentResource)" in file.read_text()
}
FORBIDDEN = {
    "handlers": {"infra", "sandbox", "tests", "pulumi", "pulumi_aws"},
    "infra": {"handlers", "sandbox", "tests", "boto3", "botocore"},
    "sandbox": {"doctor", "handlers", "infra", "tests"},
    "doctor": {"handlers", "sandbox", "tests"},
}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_dependencies_point_one_way(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        roots = {name.partition(".")[0] for name in imports(file)}
        assert not roots & FORBIDDEN[package], f"{file.name} imports {roots & FORBIDDEN[package]}"


def test_components_read_no_configuration_and_do_not_import_each_other() -> None:
    for file in (ROOT / "infra").glob("*.py"):
        own = f"infra.{file.stem}"
        if own in COMPONENTS:
            assert not imports(file) & (COMPONENTS | {"infra.settings"}) - {own}, file.name
        if own != "infra.settings":
            assert "Config(" not in file.read_text(), file.name
