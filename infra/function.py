"""A Lambda function with its role, log group and alarm."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra import function_inputs, keys, names, packaging, policies
from infra.alarms import Alarms, Metric
from infra.commands import set_value
from infra.component import Component
from infra.keys import SettingError

MEMORY_MB = 512
TIMEOUT_SECONDS = 15
GROUP_CHECK = packaging.HANDLERS / "group_check.py"


class Platform(NamedTuple):
    """The settings that all functions and tables of a stack share.

    `permissions_boundary` is the ARN of a policy, or empty. `protect` keeps tables from being deleted. `groups` are all
    groups of the user pool.
    """

    runtime: str
    architecture: str
    log_days: int
    permissions_boundary: str
    protect: bool
    alarms: Alarms
    groups: tuple[str, ...] = ()


class Function(Component):
    """A handler runs with exactly the permissions given here, and its failures raise an alarm.

    `source` is a file such as `service/todos.py`, whose `handler(event, context)` Lambda calls. `permissions` are
    statements such as `table.read_write()`. With `groups` only users in one of them reach the function, by whatever
    route. An alarm follows `error_threshold` failures within five minutes.
    """

    def __init__(
        self,
        name: str,
        *,
        source: str | Path,
        platform: Platform,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        permissions: Sequence[pulumi.Input[policies.Statement]] = (),
        layers: Sequence[pulumi.Input[str]] = (),
        groups: Sequence[str] = (),
        error_threshold: int = 1,
        timeout_seconds: int = TIMEOUT_SECONDS,
        memory_mb: int = MEMORY_MB,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the log, the role, the function and its alarm.

        Raises ValueError for a wrong input, SettingError for an unknown group, InvalidNameError for a name,
        SyntaxError for a source, and OSError.
        """
        names.check(name)
        _check_groups(name, groups, platform.groups)
        function_inputs.check_source(name, source)
        entries = [GROUP_CHECK.stem] if groups else []
        if not layers:
            function_inputs.check_packages(name, source, *entries)
        function_inputs.check_permissions(name, permissions)
        function_inputs.check_limits(name, timeout_seconds, memory_mb)
        told = _told_of_groups(source, groups, platform.groups)
        function_inputs.check_environment(name, environment or {}, told)
        variables = {**(environment or {}), **told}
        super().__init__("Function", name, opts)

        log_group = aws.cloudwatch.LogGroup(f"{name}-logs", retention_in_days=platform.log_days, opts=self._child)
        self._role = aws.iam.Role(
            name,
            assume_role_policy=pulumi.Output.json_dumps(policies.document(policies.assumed_by("lambda"))),
            permissions_boundary=platform.permissions_boundary or None,
            opts=self._child,
        )
        policy = self._grant("policy", log_group.arn.apply(policies.write_logs), *permissions)
        function = aws.lambda_.Function(
            name,
            runtime=platform.runtime,
            architectures=[platform.architecture],
            handler=packaging.handler_name(GROUP_CHECK if groups else source),
            code=pulumi.FileArchive(str(packaging.function_zip(source, *entries))),
            layers=list(layers) or None,
            role=self._role.arn,
            memory_size=memory_mb,
            timeout=timeout_seconds,
            environment={"variables": variables} if variables else None,  # AWS drops an empty one
            logging_config={
                "log_format": "JSON",
                "log_group": log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "WARN",
            },
            # No value flows from the policy, but the function fails until its role has the policy.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        platform.alarms.alarm(
            f"{name}-errors",
            Metric("AWS/Lambda", "Errors", {"FunctionName": function.name}),
            f"The function {name} crashed or ran out of time. Read its log.",
            threshold=error_threshold,
            parent=self,
        )

        self.arn = function.arn
        self.function_name = function.name
        self.invoke_arn = function.invoke_arn
        self.log_group = log_group.name
        self.register_outputs(
            {
                "arn": self.arn,
                "functionName": self.function_name,
                "invokeArn": self.invoke_arn,
                "logGroup": self.log_group,
            }
        )

    def allow(self, *statements: pulumi.Input[policies.Statement]) -> None:
        """Grant permissions on a resource that depends on this function, such as the pool that has it as a trigger."""
        self._grant("more-policy", *statements)

    def let_invoke(
        self,
        name: str,
        service: str,
        source_arn: pulumi.Input[str],
        *,
        source_account: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """AddPermission: a resource of an AWS service, such as `apigateway`, may invoke this function."""
        aws.lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=self.arn,
            principal=f"{service}.amazonaws.com",
            source_arn=source_arn,
            source_account=source_account,
            opts=opts,
        )

    def _grant(self, label: str, *statements: pulumi.Input[policies.Statement]) -> aws.iam.RolePolicy:
        document = pulumi.Output.all(*statements).apply(
            lambda known: policies.document(*(function_inputs.statement(self._name, one) for one in known))
        )
        return aws.iam.RolePolicy(
            f"{self._name}-{label}", role=self._role.name, policy=pulumi.Output.json_dumps(document), opts=self._child
        )


def _check_groups(name: str, groups: Sequence[str], known: Sequence[str]) -> None:
    if isinstance(groups, str):
        raise ValueError(f"{name!r} has groups={groups!r}: write a list, [{groups!r}]")
    for group in groups:
        if group not in known:
            near = keys.nearest(group, known)
            hint = f"; the nearest is {near!r}" if near else ""
            problem = f"does not name {group!r}, which the function {name!r} is for{hint}"
            raise SettingError("groups", problem, set_value("groups", group, item=len(known)))


def _told_of_groups(source: str | Path, groups: Sequence[str], known: Sequence[str]) -> Mapping[str, str]:
    """Return the function's variables for groups: none where the setting names no group."""
    told = {contract.ENV_GROUPS: json.dumps(known)} if known else {}
    if groups:
        told[contract.ENV_ALLOWED_GROUPS] = json.dumps([*groups])
        told[contract.ENV_CHECKED_HANDLER] = packaging.handler_name(source)
    return told
