"""What a deployment from GitHub may do with the resources of a service."""

import re

import pytest

from deployment.service_types import TYPES
from sandbox.program import PROJECT
from tests.infra.engine import (
    ACCOUNT,
    REGION,
    WHOLE,
    Graph,
    declare,
    declare_component,
    declare_deployment,
    declare_everything,
    statements,
)
from tests.infra.iam import allows
from tests.team import program as team


@pytest.fixture(scope="module")
def deployment() -> Graph:
    return declare_deployment()


def test_a_deployment_from_github_may_create_every_declared_type() -> None:
    """`make check` runs this test. The login's own types, with every setting, have a test of their own."""
    check_types(declare({"kakaoAppId": "1000001"}, program=WHOLE))


@pytest.mark.parametrize("removed", ["aws:dynamodb/table:Table", "aws:cloudwatch/eventTarget:EventTarget"])
def test_a_type_that_cannot_be_deployed_is_named_with_the_line_to_add(
    monkeypatch: pytest.MonkeyPatch, removed: str
) -> None:
    program = declare_component(team.declare)
    check_types(program)
    monkeypatch.delitem(TYPES, removed)
    with pytest.raises(AssertionError, match=re.escape(f'"{removed}": Service("<service>", ("<resource>/{{name}}",)')):
        check_types(program)


def check_types(program: Graph) -> None:
    known = {resource.type for resource in declare_everything().custom()} | TYPES.keys()
    for resource in program.custom():
        line = f'"{resource.type}": Service("<service>", ("<resource>/{{name}}",), deploy=(…), use=(…)),'
        assert resource.type in known, (
            f"{resource.type} ({resource.name!r}) cannot be deployed from GitHub. Add a line to TYPES in "
            f"deployment/service_types.py, and run `pulumi up` in deployment/ once more:\n    {line}"
        )


def test_a_boundary_without_tables_has_no_statement_without_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """IAM refuses such a statement."""
    monkeypatch.delitem(TYPES, "aws:dynamodb/table:Table")
    for statement in statements(declare_deployment().named("dev-boundary")["policy"]):
        assert statement["Action"]


# A resource of each service, and what a deployment, and a function, does with it.
CASES = {
    "dynamodb": ("table/{}-todos-0a1b", ["CreateTable", "UpdateTimeToLive", "DeleteTable"], ["PutItem", "Query"]),
    "sqs": ("{}-jobs-0a1b", ["CreateQueue", "SetQueueAttributes", "TagQueue"], ["SendMessage", "ReceiveMessage"]),
    "sns": ("{}-news-0a1b", ["CreateTopic", "Subscribe"], ["Publish"]),
    "events": ("event-bus/{}-bus-0a1b", ["CreateEventBus", "DeleteEventBus"], ["PutEvents"]),
    "secretsmanager": ("secret:{}-key-0a1b-AbCdEf", ["CreateSecret", "PutSecretValue"], ["GetSecretValue"]),
    "ssm": ("parameter/{}-flag-0a1b", ["PutParameter", "DeleteParameter"], ["GetParameter"]),
}


@pytest.mark.parametrize("service", CASES)
def test_a_stack_reaches_its_own_resources_of_a_service_and_no_other_stacks(deployment: Graph, service: str) -> None:
    pattern, deploy, use = CASES[service]
    for stack, expected in (("dev", True), ("prod", False)):
        arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{pattern.format(f'{PROJECT}-{stack}')}"
        role = statements(deployment.named(f"deploy-{PROJECT}-dev-policy")["policy"])
        for action in deploy:
            assert allows(role, f"{service}:{action}", arn) is expected, action
        for action in use:
            assert (
                allows(statements(deployment.named("dev-boundary")["policy"]), f"{service}:{action}", arn) is expected
            )


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("dynamodb:GetItem", f"table/{PROJECT}-dev-todos-0a1b"),
        ("dynamodb:Scan", f"table/{PROJECT}-dev-todos-0a1b"),
        ("dynamodb:PutItem", f"table/{PROJECT}-dev-todos-0a1b"),
        ("sqs:ReceiveMessage", f"{PROJECT}-dev-jobs-0a1b"),
    ],
)
def test_a_deployment_can_neither_read_nor_write_data_of_users(deployment: Graph, action: str, arn: str) -> None:
    role = statements(deployment.named(f"deploy-{PROJECT}-dev-policy")["policy"])
    assert not allows(role, action, f"arn:aws:{action.partition(':')[0]}:{REGION}:{ACCOUNT}:{arn}")


def test_a_queue_can_be_connected_only_to_a_function_of_the_same_stack(deployment: Graph) -> None:
    role = statements(deployment.named(f"deploy-{PROJECT}-dev-policy")["policy"])
    for stack, expected in (("dev", True), ("prod", False)):
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PROJECT}-{stack}-jobs-0a1b"
        context = {"lambda:FunctionArn": function}
        assert allows(role, "lambda:CreateEventSourceMapping", "*", context) is expected
