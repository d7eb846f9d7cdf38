"""GitHub Actions previews and deploys the login without an AWS key. Pulumi keeps its state in a bucket."""

import json
import re
import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

sys.path.append(str(Path(__file__).resolve().parent.parent))  # Pulumi itself adds this folder alone
from deployment import policies
from deployment.policies import AWS_AUDIENCE, GITHUB, LOGIN, Stack, State
from infra import keys, names


class Environment(pulumi.ComponentResource):
    """A GitHub environment deploys the stack of its name; no other environment reads the stack's state and secrets."""

    def __init__(self, name: str, *, provider_arn: pulumi.Input[str], repository: str, hosted_zone_id: str) -> None:
        """Declare the key, the state bucket, the permissions boundary of the login's roles, and the deploy role."""
        super().__init__("kakao-login-deployment:index:Environment", name)
        self._child = pulumi.ResourceOptions(parent=self)
        self._protected = pulumi.ResourceOptions(parent=self, protect=True)
        self._provider_arn = provider_arn
        self._repository = repository
        self._stack = stack = Stack(name, account=aws.get_caller_identity().account_id, region=aws.get_region().region)

        self._key = aws.kms.Key(
            f"{name}-key",
            description=f"Secrets and state of {stack.name}",
            enable_key_rotation=True,
            opts=self._protected,
        )
        alias = aws.kms.Alias(f"{name}-alias", name=f"alias/{stack.name}", target_key_id=self._key.id, opts=self._child)
        self._bucket = self._declare_bucket(name, stack.account)
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            name=f"{stack.name}-boundary",
            policy=json.dumps(policies.boundary(stack)),
            # The role for API Gateway's logs stays when its stack is destroyed (infra/websocket_api.py). IAM refuses to
            # delete a policy that is the boundary of a role (DeleteConflict).
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self._state = pulumi.Output.all(self._bucket.arn, self._key.arn).apply(lambda arns: State(stack, *arns))
        self._role(
            f"deploy-{stack.name}",
            subject=f"environment:{name}",
            policy=pulumi.Output.all(self._state, boundary.arn).apply(
                lambda values: policies.deploy(values[0], hosted_zone_id, values[1])
            ),
            max_hours=3,  # the first deployment of a domain takes more than one
        )
        self.outputs = {
            "backend": pulumi.Output.concat("s3://", self._bucket.bucket, f"?region={stack.region}&awssdk=v2"),
            "secretsProvider": pulumi.Output.concat("awskms://", alias.name, f"?region={stack.region}"),
            "permissionsBoundary": boundary.arn,
        }
        self.register_outputs(self.outputs)

    def preview(self) -> None:
        """Declare the role of pull requests: they preview the stack. GitHub gives forks no token for it."""
        policy = self._state.apply(policies.preview)
        self._role(f"preview-{self._stack.name}", subject="pull_request", policy=policy)

    def _declare_bucket(self, name: str, account: str) -> aws.s3.Bucket:
        bucket = aws.s3.Bucket(f"{name}-state", bucket=f"{LOGIN}-state-{name}-{account}", opts=self._protected)
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
        access_block = aws.s3.BucketPublicAccessBlock(
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
            opts=pulumi.ResourceOptions(parent=self, depends_on=[access_block]),  # S3 refuses both at once
        )
        return bucket

    def _role(self, name: str, *, subject: str, policy: pulumi.Output[policies.Statement], max_hours: int = 1) -> None:
        role = aws.iam.Role(
            name,
            name=name,
            assume_role_policy=pulumi.Output.json_dumps(
                pulumi.Output.from_input(self._provider_arn).apply(
                    lambda arn: policies.trust(arn, f"repo:{self._repository}:{subject}")
                )
            ),
            max_session_duration=max_hours * 3600,
            opts=self._child,
        )
        aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=pulumi.Output.json_dumps(policy), opts=self._child)


def read_repository(config: pulumi.Config) -> str:
    """Return the repository as GitHub's OIDC subjects name it. Raises RunError for a pattern."""
    repository = config.require("repository")
    if not re.fullmatch(r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?", repository):
        raise pulumi.RunError(
            f"repository is {repository!r}; it should be one repository, as owner@1234/name@5678 or owner/name"
        )
    return repository


def read_environments(config: pulumi.Config) -> list[str]:
    """Return the names of the environments. Raises RunError for one that AWS or the policies cannot take.

    The policies allow what begins with `project-stack-`, so no stack's name may begin with another stack's.
    """
    environments: list[str] = config.require_object("environments")
    for name in environments:
        try:
            names.check_stack(LOGIN, name)
        except names.InvalidNameError as error:
            raise pulumi.RunError(
                f"environments has {name!r}. {error} Rename the environment, or the project."
            ) from None
        others = [other for other in environments if other != name] + [f"state-{other}" for other in environments]
        if reached := [other for other in others if f"{other}-".startswith(f"{name}-")]:
            raise pulumi.RunError(
                f"environments has {name!r}, whose role would also reach {LOGIN}-{reached[0]}, which begins alike. "
                "Rename one of them."
            )
    return environments


def read_zones(config: pulumi.Config, environments: list[str]) -> dict[str, str]:
    """Return the Route 53 zones by environment. Raises RunError for a zone of an unknown environment."""
    zones: dict[str, str] = config.get_object("hostedZoneIds") or {}
    for name in zones:
        if name not in environments:
            near = keys.nearest(name, environments)
            hint = f"; the nearest is {near}" if near else ""
            raise pulumi.RunError(f"hostedZoneIds names {name}, which is not in environments{hint}")
    return zones


def declare_provider(config: pulumi.Config) -> pulumi.Input[str]:
    """Return the ARN of GitHub's OIDC provider: AWS takes one for each account, so it may exist."""
    if config.get_bool("existingProvider"):
        return policies.provider_arn(aws.get_caller_identity().account_id)
    github = aws.iam.OpenIdConnectProvider("github", url=f"https://{GITHUB}", client_id_lists=[AWS_AUDIENCE])
    return github.arn


def main() -> None:
    """Declare each environment, and the previews of one."""
    keys.refuse_unknown(keys.known_keys(Path(__file__).parent / "Pulumi.yaml"))
    config = pulumi.Config()
    repository = read_repository(config)
    environments = read_environments(config)
    zones = read_zones(config, environments)
    previewed = config.require("previews")
    provider_arn = declare_provider(config)
    for name in environments:
        environment = Environment(
            name, provider_arn=provider_arn, repository=repository, hosted_zone_id=zones.get(name, "")
        )
        if name == previewed:
            environment.preview()
        pulumi.export(name, environment.outputs)


main()
