"""The applier applies every type that the program declares, and refuses what it or AWS does not know."""

from collections import Counter
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from sandbox.aws import Account, Applier, NotApplicableError
from sandbox.aws.resources import CREATE, Created
from tests.infra.engine import declare, declare_everything, declare_user_pool
from tests.programs import WITH_A_SOCKET

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def applier() -> Applier:
    return Applier(Account(NOWHERE, "ap-northeast-2"))


def apply(applier: Applier, kind: str, **inputs: Any) -> None:
    """Apply a resource, as in a separate run."""
    applier._registered.clear()
    applier.new_resource(MockResourceArgs(kind, "thing", inputs, custom=True))


def test_every_type_that_the_login_declares_can_be_applied() -> None:
    assert {resource.type for resource in declare(program=WITH_A_SOCKET).custom()} <= set(CREATE)


def test_an_unknown_type_is_refused_by_name(applier: Applier) -> None:
    with pytest.raises(NotApplicableError, match="aws:kinesis/stream:Stream"):
        apply(applier, "aws:kinesis/stream:Stream")


def test_an_unknown_lookup_is_refused_by_name(applier: Applier) -> None:
    with pytest.raises(NotApplicableError, match="aws:ec2/getVpc:getVpc"):
        applier.call(MockCallArgs("aws:ec2/getVpc:getVpc", {}, ""))


POOL = {"passwordPolicy": {"minimumLength": 12.0}}


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({**POOL, "invented": True}, "AWS knows no 'invented' in CreateUserPool"),
        ({"passwordPolicy": {"longest": 3}}, "AWS knows no 'longest' in CreateUserPool.Policies.PasswordPolicy"),
        ({**POOL, "deletionProtection": "MAYBE"}, "cannot be 'MAYBE'; AWS takes ACTIVE, INACTIVE"),
        ({**POOL, "usernameAttributes": ["nickname"]}, "AWS takes phone_number, email"),
        ({**POOL, "emailVerificationSubject": "x" * 141}, "is 141 characters long; AWS takes 140"),
        ({**POOL, "usernameConfiguration": {"invented": True}}, "AWS knows no 'invented'"),
        ({**POOL, "poolName": "카카오!"}, "cannot be '카카오!'; AWS takes what matches"),
    ],
)
def test_a_parameter_unknown_to_aws_is_refused_before_it_is_sent(applier: Applier, inputs: Any, complaint: str) -> None:
    with pytest.raises(NotApplicableError, match=complaint):
        apply(applier, "aws:cognito/userPool:UserPool", **inputs)


def test_a_missing_parameter_is_refused_before_it_is_sent(applier: Applier) -> None:
    with pytest.raises(NotApplicableError, match='Missing required parameter in input: "AuthorizerType"'):
        apply(applier, "aws:apigatewayv2/authorizer:Authorizer", apiId="a")


def test_an_error_names_the_resource(applier: Applier) -> None:
    with pytest.raises(
        NotApplicableError, match="aws:cognito/userPoolDomain:UserPoolDomain 'thing': Could not connect"
    ):
        apply(applier, "aws:cognito/userPoolDomain:UserPoolDomain", domain="d", userPoolId="ap-northeast-2_x")


def test_the_environment_cannot_make_the_applier_reach_anything_but_the_emulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://aws.example")
    account = Account(NOWHERE, "ap-northeast-2")
    with pytest.raises(Exception, match=NOWHERE):
        account.call("cognito-idp", "DescribeUserPool", {"UserPoolId": "ap-northeast-2_x"})


def test_an_applied_resource_is_kept_and_a_change_of_it_needs_a_restart(
    applier: Applier, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def lamp(_account: Account, _name: str, inputs: dict[str, Any]) -> Created:
        made.append(inputs)
        return Created("1", {})

    monkeypatch.setitem(CREATE, "lamp", lamp)
    apply(applier, "lamp", colour="red")
    apply(applier, "lamp", colour="red")
    assert made == [{"colour": "red"}]
    with pytest.raises(NotApplicableError, match="lamp 'thing': has another colour, which needs a restart"):
        apply(applier, "lamp", colour="blue")


def test_a_second_resource_of_the_same_type_and_name_is_refused() -> None:
    applier = Applier(Account(NOWHERE, "ap-northeast-2"))

    def twice() -> None:
        for _ in range(2):
            pulumi.ComponentResource("kakao-login:infra:Function", "todos")

    def once() -> None:
        pulumi.ComponentResource("kakao-login:infra:Function", "todos")
        pulumi.ComponentResource("kakao-login:infra:Table", "todos")

    for _ in range(2):  # a saved file runs the program again
        applier.run(stack="local", config={}, main=once)
        with pytest.raises(NotApplicableError, match=r"^Function 'todos' is declared twice: give one"):
            applier.run(stack="local", config={}, main=twice)


def test_no_two_resources_of_the_login_have_the_same_type_and_name() -> None:
    names = Counter((resource.type, resource.name) for resource in declare_everything(program=WITH_A_SOCKET).resources)
    assert names
    assert {name for name, times in names.items() if times > 1} == set()


def test_the_mail_settings_of_a_pool_are_valid_for_aws(applier: Applier) -> None:
    pool = declare_user_pool(mail_from="no-reply@example.com")
    with pytest.raises(NotApplicableError, match="Could not connect"):
        apply(applier, pool.type, **pool.inputs)
