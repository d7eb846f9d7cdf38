"""The deploy role may create and change each resource of the login, and no resource of another stack."""

import re
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import pytest
import yaml

from deployment import policies as policies_of_deployment
from deployment import service_types
from sandbox.program import PROJECT, ROOT
from tests.infra.authorization import Action, matching
from tests.infra.engine import (
    ACCOUNT,
    REGION,
    Declared,
    Graph,
    declare_component,
    declare_deployment,
    declare_everything,
    statements,
)
from tests.infra.iam import allows, tags
from tests.team import program as team

POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/1"
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/1"
CERTIFICATE = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
# What AWS calls a resource's name in its ARN.
NAMES = ["AlarmName", "BucketName", "DashboardName", "FunctionName", "LayerName", "LogGroupName", "Name", "TopicName"]
NAMES += ["EventBusName", "ParameterNameWithoutLeadingSlash", "QueueName", "RuleName", "SecretId", "TableName"]

# Per resource type: each action that the provider calls to create, read, update and delete it
# (hashicorp/terraform-provider-aws, internal/service), and each that AWS asks for in the same call (its guides to API
# Gateway's access logs, WAF and Cognito's custom domains). `@` names AWS's resource type where OURS does not tell.
CALLS = {
    "acm/certificate": """acm: RequestCertificate AddTagsToCertificate DescribeCertificate ListTagsForCertificate
        RemoveTagsFromCertificate DeleteCertificate""",
    "acm/certificateValidation": "acm: DescribeCertificate",
    "apigateway/account": "apigateway: PATCH@Account GET@Account iam: PassRole",
    "apigatewayv2/api": """apigateway: POST@Apis GET@Api PATCH@Api DELETE@Api
        POST@Tags GET@Tags DELETE@Tags""",
    "apigatewayv2/authorizer": "apigateway: POST@Authorizers GET@Authorizer PATCH@Authorizer DELETE@Authorizer",
    "apigatewayv2/integration": "apigateway: POST@Integrations GET@Integration PATCH@Integration DELETE@Integration",
    "apigatewayv2/route": "apigateway: POST@Routes GET@Route PATCH@Route DELETE@Route",
    "apigatewayv2/stage": """apigateway: POST@Stages GET@Stage PATCH@Stage DELETE@Stage POST@Tags GET@Tags DELETE@Tags
        GET@Deployment iam: CreateServiceLinkedRole
        logs: CreateLogDelivery GetLogDelivery UpdateLogDelivery DeleteLogDelivery ListLogDeliveries
        PutResourcePolicy DescribeResourcePolicies DescribeLogGroups""",
    "cloudfront/distribution": """cloudfront: CreateDistribution TagResource GetDistribution
        UpdateDistribution ListTagsForResource UntagResource DeleteDistribution""",
    "cloudfront/function": """cloudfront: CreateFunction PublishFunction DescribeFunction GetFunction UpdateFunction
        DeleteFunction TagResource@function ListTagsForResource@function UntagResource@function""",
    "cloudfront/originAccessControl": """cloudfront: CreateOriginAccessControl GetOriginAccessControl
        UpdateOriginAccessControl DeleteOriginAccessControl""",
    "cloudfront/responseHeadersPolicy": """cloudfront: CreateResponseHeadersPolicy GetResponseHeadersPolicy
        UpdateResponseHeadersPolicy DeleteResponseHeadersPolicy""",
    "cloudwatch/eventBus": """events: CreateEventBus DescribeEventBus UpdateEventBus DeleteEventBus
        TagResource@event-bus UntagResource@event-bus ListTagsForResource@event-bus""",
    "cloudwatch/eventRule": """events: PutRule@RULES DescribeRule@RULES EnableRule@RULES DisableRule@RULES
        DeleteRule@RULES TagResource@RULES UntagResource@RULES ListTagsForResource@RULES""",
    "cloudwatch/eventTarget": "events: PutTargets@RULES ListTargetsByRule@RULES RemoveTargets@RULES",
    "cloudwatch/dashboard": "cloudwatch: PutDashboard GetDashboard DeleteDashboards",
    "cloudwatch/logGroup": """logs: CreateLogGroup TagResource PutRetentionPolicy DescribeLogGroups
        ListTagsForResource UntagResource DeleteRetentionPolicy DeleteLogGroup""",
    "cloudwatch/logMetricFilter": "logs: PutMetricFilter DescribeMetricFilters DeleteMetricFilter",
    "cloudwatch/metricAlarm": """cloudwatch: PutMetricAlarm DescribeAlarms ListTagsForResource TagResource
        UntagResource DeleteAlarms""",
    "cognito/identityProvider": """cognito-idp: CreateIdentityProvider DescribeIdentityProvider UpdateIdentityProvider
        DeleteIdentityProvider""",
    "cognito/userGroup": "cognito-idp: CreateGroup GetGroup UpdateGroup DeleteGroup",
    "cognito/userPool": """cognito-idp: CreateUserPool TagResource DescribeUserPool GetUserPoolMfaConfig UpdateUserPool
        SetUserPoolMfaConfig UntagResource DeleteUserPool iam: CreateServiceLinkedRole""",
    "cognito/userPoolClient": """cognito-idp: CreateUserPoolClient DescribeUserPoolClient UpdateUserPoolClient
        DeleteUserPoolClient""",
    "cognito/userPoolDomain": """cognito-idp: CreateUserPoolDomain DescribeUserPoolDomain UpdateUserPoolDomain
        DeleteUserPoolDomain cloudfront: UpdateDistribution@*""",
    "dynamodb/table": """dynamodb: CreateTable DescribeTable UpdateTable DeleteTable DescribeTimeToLive UpdateTimeToLive
        DescribeContinuousBackups UpdateContinuousBackups ListTagsOfResource TagResource UntagResource""",
    "iam/role": """iam: CreateRole TagRole GetRole ListRolePolicies ListAttachedRolePolicies UpdateAssumeRolePolicy
        UpdateRole PutRolePermissionsBoundary UntagRole ListInstanceProfilesForRole DeleteRole""",
    "iam/rolePolicy": "iam: PutRolePolicy GetRolePolicy DeleteRolePolicy",
    "iam/rolePolicyAttachment": "iam: AttachRolePolicy ListAttachedRolePolicies DetachRolePolicy",
    "lambda/eventSourceMapping": """lambda: CreateEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping
        DeleteEventSourceMapping ListTags@eventSourceMapping TagResource@eventSourceMapping
        UntagResource@eventSourceMapping""",
    "lambda/function": """lambda: CreateFunction TagResource GetFunction GetFunctionCodeSigningConfig
        ListVersionsByFunction ListTags UpdateFunctionCode UpdateFunctionConfiguration UntagResource
        GetLayerVersion DeleteFunction iam: PassRole""",
    "lambda/layerVersion": "lambda: PublishLayerVersion GetLayerVersion DeleteLayerVersion",
    "lambda/permission": "lambda: AddPermission GetPolicy RemovePermission",
    "route53/record": """route53: GetHostedZone ChangeResourceRecordSets GetChange ListResourceRecordSets""",
    "s3/bucket": """s3: CreateBucket PutBucketTagging TagResource ListBucket GetBucketLocation GetBucketTagging
        ListTagsForResource GetBucketPolicy GetBucketAcl GetBucketCORS GetBucketWebsite GetBucketVersioning
        GetAccelerateConfiguration GetBucketRequestPayment GetBucketLogging GetLifecycleConfiguration
        GetReplicationConfiguration GetEncryptionConfiguration GetBucketObjectLockConfiguration UntagResource
        ListBucketVersions DeleteObject DeleteObjectVersion DeleteBucket""",
    "s3/bucketObjectv2": """s3: PutObject PutObjectTagging GetObject GetObjectTagging
        ListBucketVersions DeleteObject DeleteObjectVersion""",
    "s3/bucketPolicy": "s3: PutBucketPolicy GetBucketPolicy DeleteBucketPolicy",
    "s3/bucketPublicAccessBlock": "s3: PutBucketPublicAccessBlock GetBucketPublicAccessBlock",
    "secretsmanager/secret": """secretsmanager: CreateSecret DescribeSecret UpdateSecret DeleteSecret RestoreSecret
        GetResourcePolicy PutResourcePolicy DeleteResourcePolicy TagResource UntagResource""",
    "secretsmanager/secretVersion": """secretsmanager: PutSecretValue GetSecretValue ListSecretVersionIds
        UpdateSecretVersionStage""",
    "sns/topic": """sns: CreateTopic TagResource GetTopicAttributes SetTopicAttributes ListTagsForResource UntagResource
        DeleteTopic""",
    "sns/topicSubscription": """sns: Subscribe GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe""",
    "sqs/queue": """sqs: CreateQueue GetQueueAttributes SetQueueAttributes DeleteQueue ListQueueTags TagQueue
        UntagQueue""",
    "sqs/queuePolicy": "sqs: SetQueueAttributes GetQueueAttributes",
    "ssm/parameter": """ssm: PutParameter GetParameter DescribeParameters DeleteParameter
        AddTagsToResource@parameter RemoveTagsFromResource@parameter ListTagsForResource@parameter""",
    "wafv2/webAcl": """wafv2: CreateWebACL@webacl,managedruleset TagResource GetWebACL
        ListTagsForResource UpdateWebACL@webacl,managedruleset UntagResource DeleteWebACL""",
    "wafv2/webAclAssociation": """wafv2: AssociateWebACL@webacl,userpool GetWebACLForResource@webacl,userpool GetWebACL
        DisassociateWebACL@userpool
        cognito-idp: AssociateWebACL@userpool,webacl GetWebACLForResource DisassociateWebACL""",
}
# Actions that AWS lists beside another, for something that the login does not have.
NEVER_ASKED = {
    "cloudfront:CreateConnectionGroup",  # a distribution for tenants
    "lambda:PassCapacityProvider",  # a function on servers of one's own
    "wafv2:PutPermissionPolicy",  # a firewall of another account
    "wafv2:GetPermissionPolicy",
}
NEVER_ASKED_FOR = {"sns/topic": {"iam:PassRole"}}  # a topic that logs what it delivers
FOR_SOMETHING_ELSE = ("amplify:", "apigateway:Set", "apprunner:", "appsync:", "ec2:", "elasticloadbalancing:")
# The input that names the owner of an ARN: of all ARNs of a type, or of those with one of AWS's resource types.
BELONGS_TO = {
    "acm/certificateValidation": "certificateArn",
    "apigateway/account role": "cloudwatchRoleArn",
    "cloudwatch/eventTarget": "rule",
    "cloudwatch/logMetricFilter": "logGroupName",
    "cognito/identityProvider": "userPoolId",
    "cognito/userGroup": "userPoolId",
    "cognito/userPoolClient": "userPoolId",
    "cognito/userPoolDomain": "userPoolId",
    "iam/rolePolicy": "role",
    "iam/rolePolicyAttachment": "role",
    "lambda/function layerVersion": "layers",
    "lambda/function role": "role",
    "lambda/permission": "function",
    "s3/bucketObjectv2": "bucket",
    "s3/bucketPolicy": "bucket",
    "s3/bucketPublicAccessBlock": "bucket",
    "secretsmanager/secretVersion": "secretId",
    "sns/topicSubscription": "topic",
    "sqs/queuePolicy": "queueUrl",
    "wafv2/webAclAssociation userpool": "resourceArn",
    "wafv2/webAclAssociation webacl": "webAclArn",
}
LINKED = {  # service-linked roles that AWS creates in the account
    "apigatewayv2/stage": "ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway",
    "cognito/userPool": "email.cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdpEmailService",
}
# The one of the resource types of an action that is meant, unless CALLS says otherwise.
OURS = {"alarm", "bucket", "distribution", "function", "log-group", "object", "topic", "userpool", "webacl"}
OURS |= {"event-bus", "table"}
RULES = ["rule-on-custom-event-bus", "rule-on-default-event-bus"]  # `@RULES`
NAMED_BY = {"cloudwatch/dashboard": "dashboardName", "lambda/layerVersion": "layerName", "s3/bucket": "bucket"}
PATTERN = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]["value"]["pattern"]
# Two stacks of one account can reach each other's, as docs/guides/github.md says.
SHARED = {
    "apigateway/account",
    "apigatewayv2/api",
    "apigatewayv2/authorizer",
    "apigatewayv2/integration",
    "apigatewayv2/route",
    "apigatewayv2/stage",
    "cloudfront/originAccessControl",
    "cloudfront/responseHeadersPolicy",
    "cloudwatch/metricAlarm",  # to look at
    "cognito/userPoolDomain",  # the distributions without a stack's tags, of which Cognito's is one
    "lambda/eventSourceMapping",  # the tags
    "sns/topicSubscription",
}


class Call(NamedTuple):
    """One call of an AWS API: an action, and each resource that AWS checks it on, with the conditions' keys."""

    resource: Declared
    action: str
    checks: list[tuple[str, dict[str, str]]]

    def allowed(self, policy: list[dict[str, Any]]) -> bool:
        return all(allows(policy, self.action, target, context) for target, context in self.checks)


@pytest.fixture(scope="module")
def deployment() -> Graph:
    return declare_deployment(hostedZoneIds={"dev": "Z0DEV", "prod": "Z0PROD"})


def kind(resource: Declared) -> str:
    return resource.type.removeprefix("aws:").partition(":")[0]


def asked(kind: str) -> dict[str, list[str]]:
    """The actions that CALLS lists for a type, with the resource types that it names."""
    actions: dict[str, list[str]] = {}
    service = ""
    for word in CALLS[kind].split():
        if word.endswith(":"):
            service = word
            continue
        action, _, on = word.partition("@")
        actions.setdefault(service + action, []).extend(RULES if on == "RULES" else on.split(",") if on else [])
    return actions


def works_on(action: str, named: list[str]) -> list[str]:
    """The resource types that a call of the action is checked on; none where AWS takes `*` alone."""
    listed = Action(action).resources
    required = [resource.name for resource in listed if resource.required]
    known = [resource.name for resource in listed if resource.name in OURS]
    assert named or required or len(known) == 1 or not listed, f"say with @ what {action} is for here"
    assert named in ([], ["*"]) or set(required) <= set(named), f"{action} asks for {required}, too"
    return named or required or known


def physical_name(resource: Declared, stack: str) -> str:
    """The name that the program gives, or Pulumi where it gives none."""
    parts = {"${project}": PROJECT, "${stack}": stack, "${name}": resource.name, "${hex(4)}": "0a1b"}
    pattern = resource.inputs.get(NAMED_BY.get(kind(resource), "name")) or PATTERN
    for part, value in parts.items():
        pattern = pattern.replace(part, value)
    return pattern


def calls(graph: Graph, stack: str) -> Iterator[Call]:
    """The calls of AWS during the life of each resource of the graph."""
    for resource in graph.custom():
        for action, named in asked(kind(resource)).items():
            checks = [
                check
                for on in works_on(action, named) or ["*"]
                for owner in owners(graph, resource, on)
                for check in checked(action, on, resource, owner, stack)
            ]
            if checks:
                yield Call(resource, action, checks)


def owners(graph: Graph, resource: Declared, on: str) -> list[Declared]:
    """What a resource of AWS's is in the graph, as seen from the one that is made: itself, or what it is given."""
    leads_to = BELONGS_TO.get(f"{kind(resource)} {on}") or BELONGS_TO.get(kind(resource))
    return [graph.named(name) for name in resource.sources.get(leads_to, [])] if leads_to else [resource]


def checked(
    action: str, on: str, resource: Declared, owner: Declared, stack: str
) -> Iterator[tuple[str, dict[str, str]]]:
    region = owner.inputs.get("region", REGION)
    name = physical_name(owner, stack)
    role = f"aws-service-role/{LINKED[kind(resource)]}" if action == "iam:CreateServiceLinkedRole" else name
    parts = dict.fromkeys(NAMES, name) | {
        "Partition": "aws",
        "Account": ACCOUNT,
        "Region": region,
        "Scope": "regional" if region == REGION else "global",
        "RoleNameWithPath": role,
        "Id": resource.inputs.get("zoneId", "1"),
    }
    known = Action(action)
    context = {
        **tags("RequestTag", resource.inputs.get("tags", {})),
        "iam:PermissionsBoundary": owner.inputs.get("permissionsBoundary", ""),
        "lambda:FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
        "iam:PassedToService": "lambda.amazonaws.com"
        if kind(resource) == "lambda/function"
        else "apigateway.amazonaws.com",
    }
    if on == "*":
        yield "*", known.known(context)
        return
    target = re.sub(r"\$\{(\w+)\}", lambda part: parts.get(part[1], "1"), known.arn(on))
    bears = tags("ResourceTag", owner.inputs.get("tags", {}))
    verb = action.partition(":")[2]
    if owner is not resource or not verb.startswith("Create"):
        yield target, known.known(context | bears, on)
    if owner is resource and verb.startswith(("Create", "Tag", "AddTags")):  # as it is made
        yield target, known.known(context, on)


def rights(deployment: Graph, stack: str) -> list[dict[str, Any]]:
    return statements(deployment.named(f"deploy-{PROJECT}-{stack}-policy")["policy"])


def refused(deployment: Graph, graph: Graph, stack: str) -> list[tuple[str, str]]:
    """The calls of the provider for the resources of the graph that the role of the stack does not allow."""
    role = rights(deployment, stack)
    return [(call.resource.name, call.action) for call in calls(graph, stack) if not call.allowed(role)]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_deploy_role_allows_every_call_of_the_provider_for_the_login(deployment: Graph, stack: str) -> None:
    assert refused(deployment, declare_everything(stack), stack) == []


def declare_team(stack: str) -> Graph:
    """A team's program, with each type that deployment/service_types.py came with."""
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}-{stack}-boundary"
    return declare_component(partial(team.declare, boundary=boundary), stack=stack)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_deploy_role_allows_every_call_of_the_provider_for_a_teams_service(deployment: Graph, stack: str) -> None:
    graph = declare_team(stack)
    login = {kind(resource) for resource in declare_everything(stack).custom()}
    assert {kind(resource) for resource in graph.custom()} >= CALLS.keys() - login
    assert refused(deployment, graph, stack) == []


def test_the_boundary_allows_what_the_policies_of_a_teams_functions_grant(deployment: Graph) -> None:
    names = {"dynamodb": "table", "secretsmanager": "Secret", "sns": "topic", "sqs": "queue", "ssm": "parameter"}
    limit = statements(deployment.named("dev-boundary")["policy"])
    for name, statement in policies(declare_team("dev")):
        for action in statement["Action"]:
            service = action.partition(":")[0]
            if service not in names:
                continue
            pattern = Action(action).arn(names[service])
            arn = re.sub(r"\$\{\w+\}", lambda part: _part(part[0]), pattern)
            assert allows(limit, action, arn if Action(action).resources else "*"), (name, action)


def test_the_example_for_another_service_lets_functions_send_mails_and_read_a_bucket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example = re.findall(r"^    ((\w+) = Service\(.+\))$", service_types.__doc__ or "", re.MULTILINE)
    defined: dict[str, Any] = {"Service": service_types.Service}
    for line, name in example:
        exec(line, defined)
        monkeypatch.setitem(service_types.TYPES, name, defined[name])
    stack = policies_of_deployment.Stack("dev", ACCOUNT, REGION)
    limit = policies_of_deployment.boundary(stack)["Statement"]
    bucket = f"arn:aws:s3:::{stack.name}-files-0a1b"
    assert allows(limit, "ses:SendEmail", f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/example.com")
    assert allows(limit, "s3:GetObject", f"{bucket}/key")
    assert not allows(limit, "s3:GetObject", f"arn:aws:s3:::{PROJECT}-prod-files-0a1b/key")
    deploy = policies_of_deployment._service(stack)
    assert all(statement["Action"] for statement in deploy)
    assert allows(deploy, "ses:CreateEmailIdentity", f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/example.com")


def _part(placeholder: str) -> str:
    known = {"${Partition}": "aws", "${Region}": REGION, "${Account}": ACCOUNT}
    return known.get(placeholder, f"{PROJECT}-dev-thing-0a1b")


@pytest.mark.parametrize("kind", CALLS)
def test_every_dependent_action_of_aws_is_listed(kind: str) -> None:
    for action in asked(kind):
        beside = {needed for needed in Action(action).dependent if not needed.startswith(FOR_SOMETHING_ELSE)}
        assert beside - NEVER_ASKED - NEVER_ASKED_FOR.get(kind, set()) <= set(asked(kind)), action


def test_a_deployment_reaches_only_the_documented_resources_of_another_stack(
    deployment: Graph,
) -> None:
    dev = rights(deployment, "dev")
    reached = set()
    every = [*calls(declare_everything("prod"), "prod"), *calls(declare_team("prod"), "prod")]
    for resource, of_one in groupby(every, key=lambda call: call.resource):
        allowed = {call.action: call.allowed(dev) for call in of_one}
        for action, itself in allowed.items():
            is_global = action in ("iam:CreateServiceLinkedRole", "route53:GetChange") or (
                not works_on(action, asked(kind(resource))[action])
                and (Action(action).reads or action.partition(":")[2].startswith("Create"))
            )
            if itself and not is_global and all(allowed.get(needed, True) for needed in Action(action).dependent):
                reached.add(kind(resource))
    assert reached == SHARED


def policies(*graphs: Graph) -> Iterator[tuple[str, dict[str, Any]]]:
    for graph in graphs:
        for policy in [*graph.all("RolePolicy"), *graph.all("iam/policy:Policy")]:
            for statement in statements(policy["policy"]):
                yield policy.name, statement


def test_every_action_in_a_policy_exists_at_aws(deployment: Graph) -> None:
    for name, statement in policies(deployment, declare_everything("dev")):
        for pattern in statement["Action"]:
            assert any(matching(pattern)), (name, pattern)


def test_an_action_without_resource_types_is_allowed_on_all_resources(deployment: Graph) -> None:
    """A permission on a resource that the action does not know has no effect."""
    for name, statement in policies(deployment, declare_everything("dev")):
        for pattern in statement["Action"]:
            if "*" not in pattern and not Action(pattern).resources:
                assert statement["Resource"] == ["*"], (name, pattern)


def test_no_permission_has_a_condition_key_that_aws_never_sets(deployment: Graph) -> None:
    for name, statement in policies(deployment, declare_everything("dev")):
        keys = statement.get("Condition", {}).get("StringEquals", {})
        for pattern in statement["Action"]:
            if "*" not in pattern:
                action = Action(pattern)
                known = action.known(keys)
                for resource in action.resources:
                    known |= action.known(keys, resource.name)
                assert set(keys) <= set(known), (name, pattern)


def test_a_deployment_cannot_change_a_distribution_with_tags_of_another_stack(deployment: Graph) -> None:
    """Cognito's own distribution, for a domain of the team, has none of the tags."""
    for bears, allowed in (({"stack": "prod", "project": PROJECT}, False), ({}, True)):
        for target in ("*", f"arn:aws:cloudfront::{ACCOUNT}:distribution/1"):
            context = tags("ResourceTag", bears)
            assert allows(rights(deployment, "dev"), "cloudfront:UpdateDistribution", target, context) is allowed
    without_zone = rights(declare_deployment(hostedZoneIds=None), "dev")
    assert not allows(without_zone, "cloudfront:UpdateDistribution", "*", {})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cognito-idp:TagResource", POOL),
        ("cognito-idp:UntagResource", POOL),
        ("cloudfront:TagResource", DISTRIBUTION),
        ("acm:AddTagsToCertificate", CERTIFICATE),
    ],
)
def test_a_deployment_cannot_take_over_a_resource_by_changing_its_tags(
    deployment: Graph, action: str, resource: str
) -> None:
    mine, others = ({"project": PROJECT, "stack": stack} for stack in ("dev", "prod"))
    context = tags("RequestTag", mine) | tags("ResourceTag", others)
    assert not allows(rights(deployment, "dev"), action, resource, context)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_policy_of_a_deploy_role_fits_into_iams_limit(deployment: Graph, stack: str) -> None:
    policy = deployment.named(f"deploy-{PROJECT}-{stack}-policy")["policy"]
    assert len("".join(policy.split())) <= 10_240
