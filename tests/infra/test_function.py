import json
import re

import pytest

from tests.infra.engine import VARIED, Declared, Graph, functions, statements


def policies_of(stack: Graph, function: Declared) -> list[Declared]:
    (role,) = function.sources["role"]
    return [policy for policy in stack.all("RolePolicy") if policy.sources["role"] == {role}]


ALLOWED = {  # beside writing its log
    "handlers.accounts.handler": {
        "cognito-idp:AdminInitiateAuth",
        "cognito-idp:AdminResetUserPassword",
        "cognito-idp:AdminUserGlobalSignOut",
    },
    "handlers.connect_authorizer.handler": {"cognito-idp:AdminGetUser"},
    "handlers.kakao_challenge.handler": set(),
    "handlers.kakao_user_info.handler": set(),
    "handlers.kakao_sign_in.handler": {
        "cognito-idp:AdminCreateUser",
        "cognito-idp:AdminGetUser",
        "cognito-idp:AdminInitiateAuth",
        "cognito-idp:AdminLinkProviderForUser",
        "cognito-idp:AdminRespondToAuthChallenge",
    },
    "handlers.post_confirmation.handler": {
        "cognito-idp:AdminResetUserPassword",
        "cognito-idp:AdminUserGlobalSignOut",
    },
    "handlers.pre_authentication.handler": set(),
    "handlers.pre_sign_up.handler": set(),
    "handlers.session.handler": set(),
    "handlers.user_info.handler": {"cognito-idp:AdminGetUser"},
}


def test_a_role_allows_exactly_what_its_function_needs(stack: Graph) -> None:
    pool = stack.one("UserPool").outputs["arn"]
    for function in functions(stack):
        logs, *others = [
            statement for policy in policies_of(stack, function) for statement in statements(policy["policy"])
        ]
        (group,) = [g for g in stack.all("LogGroup") if g.outputs["name"] == function["loggingConfig"]["logGroup"]]
        assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert logs["Resource"] == [f"{group.outputs['arn']}:*"]
        actions = {action for statement in others for action in statement["Action"]}
        assert actions == ALLOWED[function["handler"]]
        for statement in others:
            assert statement["Resource"] == [pool]


def test_no_policy_has_wildcard_actions_or_resources(stack: Graph) -> None:
    for policy in [*stack.all("RolePolicy"), *stack.all("BucketPolicy")]:
        for statement in statements(policy["policy"]):
            assert statement["Effect"] == "Allow"
            assert "*" not in "".join(statement["Action"]), policy.name
            assert "*" not in statement["Resource"], policy.name


SETS_A_PASSWORD = re.compile("(?<!AdminResetUser)Password|PASSWORD|UpdateUserAttributes|ConfirmSignUp")


def test_no_role_may_set_a_password_or_change_a_user(stack: Graph) -> None:
    """Neither by a policy of its own nor by one of AWS's; wildcards are refused above."""
    allowed = repr([resource.inputs for kind in ("Role", "RolePolicy") for resource in stack.all(kind)])
    assert "cognito-idp:AdminCreateUser" in allowed
    assert not SETS_A_PASSWORD.search(allowed)
    assert {attached["policyArn"].rpartition("/")[2] for attached in stack.all("RolePolicyAttachment")} == {
        "AmazonAPIGatewayPushToCloudWatchLogs"
    }


def test_only_the_function_for_kakao_tokens_may_create_or_link_a_profile(stack: Graph, without_accounts: Graph) -> None:
    makes = re.compile("AdminLinkProviderForUser|AdminCreateUser")
    for graph, expected in ((stack, {"login-kakao-policy"}), (without_accounts, set())):
        assert {policy.name for policy in graph.all("RolePolicy") if makes.search(policy["policy"])} == expected


def test_no_role_may_delete_a_user(stack: Graph) -> None:
    assert not [policy.name for policy in stack.all("RolePolicy") if "DeleteUser" in policy["policy"]]


def test_only_lambda_may_assume_a_functions_role_and_each_function_has_its_own(stack: Graph) -> None:
    roles = [function.sources["role"] for function in functions(stack)]
    assert len({frozenset(role) for role in roles}) == len(roles)
    for role in set().union(*roles):
        (statement,) = statements(stack.named(role)["assumeRolePolicy"])
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert statement["Action"] == ["sts:AssumeRole"]


def test_every_role_has_the_boundary_of_the_setting(stack: Graph, varied: Graph) -> None:
    assert {role.inputs.get("permissionsBoundary") for role in stack.all("Role")} == {None}
    assert {role["permissionsBoundary"] for role in varied.all("Role")} == {VARIED["permissionsBoundary"]}


def test_a_function_is_created_after_its_policy(stack: Graph) -> None:
    for function in functions(stack):
        assert function.dependencies & {policy.tail for policy in policies_of(stack, function)}, function.name


def test_every_function_logs_json_to_its_declared_log_group(stack: Graph) -> None:
    for function in functions(stack):
        assert function["loggingConfig"]["logFormat"] == "JSON"
        assert function["loggingConfig"]["logGroup"] in {group.outputs["name"] for group in stack.all("LogGroup")}


def test_every_log_is_kept_for_the_days_of_the_setting(stack: Graph, varied: Graph) -> None:
    assert {group["retentionInDays"] for group in stack.all("LogGroup")} == {30}
    assert {group["retentionInDays"] for group in varied.all("LogGroup")} == {365}


def test_a_functions_environment_has_the_values_of_its_stack(varied: Graph) -> None:
    session = varied.function("session")["environment"]["variables"]
    assert session["CLIENT_ID"] == varied.exports["clientId"]
    assert json.loads(session["SITE_ORIGINS"]) == [varied.exports["siteUrl"], *VARIED["extraOrigins"]]
    assert session["REFRESH_DAYS"] == "7"
    user_info = varied.function("user_info")["environment"]["variables"]
    assert user_info["USER_POOL_ID"] == varied.exports["userPoolId"]


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_functions_have_the_runtime_and_architecture_of_the_settings(
    architecture: str, stack: Graph, varied: Graph
) -> None:
    graph, runtime = {"arm64": (stack, "python3.13"), "x86_64": (varied, "python3.12")}[architecture]
    for function in functions(graph):
        assert function["runtime"] == runtime
        assert function["architectures"] == [architecture]


def test_only_functions_that_use_the_sites_client_have_a_secret_environment(stack: Graph) -> None:
    for function in functions(stack):
        module = function["handler"].split(".")[1]
        acts_as_the_site = module in ("session", "accounts", "kakao_sign_in")
        assert ("environment" in function.secret_inputs) is acts_as_the_site, function.name


def test_without_a_function_for_the_first_sign_in_there_is_no_topic(stack: Graph) -> None:
    assert "environment" not in stack.function("post_confirmation").inputs
    assert not [topic for topic in stack.all("Topic") if "first" in topic.name]
