"""Lets GitHub preview and deploy the login without a key of AWS's, and keeps Pulumi's state and secrets."""

import json
import re
import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

sys.path.append(str(Path(__file__).resolve().parent.parent))  # Pulumi itself adds this folder alone
from deployment import policies
from deployment.policies import AWS_AUDIENCE, GITHUB, LOGIN, Stack, State


class Environment(pulumi.ComponentResource):
    """One GitHub environment deploys the stack of its name, and its state and secrets are nobody else's."""

    def __init__(self, name: str, *, provider_arn: pulumi.Input[str], repository: str, hosted_zone_id: str) -> None:
        """Declare the key and the bucket, what functions may do at most, and who deploys."""
        super().__init__("kakao-login-deployment:index:Environment", name)
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, protect=True)
        self._trusted = (provider_arn, repository)
        self._stack = stack = Stack(name, account=aws.get_caller_identity().account_id, region=aws.get_region().region)

        self._key = aws.kms.Key(
            f"{name}-key",
            description=f"Secrets and state of {stack.name}",
            enable_key_rotation=True,
            opts=self._kept,
        )
        alias = aws.kms.Alias(f"{name}-alias", name=f"alias/{stack.name}", target_key_id=self._key.id, opts=self._child)
        self._bucket = self._declare_bucket(name, stack.account)
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            name=f"{stack.name}-boundary",
            policy=json.dumps(policies.boundary(stack)),
            # The role for API Gateway's logs outlives its stack (infra/websocket_api.py). IAM deletes no policy that is
            # the boundary of a role (DeleteConflict).
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self._state = pulumi.Output.all(self._bucket.arn, self._key.arn).apply(lambda arns: State(stack, *arns))
        self._role(
            f"deploy-{stack.name}",
            subject=f"environment:{name}",
            policy=pulumi.Output.all(self._state, boundary.arn).apply(
                lambda known: policies.deploy(known[0], hosted_zone_id, known[1])
            ),
            hours=3,  # a domain's first deployment takes more than one
        )
        self.outputs = {
            "backend": pulumi.Output.concat("s3://", self._bucket.bucket, f"?region={stack.region}&awssdk=v2"),
            "secretsProvider": pulumi.Output.concat("awskms://", alias.name, f"?region={stack.region}"),
            "permissionsBoundary": boundary.arn,
        }
        self.register_outputs(self.outputs)

    def preview(self) -> None:
        """Let pull requests from this repository, but not from its forks, see what the stack would become."""
        policy = self._state.apply(policies.preview)
        self._role(f"preview-{self._stack.name}", subject="pull_request", policy=policy)

    def _declare_bucket(self, name: str, account: str) -> aws.s3.Bucket:
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
                        "kms_master_key_id": self._key.arn,
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
            policy=pulumi.Output.json_dumps(bucket.arn.apply(policies.tls_only)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),  # S3 refuses to change both at once
        )
        return bucket

    def _role(self, name: str, *, subject: str, policy: pulumi.Output[policies.Statement], hours: int = 1) -> None:
        provider_arn, repository = self._trusted
        role = aws.iam.Role(
            name,
            name=name,
            assume_role_policy=pulumi.Output.json_dumps(
                pulumi.Output.from_input(provider_arn).apply(
                    lambda arn: policies.trust(arn, f"repo:{repository}:{subject}")
                )
            ),
            max_session_duration=hours * 3600,
            opts=self._child,
        )
        aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=pulumi.Output.json_dumps(policy), opts=self._child)


config = pulumi.Config()
repository = config.require("repository")
if not re.fullmatch(r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?", repository):
    raise pulumi.RunError(
        f"repository is {repository!r}; it should be one repository, as owner@1234/name@5678 or owner/name"
    )
if not re.fullmatch(r"[a-z0-9-]+", LOGIN):
    raise pulumi.RunError(
        f"Pulumi.yaml names the project {LOGIN!r}; it should be lower-case letters, digits and hyphens: buckets bear it"
    )
names: list[str] = config.require_object("environments")
for name in names:
    others = [other for other in names if other != name] + [f"state-{other}" for other in names]
    if reached := [other for other in others if f"{other}-".startswith(f"{name}-")]:
        raise pulumi.RunError(
            f"environments names {name}, whose role would reach {LOGIN}-{reached[0]} too, which begins alike; rename it"
        )
if config.get_bool("existingProvider"):
    provider_arn: pulumi.Input[str] = policies.provider_arn(aws.get_caller_identity().account_id)
else:
    github = aws.iam.OpenIdConnectProvider("github", url=f"https://{GITHUB}", client_id_lists=[AWS_AUDIENCE])
    provider_arn = github.arn
zones: dict[str, str] = config.get_object("hostedZoneIds") or {}
if strangers := set(zones) - set(names):
    raise pulumi.RunError(f"hostedZoneIds names {', '.join(sorted(strangers))}, which is none of environments")
environments = {
    name: Environment(name, provider_arn=provider_arn, repository=repository, hosted_zone_id=zones.get(name, ""))
    for name in names
}
if previewed := environments.get(config.require("previews")):
    previewed.preview()
for name, environment in environments.items():
    pulumi.export(name, environment.outputs)
