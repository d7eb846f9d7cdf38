"""Lets GitHub preview and deploy the login without a key of AWS's, and keeps Pulumi's state and secrets."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

LOGIN = "kakao-login"  # the project that is deployed; its resources' names begin with it and the stack
GITHUB = "token.actions.githubusercontent.com"
AWS_AUDIENCE = "sts.amazonaws.com"
# What the login's functions do, all of them together. A function's own policy grants less.
FUNCTIONS_MAY = [
    "cognito-idp:AdminCreateUser",
    "cognito-idp:AdminDeleteUser",
    "cognito-idp:AdminGetUser",
    "cognito-idp:AdminInitiateAuth",
    "cognito-idp:AdminLinkProviderForUser",
    "cognito-idp:AdminRespondToAuthChallenge",
    "execute-api:ManageConnections",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
]

Statement = dict[str, Any]


def document(*statements: Statement) -> Statement:
    """Return the policy document that says this and nothing else."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], resources: list[str], **condition: Mapping[str, str | list[str]]) -> Statement:
    """Allow these actions on these resources."""
    conditions = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **conditions}


def trust(provider_arn: str, subject: str) -> Statement:
    """GitHub's runs with exactly this subject, and a token that was made for AWS, may act in the role."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{GITHUB}:aud": AWS_AUDIENCE, f"{GITHUB}:sub": subject}},
        }
    )


def tls_only(bucket_arn: str) -> Statement:
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


def preview_policy(bucket_arn: str, key_arn: str) -> Statement:
    """Read a stack's state and its secrets: all that a preview asks AWS for, and it writes nothing."""
    return document(
        allow(["s3:ListBucket"], [bucket_arn]),
        allow(["s3:GetObject"], [f"{bucket_arn}/*"]),
        allow(["kms:Decrypt"], [key_arn]),
    )


def domain_statements(account: str, hosted_zone_id: str) -> list[Statement]:
    """Manage the records of this zone, and certificates for CloudFront."""
    return [
        allow(
            ["route53:ChangeResourceRecordSets", "route53:GetHostedZone", "route53:ListResourceRecordSets"],
            [f"arn:aws:route53:::hostedzone/{hosted_zone_id}"],
        ),
        allow(["route53:GetChange"], ["arn:aws:route53:::change/*"]),
        allow(
            [
                "acm:AddTagsToCertificate",
                "acm:DeleteCertificate",
                "acm:DescribeCertificate",
                "acm:ListTagsForCertificate",
                "acm:RemoveTagsFromCertificate",
                "acm:RequestCertificate",
            ],
            [f"arn:aws:acm:us-east-1:{account}:certificate/*"],
        ),
    ]


def deploy_policy(
    account: str, region: str, name: str, hosted_zone_id: str, bucket_arn: str, key_arn: str, boundary_arn: str
) -> Statement:
    """Manage what the login declares, whose names begin with `name`, and keep its state; touch no person's account."""

    def here(service: str, *resources: str) -> list[str]:
        return [f"arn:aws:{service}:{region}:{account}:{resource}" for resource in resources]

    def anywhere(service: str, *resources: str) -> list[str]:
        return [f"arn:aws:{service}::{account}:{resource}" for resource in resources]

    roles = anywhere("iam", f"role/{name}-*")
    cloudfront_wafv2 = f"arn:aws:wafv2:us-east-1:{account}"
    return document(
        allow(["s3:ListBucket"], [bucket_arn]),
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [f"{bucket_arn}/*"]),
        allow(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], [key_arn]),
        # Known by name.
        allow(["lambda:*"], here("lambda", f"function:{name}-*", f"layer:{name}-*")),
        allow(["logs:*"], here("logs", f"log-group:{name}-*")),
        allow(["s3:*"], [f"arn:aws:s3:::{name}-*"]),
        allow(["wafv2:*"], [*here("wafv2", f"regional/webacl/{name}-*"), f"{cloudfront_wafv2}:global/webacl/{name}-*"]),
        allow(["cloudfront:*"], anywhere("cloudfront", f"function/{name}-*")),
        allow(["cloudwatch:*"], [*here("cloudwatch", f"alarm:{name}-*"), *anywhere("cloudwatch", f"dashboard/{name}")]),
        allow(["sns:*"], here("sns", f"{name}-*")),
        # CloudFront is watched in its own region.
        allow(["cloudwatch:*"], [f"arn:aws:cloudwatch:us-east-1:{account}:alarm:{name}-*"]),
        allow(["sns:*"], [f"arn:aws:sns:us-east-1:{account}:{name}-*"]),
        # A role that is made or changed here can do no more than the boundary, whatever its policy says.
        allow(
            ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"],
            roles,
            StringEquals={"iam:PermissionsBoundary": boundary_arn},
        ),
        allow(
            [
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:GetRole*",
                "iam:List*Role*",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole*",
            ],
            roles,
        ),
        allow(
            ["iam:PassRole"],
            roles,
            StringEquals={"iam:PassedToService": ["lambda.amazonaws.com", "apigateway.amazonaws.com"]},
        ),
        # AWS makes them in the account's name, for logs of an API and for mails of a user pool.
        allow(
            ["iam:CreateServiceLinkedRole"],
            anywhere(
                "iam",
                "role/aws-service-role/ops.apigateway.amazonaws.com/*",
                "role/aws-service-role/email.cognito-idp.amazonaws.com/*",
            ),
        ),
        # A firewall also needs leave for the rules of AWS's that it takes over, and for what it is put before.
        allow(
            ["wafv2:CreateWebACL", "wafv2:UpdateWebACL"],
            [*here("wafv2", "regional/managedruleset/*"), f"{cloudfront_wafv2}:global/managedruleset/*"],
        ),
        allow(
            ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "wafv2:GetWebACLForResource"],
            here("cognito-idp", "userpool/*"),
        ),
        # Known by an id that AWS gives.
        allow(["apigateway:*"], [f"arn:aws:apigateway:{region}::/{path}" for path in ("account", "apis*", "tags/*")]),
        allow(
            [
                "cognito-idp:AssociateWebACL",
                "cognito-idp:CreateUserPool*",
                "cognito-idp:DeleteUserPool*",
                "cognito-idp:DescribeUserPool*",
                "cognito-idp:DisassociateWebACL",
                "cognito-idp:GetUserPoolMfaConfig",
                "cognito-idp:SetUserPoolMfaConfig",
                "cognito-idp:UpdateUserPool*",
                "cognito-idp:*IdentityProvider*",
                "cognito-idp:*Resource",
            ],
            here("cognito-idp", "userpool/*"),
        ),
        # AWS knows no narrower resource for these.
        allow(
            [
                "cloudfront:*Distribution*",
                "cloudfront:*OriginAccessControl*",
                "cloudfront:*ResponseHeadersPolic*",
                "cloudfront:*Resource",
                "cognito-idp:CreateUserPool",
                "cognito-idp:DescribeUserPoolDomain",
                "cloudwatch:DescribeAlarms",
                "logs:*LogDeliver*",
                "logs:*ResourcePolic*",
                "logs:DescribeLogGroups",
                "sns:*SubscriptionAttributes",
                "sns:Unsubscribe",
            ],
            ["*"],
        ),
        *(domain_statements(account, hosted_zone_id) if hosted_zone_id else []),
    )


class Environment(pulumi.ComponentResource):
    """One GitHub environment deploys the stack of its name, and its state and secrets are nobody else's."""

    def __init__(self, name: str, *, provider_arn: pulumi.Input[str], repository: str, hosted_zone_id: str) -> None:
        """Declare the key and the bucket, what functions may do at most, and who deploys."""
        super().__init__("kakao-login-deployment:index:Environment", name)
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, protect=True)
        self._trusted = (provider_arn, repository)
        self._stack = f"{LOGIN}-{name}"
        account, region = aws.get_caller_identity().account_id, aws.get_region().region

        self.key = aws.kms.Key(
            f"{name}-key",
            description=f"Secrets and state of {self._stack}",
            enable_key_rotation=True,
            opts=self._kept,
        )
        alias = aws.kms.Alias(f"{name}-alias", name=f"alias/{self._stack}", target_key_id=self.key.id, opts=self._child)
        self.bucket = self._state(name, account)
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            name=f"{self._stack}-boundary",
            policy=pulumi.Output.json_dumps(document(allow(FUNCTIONS_MAY, ["*"]))),
            opts=self._child,
        )
        self._role(
            f"deploy-{self._stack}",
            subject=f"environment:{name}",
            policy=pulumi.Output.all(self.bucket.arn, self.key.arn, boundary.arn).apply(
                lambda arns: deploy_policy(account, region, self._stack, hosted_zone_id, *arns)
            ),
        )
        self.outputs = {
            "backend": pulumi.Output.concat("s3://", self.bucket.bucket, f"?region={region}&awssdk=v2"),
            "secretsProvider": pulumi.Output.concat("awskms://", alias.name, f"?region={region}"),
            "permissionsBoundary": boundary.arn,
        }
        self.register_outputs(self.outputs)

    def preview(self) -> None:
        """Let pull requests from this repository, but not from its forks, see what the stack would become."""
        self._role(
            f"preview-{self._stack}",
            subject="pull_request",
            policy=pulumi.Output.all(self.bucket.arn, self.key.arn).apply(lambda arns: preview_policy(*arns)),
        )

    def _state(self, name: str, account: str) -> aws.s3.Bucket:
        bucket = aws.s3.Bucket(f"{name}-state", bucket=f"{LOGIN}-state-{name}-{account}", opts=self._kept)
        aws.s3.BucketVersioning(
            f"{name}-state-versions",
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
            opts=self._child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-state-encryption",
            bucket=bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": self.key.arn,
                    },
                    "bucket_key_enabled": True,
                }
            ],
            opts=self._child,
        )
        closed = aws.s3.BucketPublicAccessBlock(
            f"{name}-state-closed",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketPolicy(
            f"{name}-state-tls",
            bucket=bucket.id,
            policy=pulumi.Output.json_dumps(bucket.arn.apply(tls_only)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),  # S3 refuses to change both at once
        )
        return bucket

    def _role(self, name: str, *, subject: str, policy: pulumi.Output[Statement]) -> None:
        provider_arn, repository = self._trusted
        role = aws.iam.Role(
            name,
            name=name,
            assume_role_policy=pulumi.Output.json_dumps(
                pulumi.Output.from_input(provider_arn).apply(lambda arn: trust(arn, f"repo:{repository}:{subject}"))
            ),
            opts=self._child,
        )
        aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=pulumi.Output.json_dumps(policy), opts=self._child)


config = pulumi.Config()
repository = config.require("repository")
if not re.fullmatch(r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?", repository):
    raise pulumi.RunError(
        f"repository is {repository!r}; it should be one repository, as owner@1234/name@5678 or owner/name"
    )
names: list[str] = config.require_object("environments")
github = aws.iam.OpenIdConnectProvider("github", url=f"https://{GITHUB}", client_id_lists=[AWS_AUDIENCE])
zones: dict[str, str] = config.get_object("hostedZoneIds") or {}
if strangers := set(zones) - set(names):
    raise pulumi.RunError(f"hostedZoneIds names {', '.join(sorted(strangers))}, which is none of environments")
environments = {
    name: Environment(name, provider_arn=github.arn, repository=repository, hosted_zone_id=zones.get(name, ""))
    for name in names
}
if previews := config.get("previews"):
    environments[previews].preview()
for name, environment in environments.items():
    pulumi.export(name, environment.outputs)
