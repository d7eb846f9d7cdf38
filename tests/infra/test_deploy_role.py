"""Whether the deploy role may make and change each thing that the login declares, and nothing of another stack's."""

from collections.abc import Iterator

import pytest
import yaml

from sandbox.program import ROOT
from tests.infra.engine import ACCOUNT, EVERYTHING, REGION, Declared, Graph, declare, declare_deployment, statements
from tests.infra.iam import allows, tags

API = "arn:aws:apigateway:{region}::/apis"
POOL = "arn:aws:cognito-idp:{region}:{account}:userpool/1"
BUCKET = "arn:aws:s3:::{name}"
CERTIFICATE = "arn:aws:acm:{region}:{account}:certificate/1"
DISTRIBUTION = "arn:aws:cloudfront::{account}:distribution/1"
LOGS = "arn:aws:logs:{region}:{account}:log-group:{name}"
FUNCTION = "arn:aws:lambda:{region}:{account}:function:{name}"
ROLE = "arn:aws:iam::{account}:role/{name}"
TOPIC = "arn:aws:sns:{region}:{account}:{name}"
FIREWALL = "arn:aws:wafv2:{region}:{account}:{scope}/webacl/{name}/1"
# Per type, some of what AWS asks leave for, on which resource (service authorization reference). {name} is the name of
# the resource itself or of what it belongs to, by the input that BELONGS_TO says.
ASKED = {
    "acm/certificate": {
        "acm:RequestCertificate": "*",
        "acm:AddTagsToCertificate": CERTIFICATE,
        "acm:DeleteCertificate": CERTIFICATE,
    },
    "acm/certificateValidation": {"acm:DescribeCertificate": CERTIFICATE},
    "apigateway/account": {"apigateway:PATCH": "arn:aws:apigateway:{region}::/account"},
    "apigatewayv2/api": {"apigateway:POST": API, "apigateway:PATCH": f"{API}/1"},
    "apigatewayv2/authorizer": {"apigateway:POST": f"{API}/1/authorizers"},
    "apigatewayv2/integration": {"apigateway:POST": f"{API}/1/integrations"},
    "apigatewayv2/route": {"apigateway:POST": f"{API}/1/routes"},
    "apigatewayv2/stage": {"apigateway:POST": f"{API}/1/stages"},
    "cloudfront/distribution": {
        "cloudfront:CreateDistribution": "*",
        "cloudfront:TagResource": DISTRIBUTION,
        "cloudfront:UpdateDistribution": DISTRIBUTION,
    },
    "cloudfront/function": {"cloudfront:UpdateFunction": "arn:aws:cloudfront::{account}:function/{name}"},
    "cloudfront/originAccessControl": {"cloudfront:CreateOriginAccessControl": "*"},
    "cloudfront/responseHeadersPolicy": {"cloudfront:CreateResponseHeadersPolicy": "*"},
    "cloudwatch/dashboard": {"cloudwatch:PutDashboard": "arn:aws:cloudwatch::{account}:dashboard/{name}"},
    "cloudwatch/logGroup": {"logs:CreateLogGroup": LOGS, "logs:DeleteLogGroup": LOGS},
    "cloudwatch/logMetricFilter": {"logs:PutMetricFilter": LOGS},
    "cloudwatch/metricAlarm": {"cloudwatch:PutMetricAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"},
    "cognito/identityProvider": {"cognito-idp:CreateIdentityProvider": POOL},
    "cognito/userPool": {
        "cognito-idp:CreateUserPool": "*",
        "cognito-idp:TagResource": POOL,
        "cognito-idp:UpdateUserPool": POOL,
    },
    "cognito/userPoolClient": {"cognito-idp:CreateUserPoolClient": POOL},
    "cognito/userPoolDomain": {"cognito-idp:CreateUserPoolDomain": POOL},
    "iam/role": {"iam:CreateRole": ROLE, "iam:UpdateAssumeRolePolicy": ROLE, "iam:DeleteRole": ROLE},
    "iam/rolePolicy": {"iam:PutRolePolicy": ROLE},
    "iam/rolePolicyAttachment": {"iam:AttachRolePolicy": ROLE},
    "lambda/function": {"lambda:CreateFunction": FUNCTION, "lambda:UpdateFunctionCode": FUNCTION},
    "lambda/layerVersion": {"lambda:PublishLayerVersion": "arn:aws:lambda:{region}:{account}:layer:{name}"},
    "lambda/permission": {"lambda:AddPermission": FUNCTION},
    "route53/record": {"route53:ChangeResourceRecordSets": "arn:aws:route53:::hostedzone/{zoneId}"},
    "s3/bucket": {"s3:CreateBucket": BUCKET, "s3:DeleteBucket": BUCKET},
    "s3/bucketObjectv2": {"s3:PutObject": f"{BUCKET}/index.html"},
    "s3/bucketPolicy": {"s3:PutBucketPolicy": BUCKET},
    "s3/bucketPublicAccessBlock": {"s3:PutBucketPublicAccessBlock": BUCKET},
    "sns/topic": {"sns:CreateTopic": TOPIC, "sns:DeleteTopic": TOPIC},
    "sns/topicSubscription": {"sns:Subscribe": TOPIC},
    "wafv2/webAcl": {"wafv2:UpdateWebACL": FIREWALL, "cognito-idp:AssociateWebACL": FIREWALL},
    "wafv2/webAclAssociation": {"cognito-idp:AssociateWebACL": POOL, "cognito-idp:DisassociateWebACL": POOL},
}
BELONGS_TO = {
    "acm/certificateValidation": "certificateArn",
    "cloudwatch/logMetricFilter": "logGroupName",
    "cognito/identityProvider": "userPoolId",
    "cognito/userPoolClient": "userPoolId",
    "cognito/userPoolDomain": "userPoolId",
    "iam/rolePolicy": "role",
    "iam/rolePolicyAttachment": "role",
    "lambda/permission": "function",
    "s3/bucketObjectv2": "bucket",
    "s3/bucketPolicy": "bucket",
    "s3/bucketPublicAccessBlock": "bucket",
    "sns/topicSubscription": "topic",
    "wafv2/webAclAssociation": "resourceArn",
}
NAMED_BY = {"cloudwatch/dashboard": "dashboardName", "lambda/layerVersion": "layerName", "s3/bucket": "bucket"}
PATTERN = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]["value"]["pattern"]
# Two stacks of one account can reach each other's, as docs/deployment.md says.
SHARED = {
    "apigateway/account",
    "apigatewayv2/api",
    "apigatewayv2/authorizer",
    "apigatewayv2/integration",
    "apigatewayv2/route",
    "apigatewayv2/stage",
    "cloudfront/originAccessControl",
    "cloudfront/responseHeadersPolicy",
}


@pytest.fixture(scope="module")
def deployment() -> Graph:
    return declare_deployment(hostedZoneIds={"dev": "Z0DEV", "prod": "Z0PROD"})


def declared(stack: str, boundary: str) -> Graph:
    settings = {"kakaoAppId": "1", "permissionsBoundary": boundary, "hostedZoneId": f"Z0{stack.upper()}"}
    return declare(EVERYTHING | settings, stack=stack)


def kind(resource: Declared) -> str:
    return resource.type.removeprefix("aws:").partition(":")[0]


def physical_name(resource: Declared, stack: str) -> str:
    """The name that the program gives, or Pulumi where it gives none."""
    parts = {"${project}": "kakao-login", "${stack}": stack, "${name}": resource.name, "${hex(7)}": "0a1b2c3"}
    pattern = resource.inputs.get(NAMED_BY.get(kind(resource), "name")) or PATTERN
    for part, value in parts.items():
        pattern = pattern.replace(part, value)
    return pattern


def requests(graph: Graph, stack: str) -> Iterator[tuple[Declared, str, str, dict[str, str]]]:
    """What AWS is asked for when the graph is made: each with an action, a resource, and the condition keys."""
    for resource in graph.custom():
        (owner,) = resource.sources[BELONGS_TO[kind(resource)]] if kind(resource) in BELONGS_TO else {resource.name}
        owned_by = graph.named(owner)
        region = resource.inputs.get("region", REGION)
        known = resource.inputs | {
            "account": ACCOUNT,
            "region": region,
            "scope": "regional" if region == REGION else "global",
            "name": physical_name(owned_by, stack),
        }
        given = resource.inputs.get("tags", {})
        for action, template in ASKED[kind(resource)].items():
            made = action.partition(":")[2].startswith(("Create", "Request"))
            tagged = {} if made and owned_by is resource else tags("ResourceTag", owned_by.inputs.get("tags", {}))
            boundary = {"iam:PermissionsBoundary": owned_by.inputs.get("permissionsBoundary", "")}
            yield resource, action, template.format(**known), tags("RequestTag", given) | tagged | boundary


def rights(deployment: Graph, stack: str) -> list[dict[str, object]]:
    return statements(deployment.named(f"deploy-kakao-login-{stack}-policy")["policy"])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_deployment_may_make_whatever_the_login_declares(deployment: Graph, stack: str) -> None:
    graph = declared(stack, deployment.exports[stack]["permissionsBoundary"])
    for resource, action, target, context in requests(graph, stack):
        assert allows(rights(deployment, stack), action, target, context), (resource.name, action, target)


def test_a_deployment_reaches_nothing_of_another_stacks_in_the_same_account_but_what_the_docs_name(
    deployment: Graph,
) -> None:
    prod = declared("prod", deployment.exports["prod"]["permissionsBoundary"])
    reached = {
        kind(resource)
        for resource, action, target, context in requests(prod, "prod")
        if allows(rights(deployment, "dev"), action, target, context)
    }
    assert reached == SHARED


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cognito-idp:TagResource", POOL),
        ("cognito-idp:UntagResource", POOL),
        ("cloudfront:TagResource", DISTRIBUTION),
        ("acm:AddTagsToCertificate", CERTIFICATE),
    ],
)
def test_a_deployment_takes_nothing_over_by_tagging_it_anew(deployment: Graph, action: str, resource: str) -> None:
    mine, others = ({"project": "kakao-login", "stack": stack} for stack in ("dev", "prod"))
    context = tags("RequestTag", mine) | tags("ResourceTag", others)
    target = resource.format(account=ACCOUNT, region="us-east-1" if "acm" in resource else REGION)
    assert not allows(rights(deployment, "dev"), action, target, context)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_deploy_roles_policy_is_not_longer_than_iam_takes(deployment: Graph, stack: str) -> None:
    policy = deployment.named(f"deploy-kakao-login-{stack}-policy")["policy"]
    assert len("".join(policy.split())) <= 10_240
