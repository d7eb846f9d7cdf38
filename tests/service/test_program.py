"""The resources that the program declares for the service."""

from pathlib import Path

import pytest

from benchmarks import cost
from deployment.service_types import TYPES
from sandbox.aws.resources import CREATE
from sandbox.program import PROJECT
from tests.infra.engine import (
    ACCOUNT,
    REGION,
    WHOLE,
    Declared,
    Graph,
    declare,
    declare_deployment,
    function_behind,
    functions,
    statements,
)
from tests.infra.iam import allows, tags


@pytest.fixture(scope="module")
def whole() -> Graph:
    return declare({"kakaoAppId": "1000001"}, program=WHOLE)


def example(graph: Graph, name: str) -> Declared:
    """The Lambda function of an example. Its test is skipped where the team has removed it from the program."""
    if name not in {function.name for function in functions(graph)}:
        pytest.skip(f"the program no longer declares the example {name!r}: delete its tests")
    return graph.named(f"aws:lambda/function:Function::{name}")


def actions_on(graph: Graph, function: str) -> dict[str, set[str]]:
    """The actions that a function may take on each resource, without its log."""
    found: dict[str, set[str]] = {}
    for policy in graph.all("RolePolicy"):
        if policy.sources["role"] == {f"aws:iam/role:Role::{function}"}:
            for statement in statements(policy["policy"]):
                for resource in statement["Resource"]:
                    found.setdefault(resource, set()).update(statement["Action"])
    return {resource: actions for resource, actions in found.items() if "logs:PutLogEvents" not in actions}


@pytest.mark.parametrize(
    ("function", "table", "variable"),
    [
        ("todos", "todos-table", "TABLE"),
        ("welcome", "todos-table", "TABLE"),
        ("chat", "connections-table", "CONNECTIONS"),
    ],
)
def test_a_function_may_read_and_write_its_own_table_but_not_scan_it(
    whole: Graph, function: str, table: str, variable: str
) -> None:
    variables = example(whole, function)["environment"]["variables"]
    arn = whole.named(table).outputs["arn"]
    granted = {on: actions for on, actions in actions_on(whole, function).items() if "dynamodb:Query" in actions}
    assert granted.keys() == {arn, f"{arn}/index/*"}
    assert not granted[arn] & {"dynamodb:Scan", "dynamodb:DeleteTable"}
    assert variables[variable] == whole.named(table).outputs["name"]


def test_the_chat_may_post_to_connections_of_its_own_stage(whole: Graph) -> None:
    example(whole, "chat")
    stage = f"{whole.one('Api', protocolType='WEBSOCKET').outputs['executionArn']}/ws"
    on = {arn for arn, actions in actions_on(whole, "chat").items() if "execute-api:ManageConnections" in actions}
    assert on == {f"{stage}/POST/@connections/*", f"{stage}/DELETE/@connections/*"}


def test_every_route_of_the_to_dos_needs_a_token(whole: Graph) -> None:
    todos = example(whole, "todos")
    routes = [route for route in whole.of_api("HTTP", "Route") if function_behind(whole, route) == todos]
    assert {route["routeKey"] for route in routes} >= {"GET /api/todos", "HEAD /api/todos"}
    assert {route["authorizationType"] for route in routes} == {"JWT"}


def test_the_chat_function_of_an_existing_stack_is_updated_in_place(whole: Graph) -> None:
    """Another handler and another package change a function in place."""
    chat = example(whole, "chat")
    assert (chat.parent, chat["handler"]) == ("chat", "service.chat.handler")
    assert {alias["name"] for alias in chat.aliases} == {"chat-function"}


def test_the_table_of_to_dos_is_protected_and_that_of_connections_expires(whole: Graph) -> None:
    example(whole, "todos"), example(whole, "chat")
    todos, connections = whole.named("todos-table"), whole.named("connections-table")
    assert todos.protect
    assert todos["deletionProtectionEnabled"] is True
    assert todos["pointInTimeRecovery"] == {"enabled": True}
    assert not connections.protect
    assert connections["ttl"] == {"attributeName": "expires", "enabled": True}
    loose = declare({"protect": False}, program=WHOLE).named("todos-table")
    assert (loose.protect, loose["deletionProtectionEnabled"]) == (False, False)


def test_every_function_has_an_alarm_and_the_logs_of_login_and_examples_are_on_the_dashboard(whole: Graph) -> None:
    heard = {a["dimensions"]["FunctionName"] for a in whole.all("MetricAlarm") if a["metricName"] == "Errors"}
    body = whole.one("Dashboard")["dashboardBody"]
    examples = [example(whole, name) for name in ("todos", "chat", "welcome")]
    assert {function.outputs["name"] for function in functions(whole)} <= heard
    for function in [*functions(declare({"kakaoAppId": "1000001"})), *examples]:
        assert whole.named(function.tail)["loggingConfig"]["logGroup"] in body


def test_every_type_that_the_program_declares_can_be_applied_in_the_sandbox(whole: Graph) -> None:
    assert {resource.type for resource in whole.custom()} <= set(CREATE)


def test_the_cost_page_has_the_number_of_alarms_of_the_login_and_the_examples(whole: Graph) -> None:
    login = declare({"kakaoAppId": "1000001"}).all("MetricAlarm")
    examples = [example(whole, name) for name in ("todos", "chat", "welcome")]
    of_examples = [a for a in whole.all("MetricAlarm") if a.name in {f"{each.name}-errors" for each in examples}]
    assert len(login) + len(of_examples) == cost.ALARMS


@pytest.fixture(scope="module")
def deployment() -> Graph:
    return declare_deployment()


def test_the_boundary_allows_what_the_policies_of_the_service_grant(deployment: Graph, whole: Graph) -> None:
    limit = statements(deployment.named("dev-boundary")["policy"])
    pool = tags("ResourceTag", whole.one("UserPool")["tags"])
    for policy in whole.all("RolePolicy"):
        for action in {action for statement in statements(policy["policy"]) for action in statement["Action"]}:
            service = action.partition(":")[0]
            own = [resource for of_type in TYPES.values() if of_type.name == service for resource in of_type.resources]
            named = own or ["userpool/1" if service == "cognito-idp" else "{name}"]
            arns = [
                f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource.format(name=f'{PROJECT}-dev-thing-0a1b')}"
                for resource in named
            ]
            assert any(allows(limit, action, arn, pool) for arn in [*arns, "*"]), (
                f"{action}: add it to `use` in deployment/service_types.py"
            )


def test_a_new_user_is_announced_through_a_topic(whole: Graph) -> None:
    welcome = example(whole, "welcome").outputs["arn"]
    topic = whole.named("login-first-topic")
    for module, name in {"post_confirmation": "login-confirm", "kakao_sign_in": "login-kakao"}.items():
        assert whole.function(module)["environment"]["variables"]["FIRST_SIGN_IN_TOPIC"] == topic.outputs["arn"]
        assert actions_on(whole, name)[topic.outputs["arn"]] == {"sns:Publish"}
    assert not topic.dependencies
    subscription = whole.named("login-first-welcome-function")
    assert (subscription["topic"], subscription["endpoint"]) == (topic.outputs["arn"], welcome)
    permission = whole.named("login-first-welcome-permission")
    assert (permission["sourceArn"], permission["function"]) == (topic.outputs["arn"], welcome)
    assert permission["principal"] == "sns.amazonaws.com"


def test_a_resource_that_the_program_declares_with_pulumi_aws_has_the_tags_project_and_stack(tmp_path: Path) -> None:
    program = tmp_path / "__main__.py"
    program.write_text(f"{WHOLE.read_text()}\nimport pulumi_aws as aws\n\naws.sqs.Queue('queue')\n")
    assert declare(program=program).one("Queue")["tags"] == {"project": PROJECT, "stack": "dev"}
