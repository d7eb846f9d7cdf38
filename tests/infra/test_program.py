"""Rules for every resource of the program, and for its source."""

import ast
import importlib
import inspect
import json
import re
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
import yaml

from infra.alarms import Alarms
from infra.component import tag_everything
from sandbox.program import PROJECT, ROOT
from tests.infra.engine import ALONE, Declared, Graph, declare, declare_component, declare_everything


def test_every_resource_belongs_to_a_component(stack: Graph) -> None:
    components = {resource.name for resource in stack.resources if resource.type.startswith("kakao-login:infra:")}
    for resource in stack.custom():
        assert resource.parent in components, resource.name
        assert f"{resource.name}-".startswith((f"{resource.parent}-", "login-")), resource.name


def test_no_resource_name_contains_the_stack_or_the_account(everything: Graph) -> None:
    other = declare_everything("prod")
    assert {(r.type, r.name) for r in everything.resources} == {(r.type, r.name) for r in other.resources}


def test_the_program_contains_no_stack_name() -> None:
    stacks = {file.stem.removeprefix("Pulumi.") for file in ROOT.glob("Pulumi.*.yaml")}
    assert stacks >= {"dev", "prod", "local"}
    for file in (ROOT / "infra").glob("*.py"):
        texts = {node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)}
        assert not texts & stacks, file.name


def taggable(resource: Declared) -> bool:
    package, _, name = resource.type.removeprefix("aws:").partition(":")
    module = importlib.import_module(f"pulumi_aws.{package.partition('/')[0].replace('lambda', 'lambda_')}")
    return "tags" in inspect.signature(getattr(module, name)._internal_init).parameters


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_taggable_resource_has_the_tags_project_and_stack(name: str) -> None:
    graph = declare_everything(name)
    tagged = {resource.tail for resource in graph.custom() if taggable(resource)}
    names = {tail.partition("::")[2] for tail in tagged}
    assert {"login-site", "login-site-distribution", "login-pool", "login-session", "login-api-api"} <= names
    for resource in graph.custom():
        expected = {"project": PROJECT, "stack": name} if resource.tail in tagged else None
        assert resource.inputs.get("tags") == expected, resource.name


def test_resources_of_pulumi_aws_in_the_program_get_the_tags_project_and_stack() -> None:
    def program() -> None:
        tag_everything()
        aws.sqs.Queue("queue", tags={"owner": "team"})
        Alarms("alarms", email="")
        aws.autoscaling.Group("group", max_size=1, min_size=1, tags=[])  # a list, of another form
        pulumi.CustomResource("other:index:Other", "other", {"tags": ["a"]})

    graph = declare_component(program)
    both = {"project": PROJECT, "stack": "dev"}
    assert graph.one("Queue")["tags"] == {"owner": "team"} | both
    assert [topic["tags"] for topic in graph.all("Topic")] == [both, both]
    assert graph.one("Group")["tags"] == []
    assert graph.named("other")["tags"] == ["a"]


# What the example of a second stack leaves to choose, as it stands there.
LINES = (ROOT / "Pulumi.prod.yaml").read_text().splitlines()
CHOSEN = yaml.safe_load("\n".join(line[4:] for line in LINES if re.match("  # [a-z]+[A-Za-z]*: [^<]", line)))


@pytest.fixture(scope="module")
def prod() -> Graph:
    return declare(CHOSEN, stack="prod")


def test_the_example_stack_prod_is_protected_and_allows_no_localhost(stack: Graph, prod: Graph) -> None:
    assert not CHOSEN.keys() & {"protect", "extraOrigins", "logDays"}
    assert prod.one("UserPool").protect
    assert prod.one("UserPool")["deletionProtection"] == "ACTIVE"
    assert prod.all("LogGroup")[0]["retentionInDays"] > stack.all("LogGroup")[0]["retentionInDays"]
    (callback,) = prod.one("UserPoolClient")["callbackUrls"]
    assert callback.startswith(prod.exports["siteUrl"])


def test_the_commented_settings_of_the_example_stack_are_valid(prod: Graph) -> None:
    assert prod.exports["siteUrl"] == f"https://{CHOSEN['siteDomain']}"
    assert prod.one("UserPoolDomain")["domain"] == CHOSEN["loginDomain"]
    assert prod.all("WebAcl")


def test_the_domain_prefix_is_unique_to_project_stack_and_account(stack: Graph, varied: Graph) -> None:
    assert stack.one("UserPoolDomain")["domain"] == f"{PROJECT}-dev-123456789012"
    assert varied.one("UserPoolDomain")["domain"] == "my-login"


# How many AWS takes of each type, and so in which order one is replaced; for a new type that is decided here.
FIRST_DELETED = {
    "aws:cloudwatch/dashboard:Dashboard": "the deletion goes by the name, which the next one has as well",
    "aws:cognito/identityProvider:IdentityProvider": "DuplicateProviderException: a pool has one of a name",
    "aws:cognito/userPoolDomain:UserPoolDomain": "InvalidParameterException: a pool has one prefix and one own domain",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "the deletion goes by the pool, which the next one protects",
}
FIRST_MADE = {
    "aws:acm/certificate:Certificate": "several for a domain",
    "aws:acm/certificateValidation:CertificateValidation": "nothing at AWS",
    "aws:apigateway/account:Account": "never deleted",
    "aws:apigatewayv2/api:Api": "has an id of its own",
    "aws:apigatewayv2/authorizer:Authorizer": "its name ends at random",
    "aws:apigatewayv2/integration:Integration": "has an id of its own",
    "aws:apigatewayv2/route:Route": "replaced with its API alone",
    "aws:apigatewayv2/stage:Stage": "replaced with its API alone",
    "aws:cloudfront/distribution:Distribution": "protected",
    "aws:cloudfront/function:Function": "its name ends at random",
    "aws:cloudfront/originAccessControl:OriginAccessControl": "its name ends at random",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "its name ends at random",
    "aws:cloudwatch/logGroup:LogGroup": "its name ends at random",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "its name ends at random",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "its name ends at random",
    "aws:cognito/userGroup:UserGroup": "replaced with its pool or its name alone",
    "aws:cognito/userPool:UserPool": "protected",
    "aws:cognito/userPoolClient:UserPoolClient": "protected",
    "aws:iam/role:Role": "its name ends at random",
    "aws:iam/rolePolicy:RolePolicy": "its name ends at random",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "never deleted",
    "aws:lambda/function:Function": "its name ends at random",
    "aws:lambda/layerVersion:LayerVersion": "numbered",
    "aws:lambda/permission:Permission": "its statement's id is random",
    "aws:route53/record:Record": "replaced with its name, its type or its zone alone",
    "aws:s3/bucket:Bucket": "its name ends at random",
    "aws:s3/bucketObjectv2:BucketObjectv2": "replaced with its bucket or its key alone",
    "aws:s3/bucketPolicy:BucketPolicy": "replaced with its bucket alone",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "replaced with its bucket alone",
    "aws:sns/topic:Topic": "its name ends at random",
    "aws:sns/topicSubscription:TopicSubscription": "replaced with its topic or its address alone",
    "aws:wafv2/webAcl:WebAcl": "its name ends at random",
}


def test_a_resource_that_aws_allows_only_once_is_deleted_before_it_is_replaced(everything: Graph) -> None:
    assert {resource.type for resource in everything.custom()} == FIRST_DELETED.keys() | FIRST_MADE.keys()
    for resource in everything.custom():
        assert resource.deleted_first == (resource.type in FIRST_DELETED), resource.name
        reason = FIRST_DELETED.get(resource.type) or FIRST_MADE[resource.type]
        assert reason != "protected" or resource.protect, resource.name
        assert reason != "never deleted" or resource.kept, resource.name


def test_only_the_pool_its_clients_and_the_distribution_are_protected(everything: Graph, varied: Graph) -> None:
    kept = {"login-pool", "login-pool-site", "login-pool-client", "login-site-distribution"}
    assert {resource.name for resource in everything.resources if resource.protect} == kept
    assert not any(resource.protect for resource in varied.resources)


ELSEWHERE = """
import runpy
import pulumi
import pulumi_aws as aws

elsewhere = aws.Provider("elsewhere", region="us-east-1")

def moved(args):
    if args.type_.startswith("kakao-login:infra:"):
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(providers=[elsewhere]))
        return pulumi.ResourceTransformationResult(args.props, opts)

pulumi.runtime.register_stack_transformation(moved)
runpy.run_path({program!r}, run_name="__main__")
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The login in another region, at an address that another program gives it."""
    program = tmp_path_factory.mktemp("programs") / "elsewhere.py"
    program.write_text(ELSEWHERE.format(program=str(ALONE)))
    origins = {"siteUrl": "https://shop.example.com", "extraOrigins": ["https://admin.example.com"]}
    return declare({"mailFrom": "no-reply@example.com", **origins}, program=program)


def test_a_provider_given_to_components_is_used_for_every_resource_and_look_up(
    elsewhere: Graph,
) -> None:
    assert {resource.provider for resource in elsewhere.custom()} == {"elsewhere"}
    assert set(elsewhere.look_ups) == {
        ("aws:index/getCallerIdentity:getCallerIdentity", "elsewhere"),
        ("aws:index/getRegion:getRegion", "elsewhere"),
    }


def test_site_url_is_the_first_origin_everywhere_in_place_of_cloudfronts_domain(elsewhere: Graph) -> None:
    origins = ["https://shop.example.com", "https://admin.example.com"]
    for name in ("session", "accounts", "connect_authorizer"):
        assert json.loads(elsewhere.function(name)["environment"]["variables"]["SITE_ORIGINS"]) == origins
    client = elsewhere.one("UserPoolClient")
    assert client["callbackUrls"] == [f"{origin}/api/auth/callback" for origin in origins]
    assert client["logoutUrls"] == [f"{origin}/" for origin in origins]
    assert f"const extraOrigins = {json.dumps(origins)};" in elsewhere.named("login-site-jwt")["code"]
    assert elsewhere.exports["siteUrl"] == origins[0]
    assert elsewhere.exports["apiUrl"] == f"{origins[0]}/api"
    assert elsewhere.exports["websocketUrl"] == "wss://shop.example.com/ws"
    assert elsewhere.exports["kakaoLogoutRedirectUri"] == f"{origins[0]}/"


@cache
def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, [file.parent.name if node.level else "", node.module]))
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


# What the program builds on; `authorizer_id` is known after the outputs are registered.
NOT_OUTPUTS = {"api", "authorizer_id", "exports", "functions", "platform", "socket"}


def test_a_component_registers_its_public_attributes_as_outputs() -> None:
    for file in (ROOT / "infra").glob("*.py"):
        for component in ast.parse(file.read_text()).body:
            if not isinstance(component, ast.ClassDef) or "Component" not in map(ast.unparse, component.bases):
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
            outputs = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name) for name in names}
            assert outputs == given - NOT_OUTPUTS, component.name


OURS = {"benchmarks", "deployment", "doctor", "handlers", "infra", "sandbox", "service", "tests"}
FORBIDDEN = {
    "deployment": OURS - {"deployment", "handlers", "infra"},
    "handlers": (OURS - {"handlers"}) | {"pulumi", "pulumi_aws"},
    "infra": (OURS - {"infra", "handlers"}) | {"boto3", "botocore"},
    "sandbox": OURS - {"sandbox", "handlers", "infra"},
    "doctor": OURS - {"doctor", "handlers", "infra"},
    "benchmarks": {"deployment", "doctor"},
}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_dependencies_point_one_way(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        roots = {name.partition(".")[0] for name in imports(file)}
        assert not roots & FORBIDDEN[package], f"{file.name} imports {roots & FORBIDDEN[package]}"


def test_the_tests_import_only_the_cost_module_of_the_benchmarks() -> None:
    """The benchmarks import much of the tests: otherwise the imports would have a circle."""
    for file in (ROOT / "tests").rglob("*.py"):
        taken = {name for name in imports(file) if name.partition(".")[0] == "benchmarks"}
        assert taken <= {"benchmarks", "benchmarks.cost"}, file.name
    assert not {name for name in imports(ROOT / "benchmarks" / "cost.py") if name.partition(".")[0] in OURS}


def test_other_packages_import_only_the_contract_of_the_handlers() -> None:
    others = [
        file for package in ("deployment", "infra", "sandbox", "doctor") for file in (ROOT / package).rglob("*.py")
    ]
    for file in others:
        taken = {name for name in imports(file) if name.partition(".")[0] == "handlers"}
        assert taken <= {"handlers", "handlers.contract"}, file.name
    assert not imports(ROOT / "handlers" / "contract.py")


FROM_INFRA = {"sandbox": {"project"}, "deployment": {"keys", "names", "project"}}  # without a component of the login


@pytest.mark.parametrize("package", FROM_INFRA)
def test_the_sandbox_and_the_deployment_import_no_components_of_infra(package: str) -> None:
    allowed = {"infra", *(f"infra.{name}" for name in FROM_INFRA[package])}
    for file in (ROOT / package).rglob("*.py"):
        taken = {name for name in imports(file) if name.partition(".")[0] == "infra"}
        assert all(name in allowed or name.rpartition(".")[0] in allowed - {"infra"} for name in taken), file.name
    assert not {name for name in imports(ROOT / "infra" / "project.py") if name.partition(".")[0] in OURS}


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


PROGRAMS = OURS - {"tests"}


def test_the_imports_have_no_circle() -> None:
    files = [*ROOT.glob("*.py"), *(file for package in PROGRAMS for file in (ROOT / package).rglob("*.py"))]
    modules = {module_name(file): imports(file) for file in files}

    def needs(name: str, taken: set[str]) -> bool:
        """Return whether a module needs this one: `from package import module` needs the module alone."""
        members = {other for other in taken if other.rpartition(".")[0] == name}
        return name in taken and not (members and members <= modules.keys())

    graph = {file: [name for name in modules if needs(name, taken)] for file, taken in modules.items()}
    assert {"infra.settings", "handlers.web", "sandbox.kakao", "__main__"} <= set(
        TopologicalSorter(graph).static_order()
    )
    assert "sandbox.kakao" in graph["sandbox.local"]
    assert not [name for name, others in graph.items() if "infra.settings" in others and name.startswith("infra.")]


def test_mypy_follows_the_imports_of_each_used_package_of_pulumi_aws() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {name for each in listed if each.get("follow_imports") == "normal" for name in each["module"]}
    files = [file for name in ("infra", "deployment") for file in (ROOT / name).rglob("*.py")]
    used = {name for file in files for name in re.findall(r"\baws\.([a-z0-9]+_?)\.[A-Z]", file.read_text())}
    assert {"cognito", "lambda_"} <= used
    assert {f"pulumi_aws.{name}.*" for name in used} <= read


def test_only_settings_reads_the_configuration() -> None:
    readers = [file.name for file in (ROOT / "infra").glob("*.py") if "Config(" in file.read_text()]
    assert readers == ["settings.py"]
