"""The program in deployment/: whom AWS lets act for GitHub, and what they may do."""

from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pytest
import yaml

from sandbox.program import ROOT
from tests.infra.engine import ACCOUNT, Graph, declare, statements

PROGRAM = ROOT / "deployment" / "__main__.py"
SETTINGS = {
    "repository": "team@12/login@34",
    "environments": ["dev", "prod"],
    "hostedZoneIds": {"prod": "Z0PROD"},
    "previews": "dev",
}


@pytest.fixture(scope="module")
def deployment() -> Graph:
    return declare(SETTINGS, program=PROGRAM)


def assumes(deployment: Graph, role: str, **claims: str) -> bool:
    """Whether AWS lets a GitHub run with these claims in its token act in the role."""
    (statement,) = statements(deployment.named(role)["assumeRolePolicy"])
    assert statement["Principal"] == {"Federated": deployment.named("github").outputs["arn"]}
    assert list(statement["Condition"]) == ["StringEquals"]
    conditions = statement["Condition"]["StringEquals"]
    return all(claims.get(key.rpartition(":")[2]) == value for key, value in conditions.items())


AWS = "sts.amazonaws.com"
DEV = {"aud": AWS, "sub": "repo:team@12/login@34:environment:dev"}
PROD = {"aud": AWS, "sub": "repo:team@12/login@34:environment:prod"}
PULL_REQUEST = {"aud": AWS, "sub": "repo:team@12/login@34:pull_request"}


def test_each_role_is_for_its_own_runs_of_this_repository(deployment: Graph) -> None:
    assert assumes(deployment, "deploy-kakao-login-dev", **DEV)
    assert assumes(deployment, "deploy-kakao-login-prod", **PROD)
    assert assumes(deployment, "preview-kakao-login-dev", **PULL_REQUEST)


@pytest.mark.parametrize("role", ["deploy-kakao-login-dev", "deploy-kakao-login-prod", "preview-kakao-login-dev"])
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": AWS, "sub": "repo:team@99/login@34:environment:dev"},
        {"aud": AWS, "sub": "repo:other@12/login@34:pull_request"},
        {"aud": AWS, "sub": "repo:team@12/login@34-fork:environment:prod"},
        {"aud": AWS, "sub": "repo:team@12/login@34:ref:refs/heads/main"},
        {"aud": AWS, "sub": "repo:team@12/login@34:environment:development"},
        {"aud": AWS},
    ],
)
def test_no_other_run_gets_a_role(deployment: Graph, role: str, claims: dict[str, str]) -> None:
    assert not assumes(deployment, role, **claims)


def test_an_environment_does_not_deploy_another_and_a_pull_request_deploys_none(deployment: Graph) -> None:
    assert not assumes(deployment, "deploy-kakao-login-prod", **DEV)
    assert not assumes(deployment, "deploy-kakao-login-dev", **PROD)
    for name in ("dev", "prod"):
        assert not assumes(deployment, f"deploy-kakao-login-{name}", **PULL_REQUEST)


def test_a_token_that_was_made_for_somebody_else_opens_nothing(deployment: Graph) -> None:
    for aud in ({"aud": "https://github.com/team"}, {}):
        assert not assumes(deployment, "deploy-kakao-login-dev", **{"sub": DEV["sub"], **aud})
        assert not assumes(deployment, "preview-kakao-login-dev", **{"sub": PULL_REQUEST["sub"], **aud})


@pytest.mark.parametrize("repository", ["team/*", "*", "team", "team@12/login@*", "team/login:environment:prod"])
def test_a_repository_with_a_wildcard_or_a_subject_in_it_is_refused(repository: str) -> None:
    with pytest.raises(pulumi.RunError, match="it should be one repository"):
        declare(SETTINGS | {"repository": repository}, program=PROGRAM)


def test_without_previews_pull_requests_have_no_role() -> None:
    roles = declare(SETTINGS | {"previews": ""}, program=PROGRAM).all("Role")
    assert {role.name for role in roles} == {"deploy-kakao-login-dev", "deploy-kakao-login-prod"}


def policy_of(deployment: Graph, role: str) -> list[dict[str, Any]]:
    (policy,) = [policy for policy in deployment.all("RolePolicy") if policy.sources["role"] == {role}]
    return statements(policy["policy"])


def may(deployment: Graph, role: str, action: str, resource: str, **context: str) -> bool:
    """Whether the role's own policy allows this action on this resource, as IAM matches them."""
    return any(
        any(fnmatchcase(action.lower(), pattern.lower()) for pattern in statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        and all(
            context.get(key, "nothing") in value
            for key, value in statement.get("Condition", {}).get("StringEquals", {}).items()
        )
        for statement in policy_of(deployment, role)
    )


def test_a_preview_reads_the_state_of_its_stack_and_changes_nothing(deployment: Graph) -> None:
    granted = policy_of(deployment, "preview-kakao-login-dev")
    assert {action for statement in granted for action in statement["Action"]} == {
        "s3:ListBucket",
        "s3:GetObject",
        "kms:Decrypt",
    }
    for name, allowed in (("dev", True), ("prod", False)):
        state, key = (deployment.named(f"{name}-{part}").outputs["arn"] for part in ("state", "key"))
        assert may(deployment, "preview-kakao-login-dev", "s3:GetObject", f"{state}/.pulumi/meta.yaml") is allowed
        assert may(deployment, "preview-kakao-login-dev", "kms:Decrypt", key) is allowed


def test_a_deployment_keeps_to_the_state_and_the_key_of_its_environment(deployment: Graph) -> None:
    for mine, other in (("dev", "prod"), ("prod", "dev")):
        role = f"deploy-kakao-login-{mine}"
        for name, allowed in ((mine, True), (other, False)):
            state, key = (deployment.named(f"{name}-{part}").outputs["arn"] for part in ("state", "key"))
            assert may(deployment, role, "s3:PutObject", f"{state}/.pulumi/stacks/kakao-login/{name}.json") is allowed
            assert may(deployment, role, "kms:Decrypt", key) is allowed


NAMED = [
    ("lambda:UpdateFunctionCode", "arn:aws:lambda:ap-northeast-2:123456789012:function:{}-session"),
    ("logs:DeleteLogGroup", "arn:aws:logs:ap-northeast-2:123456789012:log-group:{}-session-logs"),
    ("s3:DeleteBucket", "arn:aws:s3:::{}-site-bucket"),
    ("cloudfront:UpdateFunction", "arn:aws:cloudfront::123456789012:function/{}-site-page"),
    ("wafv2:UpdateWebACL", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/{}-site-firewall-rules/1"),
    ("wafv2:DeleteWebACL", "arn:aws:wafv2:ap-northeast-2:123456789012:regional/webacl/{}-login-firewall-rules/1"),
    ("cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:ap-northeast-2:123456789012:alarm:{}-operations-api-5xx"),
    ("cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:{}-operations-site-5xx"),
    ("cloudwatch:PutDashboard", "arn:aws:cloudwatch::123456789012:dashboard/{}"),
    ("logs:PutMetricFilter", "arn:aws:logs:ap-northeast-2:123456789012:log-group:{}-api-access-logs"),
    ("sns:Subscribe", "arn:aws:sns:ap-northeast-2:123456789012:{}-operations-alarms"),
    ("sns:DeleteTopic", "arn:aws:sns:us-east-1:123456789012:{}-operations-site-alarms"),
    ("iam:DeleteRole", "arn:aws:iam::123456789012:role/{}-session-role"),
]


@pytest.mark.parametrize(("action", "resource"), NAMED)
def test_a_deployment_manages_what_bears_its_stacks_name_and_nothing_of_another(
    deployment: Graph, action: str, resource: str
) -> None:
    assert may(deployment, "deploy-kakao-login-dev", action, resource.format("kakao-login-dev"))
    for other in ("kakao-login-prod", "billing"):
        assert not may(deployment, "deploy-kakao-login-dev", action, resource.format(other))


def test_a_deployment_changes_names_in_the_zone_of_its_environment_and_in_no_other(deployment: Graph) -> None:
    for role, zone, allowed in (
        ("deploy-kakao-login-prod", "Z0PROD", True),
        ("deploy-kakao-login-prod", "Z0OTHER", False),
        ("deploy-kakao-login-dev", "Z0PROD", False),
    ):
        for action in ("ChangeResourceRecordSets", "GetHostedZone", "ListResourceRecordSets"):
            assert may(deployment, role, f"route53:{action}", f"arn:aws:route53:::hostedzone/{zone}") is allowed
    assert may(deployment, "deploy-kakao-login-prod", "route53:GetChange", "arn:aws:route53:::change/C0")
    assert not may(
        deployment, "deploy-kakao-login-prod", "route53:DeleteHostedZone", "arn:aws:route53:::hostedzone/Z0PROD"
    )


def test_a_deployment_asks_for_certificates_where_it_has_a_zone_and_takes_no_key_out(deployment: Graph) -> None:
    certificate = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    for action in ("RequestCertificate", "DescribeCertificate", "DeleteCertificate"):
        assert may(deployment, "deploy-kakao-login-prod", f"acm:{action}", certificate)
        assert not may(deployment, "deploy-kakao-login-dev", f"acm:{action}", certificate)
    assert not may(deployment, "deploy-kakao-login-prod", "acm:ExportCertificate", certificate)


def test_without_a_zone_no_deployment_changes_names() -> None:
    deployment = declare(SETTINGS | {"hostedZoneIds": None}, program=PROGRAM)
    zone = "arn:aws:route53:::hostedzone/Z0PROD"
    assert not may(deployment, "deploy-kakao-login-prod", "route53:ChangeResourceRecordSets", zone)


def test_every_setting_is_of_a_type_that_a_project_file_knows() -> None:
    # github.com/pulumi/pulumi, sdk/go/common/workspace/project.json: simpleConfigType
    described = yaml.safe_load((ROOT / "deployment" / "Pulumi.yaml").read_text())["config"]
    assert {setting["type"] for setting in described.values()} <= {"string", "integer", "boolean", "array"}


def test_a_zone_for_an_environment_that_is_not_deployed_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="hostedZoneIds names staging"):
        declare(SETTINGS | {"hostedZoneIds": {"staging": "Z0"}}, program=PROGRAM)


def test_a_deployment_puts_a_firewall_with_awss_rules_before_a_user_pool(deployment: Graph) -> None:
    role, pool = "deploy-kakao-login-dev", f"arn:aws:cognito-idp:ap-northeast-2:{ACCOUNT}:userpool/ap-northeast-2_x"
    for action in ("wafv2:AssociateWebACL", "wafv2:GetWebACLForResource", "cognito-idp:AssociateWebACL"):
        assert may(deployment, role, action, pool)
        assert may(deployment, role, action.replace(":Associate", ":Disassociate"), pool)
    for home in ("us-east-1:123456789012:global", "ap-northeast-2:123456789012:regional"):
        rules = f"arn:aws:wafv2:{home}/managedruleset/AWS/AWSManagedRulesCommonRuleSet"
        assert may(deployment, role, "wafv2:CreateWebACL", rules)
        assert may(deployment, role, "wafv2:UpdateWebACL", rules)


@pytest.mark.parametrize("service", ["ops.apigateway", "email.cognito-idp"])
def test_a_deployment_has_aws_make_the_roles_that_logs_and_mails_need(deployment: Graph, service: str) -> None:
    roles = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role"
    needed, other = (f"{roles}/{name}.amazonaws.com/AWSServiceRoleForIt" for name in (service, "support"))
    assert may(deployment, "deploy-kakao-login-dev", "iam:CreateServiceLinkedRole", needed)
    assert not may(deployment, "deploy-kakao-login-dev", "iam:CreateServiceLinkedRole", other)


def test_the_login_gives_its_resources_names_that_its_deployment_may_manage() -> None:
    naming = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]
    assert naming["value"]["pattern"].startswith("${project}-${stack}-${name}-")


def test_a_deployment_makes_no_role_that_could_do_more_than_the_boundary(deployment: Graph) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/kakao-login-dev-session-role"
    boundary = deployment.exports["dev"]["permissionsBoundary"]
    for action in ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"):
        key = "iam:PermissionsBoundary"
        assert may(deployment, "deploy-kakao-login-dev", f"iam:{action}", role, **{key: boundary})
        for other in ({}, {key: "arn:aws:iam::aws:policy/AdministratorAccess"}):
            assert not may(deployment, "deploy-kakao-login-dev", f"iam:{action}", role, **other), action
    assert not may(deployment, "deploy-kakao-login-dev", "iam:DeleteRolePermissionsBoundary", role)


@pytest.mark.parametrize(
    "what", ["role/deploy-kakao-login-dev", "role/preview-kakao-login-dev", "policy/kakao-login-dev-boundary"]
)
def test_a_deployment_does_not_change_what_confines_it(deployment: Graph, what: str) -> None:
    for action in ("UpdateAssumeRolePolicy", "DeleteRolePolicy", "CreatePolicyVersion", "PassRole"):
        context = {"iam:PassedToService": "lambda.amazonaws.com"}
        assert not may(
            deployment, "deploy-kakao-login-dev", f"iam:{action}", f"arn:aws:iam::{ACCOUNT}:{what}", **context
        )


@pytest.mark.parametrize(
    "action", ["AdminGetUser", "AdminSetUserPassword", "AdminCreateUser", "AdminInitiateAuth", "ListUsers"]
)
def test_a_deployment_neither_reads_nor_changes_people(deployment: Graph, action: str) -> None:
    for pool in (f"arn:aws:cognito-idp:ap-northeast-2:{ACCOUNT}:userpool/ap-northeast-2_x", "*"):
        assert not may(deployment, "deploy-kakao-login-dev", f"cognito-idp:{action}", pool)


def test_no_role_is_an_administrator(deployment: Graph) -> None:
    assert deployment.all("RolePolicyAttachment") == []
    for role in deployment.all("Role"):
        assert "managedPolicyArns" not in role.inputs
        assert not may(deployment, role.name, "sts:AssumeRole", "arn:aws:iam::123456789012:role/admin")


def test_the_boundary_leaves_every_function_what_its_own_policy_grants(deployment: Graph, stack: Graph) -> None:
    (limit,) = statements(deployment.named("dev-boundary")["policy"])
    asked = {
        action
        for policy in stack.all("RolePolicy")
        for statement in statements(policy["policy"])
        for action in statement["Action"]
    }
    assert asked <= set(limit["Action"]), "add it to FUNCTIONS_MAY in deployment/__main__.py"


def test_the_boundary_itself_gives_no_way_to_more(deployment: Graph) -> None:
    (limit,) = statements(deployment.named("dev-boundary")["policy"])
    assert not {action.partition(":")[0] for action in limit["Action"]} & {"iam", "sts", "s3", "kms", "lambda", "*"}
    assert "*" not in "".join(limit["Action"])


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_state_is_versioned_encrypted_with_its_own_key_closed_and_reached_over_tls_alone(
    deployment: Graph, name: str
) -> None:
    bucket, key = deployment.named(f"{name}-state"), deployment.named(f"{name}-key")

    def of_bucket(kind: str) -> Any:
        return next(resource for resource in deployment.all(kind) if resource.sources["bucket"] == {bucket.name})

    assert of_bucket("BucketVersioning")["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = of_bucket("BucketServerSideEncryptionConfiguration")["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {
        "sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": key.outputs["arn"],
    }
    closed = of_bucket("BucketPublicAccessBlock")
    assert all(closed[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls"))
    assert closed["restrictPublicBuckets"]
    (denied,) = statements(of_bucket("BucketPolicy")["policy"])
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert key["enableKeyRotation"] is True
    assert bucket.protect
    assert key.protect


def test_the_workflows_find_the_state_and_the_roles_by_the_names_that_are_declared(deployment: Graph) -> None:
    action = (ROOT / ".github" / "actions" / "pulumi" / "action.yml").read_text()
    for name in ("dev", "prod"):
        login = action.replace("$ENVIRONMENT", name).replace("$ACCOUNT", ACCOUNT).replace("$REGION", "ap-northeast-2")
        assert f'pulumi login "{deployment.exports[name]["backend"]}"' in login
        assert deployment.exports[name]["secretsProvider"] == f"awskms://alias/kakao-login-{name}?region=ap-northeast-2"
    for workflow, role in (("preview", "preview-kakao-login-dev"), ("deploy", "deploy-kakao-login-${{ env.STACK }}")):
        assert f"role: {role}\n" in (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text()
        assert deployment.named(role.replace("${{ env.STACK }}", "prod")).type.endswith(":Role")
