"""The IAM policies of the deployment, as pure functions.

The resources and conditions of each action are from AWS's Service Authorization Reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployment.service_types import SNS, TYPES, Service
from handlers import contract
from infra import project

LOGIN = project.name()  # the project that is deployed
GITHUB = "token.actions.githubusercontent.com"
AWS_AUDIENCE = "sts.amazonaws.com"

Statement = dict[str, Any]
Document = dict[str, Any]
Condition = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Stack:
    """The stack of one environment. Names of resources begin with `name`; resources without a name have its tags."""

    environment: str
    account: str
    region: str

    @property
    def name(self) -> str:
        """Return `project-stack`, with which names of resources begin."""
        return f"{LOGIN}-{self.environment}"

    def arns(self, service: str, *resources: str, region: str | None = None) -> list[str]:
        """Return the ARNs of resources in `region`, or in the stack's region."""
        return [f"arn:aws:{service}:{region or self.region}:{self.account}:{resource}" for resource in resources]

    def global_arns(self, service: str, *resources: str) -> list[str]:
        """Return the ARNs of resources of a service without regions."""
        return [f"arn:aws:{service}::{self.account}:{resource}" for resource in resources]

    def tags(self, key: str) -> Condition:
        """Return a condition on the tags of the resource (`ResourceTag`) or of the request (`RequestTag`)."""
        return {f"aws:{key}/project": LOGIN, f"aws:{key}/stack": self.environment}


@dataclass(frozen=True)
class State:
    """The bucket of the stack's state, and the key that encrypts it."""

    stack: Stack
    bucket_arn: str
    key_arn: str

    def read(self) -> list[Statement]:
        """GetObject and Decrypt: read the state and the secrets of this stack, and of no other stack in the bucket."""
        return [
            allow(["s3:ListBucket"], [self.bucket_arn]),
            allow(["s3:GetObject"], [f"{self.bucket_arn}/.pulumi/meta.yaml", *self._objects()]),
            allow(["kms:Decrypt"], [self.key_arn]),
        ]

    def write(self) -> list[Statement]:
        """PutObject, DeleteObject and Encrypt, and all of `read`."""
        return [
            *self.read(),
            allow(["s3:PutObject", "s3:DeleteObject"], self._objects()),
            allow(["kms:Encrypt", "kms:GenerateDataKey"], [self.key_arn]),
        ]

    def _objects(self) -> list[str]:
        """Return the ARNs of the stack's objects (github.com/pulumi/pulumi, pkg/backend/diy/store.go and lock.go)."""
        own = f"{LOGIN}/{self.stack.environment}"
        folders = [f"{kind}/{own}/*" for kind in ("history", "backups", "journal", "locks/organization")]
        return [f"{self.bucket_arn}/.pulumi/{path}" for path in (f"stacks/{own}.*", *folders)]


def document(*statements: Statement) -> Document:
    """Return the policy document with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], resources: list[str], **condition: Condition) -> Statement:
    """Return the statement that allows these actions on these resources."""
    conditions = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **conditions}


def provider_arn(account: str) -> str:
    """Return the ARN of GitHub's OIDC provider. An account has at most one."""
    return f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"


def trust(provider_arn: str, subject: str) -> Document:
    """AssumeRoleWithWebIdentity: a GitHub token with this subject and AWS as its audience gets the role."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{GITHUB}:aud": AWS_AUDIENCE, f"{GITHUB}:sub": subject}},
        }
    )


def tls_only(bucket_arn: str) -> Document:
    """Deny every S3 action on the bucket without TLS."""
    return document(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def boundary(stack: Stack) -> Document:
    """Return the permissions boundary of the stack's roles: all that the functions and API Gateway do together.

    The policy of each role allows less.
    """
    users = ["GetUser", "CreateUser", "UpdateUserAttributes", "LinkProviderForUser", "UserGlobalSignOut"]
    sign_in = ["InitiateAuth", "RespondToAuthChallenge", "ResetUserPassword"]
    logs = ["CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams"]
    log_lines = ["FilterLogEvents", "GetLogEvents", "PutLogEvents"]
    return document(
        allow(
            ["cognito-idp:DescribeUserPoolClient", *(f"cognito-idp:Admin{action}" for action in (*users, *sign_in))],
            stack.arns("cognito-idp", "userpool/*"),
            StringEquals=stack.tags("ResourceTag"),
        ),
        # API Gateway uses one role for the logs of all WebSocket APIs of an account, not of this stack alone.
        allow([f"logs:{action}" for action in (*logs, *log_lines)], ["*"]),
        allow(["execute-api:ManageConnections"], stack.arns("execute-api", "*")),
        *(
            allow([f"{service.name}:{action}" for action in service.use], _of_service(stack, service))
            for service in _services()
        ),
        *(
            allow([f"{service.name}:{action}" for action in service.use_on_all], ["*"])
            for service in _services()
            if service.use_on_all
        ),
        # The policy of AWS's own key lets the whole account decrypt through the service. A boundary may limit
        # what a key's policy grants to a role (IAM user guide, permissions boundaries).
        allow(
            ["kms:Decrypt"],
            stack.arns("kms", "key/*"),
            StringEquals={
                "kms:ViaService": [
                    f"{service.name}.{stack.region}.amazonaws.com" for service in _services() if service.keys
                ]
            },
        ),
    )


def preview(state: State) -> Document:
    """Read the stack's state and secrets. A preview needs no other permission."""
    return document(*state.read())


def deploy(state: State, hosted_zone_id: str, boundary_arn: str) -> Document:
    """Create, change and delete the login's resources, and write its state. Read or change no user of the pool."""
    stack = state.stack
    return document(
        *state.write(),
        *_named(stack),
        *_roles(stack, boundary_arn),
        *_firewalls(stack),
        *_tagged(stack),
        *_service(stack),
        *_without_name_or_tags(stack),
        *(_domain(stack, hosted_zone_id) if hosted_zone_id else []),
    )


def _named(stack: Stack) -> list[Statement]:
    named = f"{stack.name}-*"
    watched = [
        *stack.arns("cloudwatch", f"alarm:{named}"),
        *stack.arns("cloudwatch", f"alarm:{named}", region=contract.CLOUDFRONT_REGION),
        *stack.global_arns("cloudwatch", f"dashboard/{stack.name}", f"dashboard/{named}"),
    ]
    return [
        allow(["lambda:*"], stack.arns("lambda", f"function:{named}", f"layer:{named}")),
        allow(["logs:*"], stack.arns("logs", f"log-group:{named}")),
        allow(["s3:*"], [f"arn:aws:s3:::{named}"]),
        allow(["cloudfront:*"], stack.global_arns("cloudfront", f"function/{named}")),
        allow(["cloudwatch:*"], watched),
        allow(["sns:*"], [*stack.arns("sns", named), *stack.arns("sns", named, region=contract.CLOUDFRONT_REGION)]),
    ]


def _roles(stack: Stack, boundary_arn: str) -> list[Statement]:
    """CreateRole, PutRolePolicy and AttachRolePolicy work only on a role that has the boundary."""
    roles = stack.global_arns("iam", f"role/{stack.name}-*")
    services = ["lambda.amazonaws.com", "apigateway.amazonaws.com"]
    bounded = ["CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"]
    # AWS has no boundary condition for these actions.
    rest = ["UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription", "TagRole", "UntagRole"]
    rest += ["DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "GetRole*", "List*Role*"]
    # Service-linked roles, for the logs of an API and for the mails of a user pool.
    linked = [f"role/aws-service-role/{service}.amazonaws.com/*" for service in ("ops.apigateway", "email.cognito-idp")]
    return [
        allow(
            [f"iam:{action}" for action in bounded],
            roles,
            StringEquals={"iam:PermissionsBoundary": boundary_arn},
        ),
        allow([f"iam:{action}" for action in rest], roles),
        allow(["iam:PassRole"], roles, StringEquals={"iam:PassedToService": services}),
        allow(["iam:CreateServiceLinkedRole"], stack.global_arns("iam", *linked)),
    ]


def _firewalls(stack: Stack) -> list[Statement]:
    """CreateWebACL also needs permission for AWS's managed rules, and AssociateWebACL for the protected resource."""

    def both_scopes(kind: str) -> list[str]:
        return [
            *stack.arns("wafv2", f"regional/{kind}"),
            *stack.arns("wafv2", f"global/{kind}", region=contract.CLOUDFRONT_REGION),
        ]

    return [
        allow(["wafv2:*", "cognito-idp:AssociateWebACL"], both_scopes(f"webacl/{stack.name}-*/*")),
        allow(["wafv2:CreateWebACL", "wafv2:UpdateWebACL"], both_scopes("managedruleset/*")),
        # WAF has no tag condition for a user pool. Cognito also checks cognito-idp:AssociateWebACL, by tags.
        allow(
            ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "wafv2:GetWebACLForResource"],
            stack.arns("cognito-idp", "userpool/*"),
        ),
    ]


def _tagged(stack: Stack) -> list[Statement]:
    return [
        _create(stack, "cloudfront:CreateDistribution", "cloudfront:TagResource"),
        _create(stack, "cognito-idp:CreateUserPool", "cognito-idp:TagResource"),
        allow(
            [
                "cloudfront:*Distribution*",
                "cloudfront:*Resource",
                *(f"cognito-idp:{verb}Group" for verb in ("Create", "Delete", "Get", "Update")),
                "cognito-idp:*IdentityProvider*",
                "cognito-idp:*Resource",
                "cognito-idp:*UserPool*",
                "cognito-idp:*WebACL",
            ],
            [*stack.global_arns("cloudfront", "distribution/*"), *stack.arns("cognito-idp", "userpool/*")],
            StringEquals=stack.tags("ResourceTag"),
        ),
    ]


def _services() -> list[Service]:
    """Return the services of the team's types that have resources of their own."""
    return [service for service in dict.fromkeys(TYPES.values()) if service.resources]


def _of_service(stack: Stack, service: Service) -> list[str]:
    named = [resource.format(name=f"{stack.name}-*") for resource in service.resources]
    return [resource if resource.startswith("arn:") else stack.arns(service.name, resource)[0] for resource in named]


def _service(stack: Stack) -> list[Statement]:
    """Return what the types of the team's service need (deployment/service_types.py)."""
    functions, mappings = (
        stack.arns("lambda", name) for name in (f"function:{stack.name}-*", "event-source-mapping:*")
    )
    return [
        *(
            allow([f"{service.name}:{action}" for action in service.deploy], _of_service(stack, service))
            for service in _services()
            if service.deploy and service is not SNS  # the alarms' statement has it
        ),
        # AWS knows an event source mapping by a random id. These actions take the function as a condition.
        allow(["lambda:*EventSourceMapping"], ["*"], ArnLike={"lambda:FunctionArn": functions}),
        allow([f"lambda:{action}" for action in ("ListTags", "TagResource", "UntagResource")], mappings),
    ]


def _create(stack: Stack, *actions: str) -> Statement:
    """Create a resource only with the stack's tags, and tag no resource that has another stack's tags."""
    return allow(
        [*actions], ["*"], StringEquals=stack.tags("RequestTag"), StringEqualsIfExists=stack.tags("ResourceTag")
    )


def _without_name_or_tags(stack: Stack) -> list[Statement]:
    """Actions that AWS limits neither by name nor by tags: only an account of its own separates a stack from others."""
    apis = [f"arn:aws:apigateway:{stack.region}::/{path}" for path in ("account", "apis*", "tags/*")]
    actions = [
        "cloudfront:CreateFunction",
        "cloudfront:*OriginAccessControl*",
        "cloudfront:*ResponseHeadersPolic*",
        "cloudwatch:DescribeAlarms",
        "cognito-idp:DescribeUserPoolDomain",
        "logs:*LogDeliver*",
        "logs:*ResourcePolic*",
        "logs:DescribeLogGroups",
        "sns:*SubscriptionAttributes",
        "sns:Unsubscribe",
        "ssm:DescribeParameters",
    ]
    return [allow(["apigateway:*"], apis), allow(actions, ["*"])]


def _domain(stack: Stack, hosted_zone_id: str) -> list[Statement]:
    """ChangeResourceRecordSets in this zone, certificates for CloudFront, and the distribution of Cognito's domain."""
    records = ["route53:ChangeResourceRecordSets", "route53:GetHostedZone", "route53:ListResourceRecordSets"]
    certificates = ["AddTagsTo", "Delete", "Describe", "ListTagsFor", "RemoveTagsFrom"]
    return [
        allow(records, [f"arn:aws:route53:::hostedzone/{hosted_zone_id}"]),
        allow(["route53:GetChange"], ["arn:aws:route53:::change/*"]),
        _create(stack, "acm:RequestCertificate", "acm:AddTagsToCertificate"),
        allow(
            [f"acm:{action}Certificate" for action in certificates],
            stack.arns("acm", "certificate/*", region=contract.CLOUDFRONT_REGION),
            StringEquals=stack.tags("ResourceTag"),
        ),
        # With the caller's permissions Cognito updates a distribution of its own, which has none of the stack's tags
        # (Cognito's guide to custom domains asks for `*`).
        allow(["cloudfront:UpdateDistribution"], ["*"], StringEqualsIfExists=stack.tags("ResourceTag")),
    ]
