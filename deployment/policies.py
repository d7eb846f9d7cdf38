"""What AWS lets whom do, as policy documents in plain data.

Which action knows which resources and conditions is from AWS's service authorization reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LOGIN: str = yaml.safe_load((Path(__file__).parent.parent / "Pulumi.yaml").read_text())["name"]  # what is deployed
GITHUB = "token.actions.githubusercontent.com"
AWS_AUDIENCE = "sts.amazonaws.com"
CLOUDFRONT_REGION = "us-east-1"  # of its firewalls, its alarms and its certificates

Statement = dict[str, Any]
Document = dict[str, Any]
Condition = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Stack:
    """The stack of one environment: its resources' names begin with `name`, and what has only an id bears its tags."""

    environment: str
    account: str
    region: str

    @property
    def name(self) -> str:
        """What Pulumi's names of its resources begin with."""
        return f"{LOGIN}-{self.environment}"

    def here(self, service: str, *resources: str, region: str | None = None) -> list[str]:
        """Return the ARNs of resources in the stack's region, or in this one."""
        return [f"arn:aws:{service}:{region or self.region}:{self.account}:{resource}" for resource in resources]

    def anywhere(self, service: str, *resources: str) -> list[str]:
        """Return the ARNs of resources of a service that knows no regions."""
        return [f"arn:aws:{service}::{self.account}:{resource}" for resource in resources]

    def tags(self, of: str) -> Condition:
        """Return what is asked of tags: those of the resource (`ResourceTag`), or those to be given (`RequestTag`)."""
        return {f"aws:{of}/project": LOGIN, f"aws:{of}/stack": self.environment}


@dataclass(frozen=True)
class State:
    """Where Pulumi keeps the stack's state: in this bucket, under this key."""

    stack: Stack
    bucket_arn: str
    key_arn: str

    def read(self) -> list[Statement]:
        """Read the state and its secrets, and no other stack's or project's in the bucket."""
        return [
            allow(["s3:ListBucket"], [self.bucket_arn]),
            allow(["s3:GetObject"], [f"{self.bucket_arn}/.pulumi/meta.yaml", *self._objects()]),
            allow(["kms:Decrypt"], [self.key_arn]),
        ]

    def keep(self) -> list[Statement]:
        """Read and write it."""
        return [
            *self.read(),
            allow(["s3:PutObject", "s3:DeleteObject"], self._objects()),
            allow(["kms:Encrypt", "kms:GenerateDataKey"], [self.key_arn]),
        ]

    def _objects(self) -> list[str]:
        """The layout is that of github.com/pulumi/pulumi, pkg/backend/diy/store.go and lock.go."""
        own = f"{LOGIN}/{self.stack.environment}"
        folders = [f"{kind}/{own}/*" for kind in ("history", "backups", "journal", "locks/organization")]
        return [f"{self.bucket_arn}/.pulumi/{path}" for path in (f"stacks/{own}.*", *folders)]


def document(*statements: Statement) -> Document:
    """Return the policy document that says this and nothing else."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], resources: list[str], **condition: Condition) -> Statement:
    """Allow these actions on these resources."""
    conditions = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **conditions}


def provider_arn(account: str) -> str:
    """Return the ARN of GitHub's OIDC provider; an account has at most one."""
    return f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"


def trust(provider_arn: str, subject: str) -> Document:
    """GitHub's runs with exactly this subject, and a token that was made for AWS, may act in the role."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{GITHUB}:aud": AWS_AUDIENCE, f"{GITHUB}:sub": subject}},
        }
    )


def tls_only(bucket_arn: str) -> Document:
    """Nobody reaches the bucket without TLS."""
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
    """What the stack's functions and API Gateway do, all of them together; a role's own policy grants less."""
    people = ["GetUser", "CreateUser", "LinkProviderForUser", "UserGlobalSignOut"]
    signing_in = ["InitiateAuth", "RespondToAuthChallenge", "ResetUserPassword"]
    logs = ["CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams"]
    lines = ["FilterLogEvents", "GetLogEvents", "PutLogEvents"]
    return document(
        allow(
            [f"cognito-idp:Admin{action}" for action in (*people, *signing_in)],
            stack.here("cognito-idp", "userpool/*"),
            StringEquals=stack.tags("ResourceTag"),
        ),
        # API Gateway writes with one role for all WebSocket APIs of an account, so not only to the stack's own logs.
        allow([f"logs:{action}" for action in (*logs, *lines)], ["*"]),
        allow(["execute-api:ManageConnections"], stack.here("execute-api", "*")),
    )


def preview(state: State) -> Document:
    """Read a stack's state and its secrets: all that a preview asks AWS for, and it writes nothing."""
    return document(*state.read())


def deploy(state: State, hosted_zone_id: str, boundary_arn: str) -> Document:
    """Manage what the login declares, and keep its state; touch no person's account."""
    stack = state.stack
    return document(
        *state.keep(),
        *_named(stack),
        *_roles(stack, boundary_arn),
        *_firewalls(stack),
        *_tagged(stack),
        *_neither_named_nor_tagged(stack),
        *(_domain(stack, hosted_zone_id) if hosted_zone_id else []),
    )


def _named(stack: Stack) -> list[Statement]:
    named = f"{stack.name}-*"
    watched = [
        *stack.here("cloudwatch", f"alarm:{named}"),
        *stack.here("cloudwatch", f"alarm:{named}", region=CLOUDFRONT_REGION),
        *stack.anywhere("cloudwatch", f"dashboard/{stack.name}", f"dashboard/{named}"),
    ]
    return [
        allow(["lambda:*"], stack.here("lambda", f"function:{named}", f"layer:{named}")),
        allow(["logs:*"], stack.here("logs", f"log-group:{named}")),
        allow(["s3:*"], [f"arn:aws:s3:::{named}"]),
        allow(["cloudfront:*"], stack.anywhere("cloudfront", f"function/{named}")),
        allow(["cloudwatch:*"], watched),
        allow(["sns:*"], [*stack.here("sns", named), *stack.here("sns", named, region=CLOUDFRONT_REGION)]),
    ]


def _roles(stack: Stack, boundary_arn: str) -> list[Statement]:
    """A role that is made or given permissions can do no more than the boundary, whatever its policy says."""
    roles = stack.anywhere("iam", f"role/{stack.name}-*")
    services = ["lambda.amazonaws.com", "apigateway.amazonaws.com"]
    bounded = ["CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"]
    # AWS compares no boundary where a role's trust or description changes.
    rest = ["UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription", "TagRole", "UntagRole"]
    rest += ["DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "GetRole*", "List*Role*"]
    # AWS makes these in the account's name, for logs of an API and for mails of a user pool.
    linked = [f"role/aws-service-role/{service}.amazonaws.com/*" for service in ("ops.apigateway", "email.cognito-idp")]
    return [
        allow(
            [f"iam:{action}" for action in bounded],
            roles,
            StringEquals={"iam:PermissionsBoundary": boundary_arn},
        ),
        allow([f"iam:{action}" for action in rest], roles),
        allow(["iam:PassRole"], roles, StringEquals={"iam:PassedToService": services}),
        allow(["iam:CreateServiceLinkedRole"], stack.anywhere("iam", *linked)),
    ]


def _firewalls(stack: Stack) -> list[Statement]:
    """A firewall also needs leave for the rules of AWS's that it takes over, and for what it is put before."""

    def both(kind: str) -> list[str]:
        return [
            *stack.here("wafv2", f"regional/{kind}"),
            *stack.here("wafv2", f"global/{kind}", region=CLOUDFRONT_REGION),
        ]

    return [
        allow(["wafv2:*", "cognito-idp:AssociateWebACL"], both(f"webacl/{stack.name}-*/*")),
        allow(["wafv2:CreateWebACL", "wafv2:UpdateWebACL"], both("managedruleset/*")),
        # Of any user pool, as WAF sees it; Cognito asks for its own leave as well, which goes by tags.
        allow(
            ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "wafv2:GetWebACLForResource"],
            stack.here("cognito-idp", "userpool/*"),
        ),
    ]


def _tagged(stack: Stack) -> list[Statement]:
    return [
        _make(stack, "cloudfront:CreateDistribution", "cloudfront:TagResource"),
        _make(stack, "cognito-idp:CreateUserPool", "cognito-idp:TagResource"),
        allow(
            [
                "cloudfront:*Distribution*",
                "cloudfront:*Resource",
                "cognito-idp:*IdentityProvider*",
                "cognito-idp:*Resource",
                "cognito-idp:*UserPool*",
                "cognito-idp:*WebACL",
            ],
            [*stack.anywhere("cloudfront", "distribution/*"), *stack.here("cognito-idp", "userpool/*")],
            StringEquals=stack.tags("ResourceTag"),
        ),
    ]


def _make(stack: Stack, *actions: str) -> Statement:
    """What is made bears the stack's tags from the start; what bears another stack's is not tagged anew."""
    return allow(
        [*actions], ["*"], StringEquals=stack.tags("RequestTag"), StringEqualsIfExists=stack.tags("ResourceTag")
    )


def _neither_named_nor_tagged(stack: Stack) -> list[Statement]:
    """What AWS tells from another stack's neither by name nor by tags: one account for each stack keeps them apart."""
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
    ]
    return [allow(["apigateway:*"], apis), allow(actions, ["*"])]


def _domain(stack: Stack, hosted_zone_id: str) -> list[Statement]:
    """Manage the records of this zone, certificates for CloudFront, and Cognito's domain, which is a distribution."""
    records = ["route53:ChangeResourceRecordSets", "route53:GetHostedZone", "route53:ListResourceRecordSets"]
    certificates = ["AddTagsTo", "Delete", "Describe", "ListTagsFor", "RemoveTagsFrom"]
    return [
        allow(records, [f"arn:aws:route53:::hostedzone/{hosted_zone_id}"]),
        allow(["route53:GetChange"], ["arn:aws:route53:::change/*"]),
        _make(stack, "acm:RequestCertificate", "acm:AddTagsToCertificate"),
        allow(
            [f"acm:{action}Certificate" for action in certificates],
            stack.here("acm", "certificate/*", region=CLOUDFRONT_REGION),
            StringEquals=stack.tags("ResourceTag"),
        ),
        # Cognito updates a distribution of its own in the caller's name, which bears no tags of the stack's (Cognito's
        # guide to custom domains asks for `*`).
        allow(["cloudfront:UpdateDistribution"], ["*"], StringEqualsIfExists=stack.tags("ResourceTag")),
    ]
