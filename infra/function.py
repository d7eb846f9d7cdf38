"""A Lambda function with a role of its own."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from infra import packaging, policies


class Function(pulumi.ComponentResource):
    """A handler runs, may do what `permissions` say and nothing else, and its log lines are kept for `log_days`.

    `module` is the name of a file in handlers/; its `handler(event, context)` is called. `permissions_boundary` is the
    ARN of a policy that says what it may do at most, whatever its own says, or empty.
    """

    def __init__(
        self,
        name: str,
        *,
        module: str,
        runtime: str,
        architecture: str,
        log_days: int,
        permissions_boundary: str,
        environment: Mapping[str, pulumi.Input[str]],
        permissions: Sequence[pulumi.Input[policies.Statement]] = (),
        layers: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the role, its policy, the log group, and the function that waits for them."""
        super().__init__("kakao-login:infra:Function", name, opts=opts)
        self._child = child = pulumi.ResourceOptions(parent=self)

        log_group = aws.cloudwatch.LogGroup(f"{name}-logs", retention_in_days=log_days, opts=child)
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=pulumi.Output.json_dumps(policies.document(policies.assumed_by("lambda"))),
            permissions_boundary=permissions_boundary or None,
            opts=child,
        )
        self._role = role.name
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(log_group.arn.apply(policies.write_logs), *permissions).apply(
                    lambda statements: policies.document(*statements)
                )
            ),
            opts=child,
        )
        function = aws.lambda_.Function(
            f"{name}-function",
            runtime=runtime,
            architectures=[architecture],
            handler=f"handlers.{module}.handler",
            code=pulumi.FileArchive(str(packaging.function_zip(module))),
            layers=list(layers) or None,
            role=role.arn,
            memory_size=512,
            timeout=15,
            environment={"variables": environment} if environment else None,  # AWS keeps no empty one
            logging_config={
                "log_format": "JSON",
                "log_group": log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "WARN",
            },
            # No value flows from the policy, and a function without it fails until IAM has caught up.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

        self.name = name
        self.arn = function.arn
        self.function_name = function.name
        self.log_group = log_group.name
        self.invoke_arn = function.invoke_arn
        self.register_outputs(
            {
                "name": self.name,
                "arn": self.arn,
                "functionName": self.function_name,
                "logGroup": self.log_group,
                "invokeArn": self.invoke_arn,
            }
        )

    def allow(self, *statements: pulumi.Input[policies.Statement]) -> None:
        """Let it do this as well, on something that waits for the function itself."""
        aws.iam.RolePolicy(
            f"{self.name}-more-policy",
            role=self._role,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(*statements).apply(lambda granted: policies.document(*granted))
            ),
            opts=self._child,
        )
