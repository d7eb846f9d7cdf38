"""The program in deployment/: which runs of GitHub may assume a role, and what the roles may do."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

import pulumi
import pytest
import yaml

from infra import names
from sandbox.program import PROJECT, ROOT
from tests.infra.engine import (
    ACCOUNT,
    DEPLOYMENT,
    DIRECT,
    EVERYTHING,
    REGION,
    Graph,
    declare,
    declare_deployment,
    declare_everything,
    declare_user_pool,
    statements,
)
from tests.infra.iam import allows, tags
from tests.programs import WITH_A_SOCKET


@pytest.fixture(scope="module")
def deployment() -> Graph:
    return declare_deployment()


def assumes(deployment: Graph, role: str, **claims: str) -> bool:
    """Whether a GitHub run with these claims in its token may assume the role."""
    (statement,) = statements(deployment.named(role)["assumeRolePolicy"])
    assert statement["Principal"] == {"Federated": deployment.named("github").outputs["arn"]}
    assert list(statement["Condition"]) == ["StringEquals"]
    conditions = statement["Condition"]["StringEquals"]
    return all(claims.get(key.rpartition(":")[2]) == value for key, value in conditions.items())


AWS = "sts.amazonaws.com"
DEV = {"aud": AWS, "sub": "repo:team@12/login@34:environment:dev"}
PROD = {"aud": AWS, "sub": "repo:team@12/login@34:environment:prod"}
PULL_REQUEST = {"aud": AWS, "sub": "repo:team@12/login@34:pull_request"}


def test_each_role_accepts_its_own_runs_of_this_repository(deployment: Graph) -> None:
    assert assumes(deployment, f"deploy-{PROJECT}-dev", **DEV)
    assert assumes(deployment, f"deploy-{PROJECT}-prod", **PROD)
    assert assumes(deployment, f"preview-{PROJECT}-dev", **PULL_REQUEST)


@pytest.mark.parametrize("role", [f"deploy-{PROJECT}-dev", f"deploy-{PROJECT}-prod", f"preview-{PROJECT}-dev"])
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
def test_no_other_run_can_assume_a_role(deployment: Graph, role: str, claims: dict[str, str]) -> None:
    assert not assumes(deployment, role, **claims)


def test_neither_another_environment_nor_a_pull_request_can_assume_a_deploy_role(deployment: Graph) -> None:
    assert not assumes(deployment, f"deploy-{PROJECT}-prod", **DEV)
    assert not assumes(deployment, f"deploy-{PROJECT}-dev", **PROD)
    for name in ("dev", "prod"):
        assert not assumes(deployment, f"deploy-{PROJECT}-{name}", **PULL_REQUEST)


def test_a_token_for_another_audience_can_assume_no_role(deployment: Graph) -> None:
    for aud in ({"aud": "https://github.com/team"}, {}):
        assert not assumes(deployment, f"deploy-{PROJECT}-dev", **{"sub": DEV["sub"], **aud})
        assert not assumes(deployment, f"preview-{PROJECT}-dev", **{"sub": PULL_REQUEST["sub"], **aud})


@pytest.mark.parametrize("repository", ["team/*", "*", "team", "team@12/login@*", "team/login:environment:prod"])
def test_a_repository_with_a_wildcard_or_a_subject_in_it_is_refused(repository: str) -> None:
    with pytest.raises(pulumi.RunError, match="it should be one repository"):
        declare_deployment(repository=repository)


@pytest.mark.parametrize("names", [["prod", "dev", "dev-2"], ["dev", "state"], ["state-dev", "dev"]])
def test_an_environment_name_that_is_a_prefix_of_another_is_refused(names: list[str]) -> None:
    with pytest.raises(pulumi.RunError, match="which begins alike"):
        declare_deployment(environments=names)


LONGEST = names.longest_stack(PROJECT)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("e" * (LONGEST + 1), f"has a name of {LONGEST + 1} characters.* AWS takes at most {LONGEST}:"),
        ("Prod", "takes lower-case letters, digits and inner hyphens"),
        ("my_stack", "takes lower-case letters, digits and inner hyphens"),
        ("dev-", "takes lower-case letters, digits and inner hyphens"),
        ("", "takes lower-case letters, digits and inner hyphens"),
    ],
)
def test_an_environment_with_an_invalid_stack_name_is_refused(name: str, reason: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"environments has '{name}'.*{reason}"):
        declare_deployment(environments=[name], hostedZoneIds={})


def test_all_names_of_the_longest_environment_fit_into_awss_limits() -> None:
    longest = declare_deployment(environments=["e" * LONGEST], hostedZoneIds={}, previews="e" * LONGEST)
    for kind, limit in (("Bucket", 63), ("Role", 64), ("Policy", 128), ("Alias", 256)):
        for resource in longest.all(kind):
            assert len(resource[kind.lower() if kind == "Bucket" else "name"]) <= limit, resource.name


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("enviroments", ["dev"], "the nearest is environments.\n  Fix it: pulumi config rm enviroments"),
        ("Repository", "a/b", "the nearest is repository.\n  Fix it: pulumi config rm Repository"),
        ("hostedZoneId", "Z0", "the nearest is hostedZoneIds.\n  Fix it: pulumi config rm hostedZoneId"),
        ("preview", "dev", "set previews dev && pulumi config rm preview"),
        ("colour", "red", "Pulumi.yaml lists them all.\n  Fix it: pulumi config rm colour"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_one(key: str, value: Any, message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        declare_deployment(**{key: value})
    assert f"{PROJECT}:{key} is no setting of this program" in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize("settings", [{"previews": ""}, {"environments": ["prod"]}], ids=["none", "elsewhere"])
def test_without_previews_pull_requests_have_no_role(settings: dict[str, Any]) -> None:
    roles = declare_deployment(**settings).all("Role")
    assert {role.name for role in roles} == {
        f"deploy-{PROJECT}-{name}" for name in settings.get("environments", ["dev", "prod"])
    }


def test_a_role_session_lasts_as_long_as_the_job_may_run(deployment: Graph) -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())["jobs"]["up"]
    (seconds,) = [step["with"]["seconds"] for step in job["steps"] if step.get("uses") == "./.github/actions/pulumi"]
    for name in ("dev", "prod"):
        longest = deployment.named(f"deploy-{PROJECT}-{name}")["maxSessionDuration"]
        assert job["timeout-minutes"] * 60 <= seconds <= longest


def may(deployment: Graph, role: str, action: str, resource: str, **context: str) -> bool:
    """Whether the role's own policy allows this action on this resource."""
    (policy,) = [p for p in deployment.all("RolePolicy") if p.sources["role"] == {deployment.named(role).tail}]
    return allows(statements(policy["policy"]), action, resource, context)


def objects(deployment: Graph, bucket: str, project: str, stack: str) -> list[str]:
    """The objects of a stack's state: github.com/pulumi/pulumi, pkg/backend/diy."""
    arn, own = deployment.named(f"{bucket}-state").outputs["arn"], f"{project}/{stack}"
    files = [f"stacks/{own}.{end}" for end in ("json", "json.bak", "json.gz", "pulumi-tags")]
    folders = [f"{kind}/{own}/1.json" for kind in ("history", "backups", "journal", "locks/organization")]
    return [f"{arn}/.pulumi/{path}" for path in (*files, *folders)]


def test_a_preview_reads_the_state_of_its_stack_and_writes_nothing(deployment: Graph) -> None:
    role, key = f"preview-{PROJECT}-dev", deployment.named("dev-key").outputs["arn"]
    for item in objects(deployment, "dev", PROJECT, "dev"):
        assert may(deployment, role, "s3:GetObject", item)
        assert not may(deployment, role, "s3:PutObject", item)
        assert not may(deployment, role, "s3:DeleteObject", item)
    assert may(deployment, role, "kms:Decrypt", key)
    assert not may(deployment, role, "kms:Encrypt", key)
    assert not may(deployment, role, "kms:Decrypt", deployment.named("prod-key").outputs["arn"])
    for action in (
        "s3:GetObject",
        "lambda:GetFunction",
        "cognito-idp:DescribeUserPool",
        "iam:GetRole",
        "sts:AssumeRole",
    ):
        assert not may(deployment, role, action, "*")


@pytest.mark.parametrize(("mine", "other"), [("dev", "prod"), ("prod", "dev")])
def test_a_deployment_reaches_only_the_state_and_key_of_its_environment(
    deployment: Graph, mine: str, other: str
) -> None:
    role = f"deploy-{PROJECT}-{mine}"
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert all(may(deployment, role, action, item) for item in objects(deployment, mine, PROJECT, mine))
        assert not any(may(deployment, role, action, item) for item in objects(deployment, other, PROJECT, other))
    for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"):
        assert may(deployment, role, action, deployment.named(f"{mine}-key").outputs["arn"])
        assert not may(deployment, role, action, deployment.named(f"{other}-key").outputs["arn"])


@pytest.mark.parametrize("role", [f"deploy-{PROJECT}-dev", f"preview-{PROJECT}-dev"])
@pytest.mark.parametrize(
    ("project", "stack"),
    [("kakao-login-deployment", "account"), (PROJECT, "prod"), (PROJECT, "dev-2"), ("other", "dev")],
)
def test_no_role_reaches_the_state_of_another_program_in_the_bucket(
    deployment: Graph, role: str, project: str, stack: str
) -> None:
    for item in objects(deployment, "dev", project, stack):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert not may(deployment, role, action, item)


def test_a_deployment_can_read_but_not_change_the_layout_file_of_the_bucket(deployment: Graph) -> None:
    layout = f"{deployment.named('dev-state').outputs['arn']}/.pulumi/meta.yaml"
    for role in (f"deploy-{PROJECT}-dev", f"preview-{PROJECT}-dev"):
        assert may(deployment, role, "s3:GetObject", layout)
        assert not may(deployment, role, "s3:PutObject", layout)


def test_a_deployment_can_change_records_only_in_the_zone_of_its_environment(deployment: Graph) -> None:
    for role, zone, allowed in (
        (f"deploy-{PROJECT}-prod", "Z0PROD", True),
        (f"deploy-{PROJECT}-prod", "Z0OTHER", False),
        (f"deploy-{PROJECT}-dev", "Z0PROD", False),
    ):
        for action in ("ChangeResourceRecordSets", "GetHostedZone", "ListResourceRecordSets"):
            assert may(deployment, role, f"route53:{action}", f"arn:aws:route53:::hostedzone/{zone}") is allowed
    assert may(deployment, f"deploy-{PROJECT}-prod", "route53:GetChange", "arn:aws:route53:::change/C0")
    assert not may(
        deployment, f"deploy-{PROJECT}-prod", "route53:DeleteHostedZone", "arn:aws:route53:::hostedzone/Z0PROD"
    )


def test_a_deployment_with_a_zone_can_manage_certificates_but_export_none(deployment: Graph) -> None:
    certificate = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    for stack, allowed in (("prod", True), ("dev", False)):
        role, own = f"deploy-{PROJECT}-{stack}", {"project": PROJECT, "stack": stack}
        assert may(deployment, role, "acm:RequestCertificate", "*", **tags("RequestTag", own)) is allowed
        for action in ("DescribeCertificate", "DeleteCertificate"):
            assert may(deployment, role, f"acm:{action}", certificate, **tags("ResourceTag", own)) is allowed
        assert not may(deployment, role, "acm:ExportCertificate", certificate, **tags("ResourceTag", own))


def test_without_a_zone_no_deployment_can_change_records() -> None:
    deployment = declare_deployment(hostedZoneIds=None)
    zone = "arn:aws:route53:::hostedzone/Z0PROD"
    assert not may(deployment, f"deploy-{PROJECT}-prod", "route53:ChangeResourceRecordSets", zone)


def test_the_program_in_deployment_finds_its_imports_from_its_own_folder() -> None:
    as_pulumi_does = [sys.executable, "-P", "-c", "import runpy; runpy.run_path('.', run_name='__main__')"]
    run = subprocess.run(as_pulumi_does, cwd=DEPLOYMENT.parent, capture_output=True, text=True, timeout=60)
    assert "Missing required configuration variable" in run.stderr


def test_every_setting_has_a_type_of_pulumis_project_file() -> None:
    # github.com/pulumi/pulumi, sdk/go/common/workspace/project.json: simpleConfigType
    described = yaml.safe_load((ROOT / "deployment" / "Pulumi.yaml").read_text())["config"]
    own = [setting for key, setting in described.items() if ":" not in key]
    assert {setting["type"] for setting in own} <= {"string", "integer", "boolean", "array", "object"}


def test_every_setting_that_the_program_reads_is_in_its_project_file() -> None:
    described = yaml.safe_load((ROOT / "deployment" / "Pulumi.yaml").read_text())["config"]
    read = re.findall(r'config\.(?:get|require)\w*\("(\w+)"\)', DEPLOYMENT.read_text())
    assert {key for key in described if ":" not in key} == set(read)


def test_a_zone_of_an_unknown_environment_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"hostedZoneIds names staging, which is not in environments$"):
        declare_deployment(hostedZoneIds={"staging": "Z0"})
    with pytest.raises(pulumi.RunError, match=r"hostedZoneIds names prods, .*; the nearest is prod$"):
        declare_deployment(hostedZoneIds={"prods": "Z0"})


def test_a_deployment_can_attach_a_firewall_only_to_its_own_user_pool(deployment: Graph) -> None:
    role, pool = f"deploy-{PROJECT}-dev", f"arn:aws:cognito-idp:ap-northeast-2:{ACCOUNT}:userpool/ap-northeast-2_x"
    for stack in ("dev", "prod"):
        bears = tags("ResourceTag", {"project": PROJECT, "stack": stack})
        for action in ("AssociateWebACL", "DisassociateWebACL", "GetWebACLForResource"):
            # AWS asks for both.
            both = [may(deployment, role, f"{service}:{action}", pool, **bears) for service in ("wafv2", "cognito-idp")]
            assert all(both) is (stack == "dev"), action
    for home in (f"us-east-1:{ACCOUNT}:global", f"ap-northeast-2:{ACCOUNT}:regional"):
        rules = f"arn:aws:wafv2:{home}/managedruleset/AWS/AWSManagedRulesCommonRuleSet"
        assert may(deployment, role, "wafv2:CreateWebACL", rules)
        assert may(deployment, role, "wafv2:UpdateWebACL", rules)


@pytest.mark.parametrize("service", ["ops.apigateway", "email.cognito-idp"])
def test_a_deployment_can_create_only_the_service_linked_roles_for_logs_and_mails(
    deployment: Graph, service: str
) -> None:
    roles = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role"
    needed, other = (f"{roles}/{name}.amazonaws.com/AWSServiceRoleForIt" for name in (service, "support"))
    assert may(deployment, f"deploy-{PROJECT}-dev", "iam:CreateServiceLinkedRole", needed)
    assert not may(deployment, f"deploy-{PROJECT}-dev", "iam:CreateServiceLinkedRole", other)


def test_the_boundary_and_the_role_that_stays_after_its_stack_are_both_retained(
    deployment: Graph, everything: Graph
) -> None:
    """IAM deletes no policy that is a role's boundary, and a role without its boundary could do more than before."""
    boundary = deployment.named("dev-boundary")
    left = [role for role in everything.all("Role") if role.kept]
    assert [role["permissionsBoundary"] for role in left] == [boundary.outputs["arn"]]
    assert boundary.kept


def test_an_existing_oidc_provider_of_the_account_is_used_unchanged() -> None:
    """An import would remove the audiences and tags of other repositories."""
    deployment = declare_deployment(existingProvider=True)
    assert deployment.all("OpenIdConnectProvider") == []
    (statement,) = statements(deployment.named(f"deploy-{PROJECT}-dev")["assumeRolePolicy"])
    assert statement["Principal"] == {
        "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    }


def test_a_deployment_can_create_roles_only_with_the_boundary(deployment: Graph) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/{PROJECT}-dev-session-role"
    boundary = deployment.exports["dev"]["permissionsBoundary"]
    for action in (
        "CreateRole",
        "PutRolePolicy",
        "AttachRolePolicy",
        "PutRolePermissionsBoundary",
    ):
        key = "iam:PermissionsBoundary"
        assert may(deployment, f"deploy-{PROJECT}-dev", f"iam:{action}", role, **{key: boundary})
        for other in ({}, {key: "arn:aws:iam::aws:policy/AdministratorAccess"}):
            assert not may(deployment, f"deploy-{PROJECT}-dev", f"iam:{action}", role, **other), action
    assert not may(deployment, f"deploy-{PROJECT}-dev", "iam:DeleteRolePermissionsBoundary", role)


@pytest.mark.parametrize(
    "what", [f"role/deploy-{PROJECT}-dev", f"role/preview-{PROJECT}-dev", f"policy/{PROJECT}-dev-boundary"]
)
def test_a_deployment_cannot_change_its_own_role_or_boundary(deployment: Graph, what: str) -> None:
    for action in ("UpdateAssumeRolePolicy", "DeleteRolePolicy", "CreatePolicyVersion", "PassRole"):
        limit = deployment.exports["dev"]["permissionsBoundary"]
        context = {"iam:PassedToService": "lambda.amazonaws.com", "iam:PermissionsBoundary": limit}
        assert not may(
            deployment, f"deploy-{PROJECT}-dev", f"iam:{action}", f"arn:aws:iam::{ACCOUNT}:{what}", **context
        )


@pytest.mark.parametrize(
    "action", ["AdminGetUser", "AdminSetUserPassword", "AdminCreateUser", "AdminInitiateAuth", "ListUsers"]
)
def test_a_deployment_can_neither_read_nor_change_users(deployment: Graph, action: str) -> None:
    own = tags("ResourceTag", {"project": PROJECT, "stack": "dev"})
    for pool in (f"arn:aws:cognito-idp:ap-northeast-2:{ACCOUNT}:userpool/ap-northeast-2_x", "*"):
        assert not may(deployment, f"deploy-{PROJECT}-dev", f"cognito-idp:{action}", pool, **own)


def test_no_role_has_administrator_permissions(deployment: Graph) -> None:
    assert deployment.all("RolePolicyAttachment") == []
    for role in deployment.all("Role"):
        assert "managedPolicyArns" not in role.inputs
        assert not may(deployment, role.name, "sts:AssumeRole", "arn:aws:iam::123456789012:role/admin")


OF_HOSTED_LOGIN = {"appCallbacks", "loginDomain", "loginParentRecord"}


def declare_everything_direct() -> Graph:
    settings = {name: value for name, value in EVERYTHING.items() if name not in OF_HOSTED_LOGIN}
    return declare(settings | DIRECT | {"hostedZoneId": "Z0DEV"}, program=WITH_A_SOCKET)


@pytest.mark.parametrize(
    "declared",
    [partial(declare_everything, program=WITH_A_SOCKET), declare_everything_direct],
    ids=["hosted", "direct"],
)
def test_the_boundary_allows_what_each_functions_policy_grants_but_no_other_stacks_users(
    deployment: Graph, declared: Callable[[], Graph]
) -> None:
    """With all optional resources, with a function at the WebSocket and a topic of new users."""
    stack = declared()
    limit = statements(deployment.named("dev-boundary")["policy"])
    pools = (stack.one("UserPool"), declare_user_pool(stack="prod"))
    pool, others_pool = (tags("ResourceTag", pool["tags"]) for pool in pools)
    asked = {
        action
        for policy in stack.all("RolePolicy")
        for statement in statements(policy["policy"])
        for action in statement["Action"]
    }
    assert {"cognito-idp:AdminCreateUser", "sns:Publish"} <= asked
    named = f"{PROJECT}-dev-1"
    of_service = {"cognito-idp": "userpool/1", "dynamodb": f"table/{named}", "sns": named}
    for action in asked:
        service = action.partition(":")[0]
        resource = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{of_service.get(service, '1')}"
        assert allows(limit, action, resource, pool), f"{action}: add it to boundary() in deployment/policies.py"
        if service == "cognito-idp":
            assert not allows(limit, action, resource, others_pool)


def test_the_boundary_allows_no_actions_that_could_extend_permissions(deployment: Graph) -> None:
    limit = statements(deployment.named("dev-boundary")["policy"])
    actions = [action for statement in limit for action in statement["Action"] if action != "kms:Decrypt"]
    assert not {action.partition(":")[0] for action in actions} & {"iam", "sts", "s3", "kms", "lambda", "*"}
    assert "*" not in "".join(actions)


@pytest.mark.parametrize(("service", "expected"), [("ssm", True), ("secretsmanager", True), ("s3", False), ("", False)])
def test_a_function_can_decrypt_only_through_ssm_and_secrets_manager(
    deployment: Graph, service: str, expected: bool
) -> None:
    via = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"} if service else {}
    limit = statements(deployment.named("dev-boundary")["policy"])
    assert allows(limit, "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1", via) is expected


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_boundary_fits_into_iams_limit(deployment: Graph, stack: str) -> None:
    assert len("".join(deployment.named(f"{stack}-boundary")["policy"].split())) <= 6_144


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_state_bucket_is_versioned_encrypted_private_and_tls_only(deployment: Graph, name: str) -> None:
    bucket, key = deployment.named(f"{name}-state"), deployment.named(f"{name}-key")

    def of_bucket(kind: str) -> Any:
        return next(resource for resource in deployment.all(kind) if resource.sources["bucket"] == {bucket.tail})

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


def test_the_workflows_use_the_declared_names_of_the_state_and_the_roles(deployment: Graph, tmp_path: Path) -> None:
    steps = yaml.safe_load((ROOT / ".github/actions/pulumi/action.yml").read_text())["runs"]["steps"]
    output = tmp_path / "output"
    (read_name,) = [step["run"] for step in steps if step.get("id") == "project"]
    environment = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(output)}
    subprocess.run(["bash", "-eo", "pipefail", "-c", read_name], cwd=ROOT, env=environment, check=True)
    assert output.read_text() == f"name={PROJECT}\n"
    (role_arn,) = [step["with"]["role-to-assume"] for step in steps if "role-to-assume" in step.get("with", {})]
    (login,) = [step for step in steps if step.get("run", "").startswith("pulumi login ")]
    for workflow, stacks in (("preview", ["dev"]), ("deploy", ["dev", "prod"])):
        (role,) = re.findall("^ *role: (.+)$", (ROOT / f".github/workflows/{workflow}.yml").read_text(), re.MULTILINE)
        for stack in stacks:
            inputs = {"account": ACCOUNT, "region": REGION, "environment": stack, "role": role}
            facts = {f"inputs.{key}": value for key, value in inputs.items()} | {"steps.project.outputs.name": PROJECT}

            def filled(text: str, facts: dict[str, str] = facts) -> str:
                return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: facts[found[1]], text)

            arn, _, name = filled(role_arn).partition("/")
            assert arn == f"arn:aws:iam::{ACCOUNT}:role"
            assert deployment.named(name).type.endswith(":Role")
            command = Template(login["run"]).substitute({key: filled(value) for key, value in login["env"].items()})
            assert command == f'pulumi login "{deployment.exports[stack]["backend"]}"'


def test_the_github_guide_has_the_state_and_the_settings_of_each_environment(deployment: Graph) -> None:
    guide = (
        (ROOT / "docs" / "guides" / "github.md")
        .read_text()
        .replace("$ACCOUNT", ACCOUNT)
        .replace("kakao-login", PROJECT)
    )
    for value in deployment.exports["dev"].values():
        assert re.search(rf"""(['"]){re.escape(value)}\1""", guide), value
