"""What holds for every resource of the program, and for its source."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
import yaml

from sandbox.program import ROOT
from tests.infra.engine import EVERYTHING, Declared, Graph, declare


def test_every_resource_belongs_to_a_component(stack: Graph) -> None:
    components = {resource.name for resource in stack.resources if resource.type.startswith("kakao-login:infra:")}
    for resource in stack.custom():
        assert resource.parent in components, resource.name
        assert resource.name.startswith(f"{resource.parent}-"), resource.name


def test_no_name_holds_a_stack_or_an_account_so_that_a_second_stack_is_the_same_program(stack: Graph) -> None:
    other = declare({"kakaoAppId": "1000002"}, stack="prod")
    assert {(r.type, r.name) for r in stack.resources} == {(r.type, r.name) for r in other.resources}


def test_nothing_in_the_program_asks_which_stack_it_is() -> None:
    stacks = {file.stem.removeprefix("Pulumi.") for file in ROOT.glob("Pulumi.*.yaml")}
    assert stacks >= {"dev", "prod", "local"}
    for file in [ROOT / "__main__.py", *(ROOT / "infra").glob("*.py")]:
        texts = {node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)}
        assert not texts & stacks, file.name


def taggable(resource: Declared) -> bool:
    package, _, name = resource.type.removeprefix("aws:").partition(":")
    module = importlib.import_module(f"pulumi_aws.{package.partition('/')[0].replace('lambda', 'lambda_')}")
    return "tags" in inspect.signature(getattr(module, name)._internal_init).parameters


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_whatever_aws_can_tag_bears_project_and_stack(name: str) -> None:
    graph = declare(EVERYTHING, stack=name)
    tagged = {resource.name for resource in graph.custom() if taggable(resource)}
    assert {"site-bucket", "site-distribution", "login-pool", "session-function", "api-api"} <= tagged
    for resource in graph.custom():
        expected = {"project": "kakao-login", "stack": name} if resource.name in tagged else None
        assert resource.inputs.get("tags") == expected, resource.name


def test_the_example_of_a_second_stack_keeps_what_it_has_and_lets_no_laptop_in(stack: Graph) -> None:
    prod = declare(stack="prod")
    assert prod.one("UserPool").protect
    assert prod.one("UserPool")["deletionProtection"] == "ACTIVE"
    assert prod.all("LogGroup")[0]["retentionInDays"] > stack.all("LogGroup")[0]["retentionInDays"]
    (callback,) = prod.one("UserPoolClient")["callbackUrls"]
    assert callback.startswith(prod.exports["siteUrl"])


def test_what_the_example_leaves_to_choose_is_taken_as_it_stands_there() -> None:
    lines = (ROOT / "Pulumi.prod.yaml").read_text().splitlines()
    chosen = yaml.safe_load("\n".join(line[4:] for line in lines if line.startswith("  # kakao-login:")))
    settings = {key.removeprefix("kakao-login:"): value for key, value in chosen.items()}
    prod = declare(settings, stack="prod")
    assert prod.exports["siteUrl"] == f"https://{settings['siteDomain']}"
    assert prod.one("UserPoolDomain")["domain"] == settings["loginDomain"]
    assert prod.all("WebAcl")


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


def test_what_a_component_gives_away_is_what_it_registers() -> None:
    for file in (ROOT / "infra").glob("*.py"):
        for component in ast.parse(file.read_text()).body:
            if not isinstance(component, ast.ClassDef) or "ComponentResource" not in ast.dump(component):
                continue
            nodes = list(ast.walk(component))
            given = {
                node.attr
                for node in nodes
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and not node.attr.startswith("_")
            }
            calls = [ast.unparse(node) for node in nodes if isinstance(node, ast.Call)]
            (registered,) = [call for call in calls if call.startswith("self.register_outputs(")]
            names = re.findall(r"'(\w+)':", registered)
            assert {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name) for name in names} == given, file.name


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
