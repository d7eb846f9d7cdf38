"""The WebSocket API behind the site's /ws."""

import json

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.protocols import Served

STAGE = "ws"  # the viewer's path /ws is the stage, so the distribution's origin needs no path
MESSAGES_PER_SECOND = 50
BURST = 100
# Who it was is not in it: no address, no user, no browser.
ACCESS_LOG = {
    name: f"$context.{name}"
    for name in ("requestId", "requestTime", "connectionId", "eventType", "routeKey", "status", "integrationLatency")
}
PUSH_TO_LOGS = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class Socket(pulumi.ComponentResource):
    """A signed-in person's browser keeps a connection to the service; nobody else gets one.

    `management_url` is where functions post to connections, with {apiId} for the API's id; the API's own where it is
    empty. `permissions_boundary` is the ARN of a policy that says what API Gateway may do at most, or empty.
    """

    def __init__(
        self,
        name: str,
        *,
        management_url: str,
        log_days: int,
        permissions_boundary: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the API, and its one stage, which deploys every change at once."""
        super().__init__("kakao-login:infra:Socket", name, opts=opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)

        self._api = aws.apigatewayv2.Api(
            f"{name}-api",
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",  # AWS wants one; every message goes to $default
            opts=self._child,
        )
        logs = aws.cloudwatch.LogGroup(f"{name}-access-logs", retention_in_days=log_days, opts=self._child)
        aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=self._api.id,
            name=STAGE,
            auto_deploy=True,
            # Without both limits AWS sets them to 0 and refuses every message (pulumi-aws#2363).
            default_route_settings={
                "throttling_burst_limit": BURST,
                "throttling_rate_limit": MESSAGES_PER_SECOND,
            },
            access_log_settings={"destination_arn": logs.arn, "format": json.dumps(ACCESS_LOG)},
            # No value flows from the account's role, without which AWS refuses a stage that logs.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._account(permissions_boundary)]),
        )

        self._stage_arn = pulumi.Output.concat(self._api.execution_arn, "/", STAGE)
        self.api_id = self._api.id
        self.access_logs = logs.name
        self.host = self._api.api_endpoint.apply(lambda url: url.removeprefix("wss://"))
        self.management_url = (
            self._api.id.apply(lambda api: management_url.replace("{apiId}", api))
            if management_url
            else pulumi.Output.concat("https://", self.host, "/", STAGE)
        )
        self.register_outputs(
            {
                "apiId": self.api_id,
                "accessLogs": self.access_logs,
                "host": self.host,
                "managementUrl": self.management_url,
            }
        )

    def answer_connections(self) -> pulumi.Output[policies.Statement]:
        """Return the statement that lets a role post to the connections, and end them."""
        return self._stage_arn.apply(policies.answer_connections)

    def serve(self, function: Served, *, authorizer: Served) -> None:
        """Answer every event of a connection with `function`, once `authorizer` has let the connection in."""
        admission = aws.apigatewayv2.Authorizer(
            f"{self._name}-authorizer",
            api_id=self._api.id,
            authorizer_type="REQUEST",
            authorizer_uri=authorizer.invoke_arn,
            identity_sources=[],  # every one named would have to be present: header and cookie both
            opts=self._child,
        )
        self._permit(
            f"{self._name}-{authorizer.name}", authorizer, self._api.execution_arn, "/authorizers/", admission.id
        )
        integration = aws.apigatewayv2.Integration(
            f"{self._name}-{function.name}",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.invoke_arn,
            opts=self._child,
        )
        for route in ("$connect", "$disconnect", "$default"):
            label = f"{self._name}-{route.removeprefix('$')}"
            self._permit(label, function, self._stage_arn, "/", route)
            asks = route == "$connect"  # AWS authorizes nowhere else; the connection then stays who it is
            aws.apigatewayv2.Route(
                f"{label}-route",
                api_id=self._api.id,
                route_key=route,
                target=pulumi.Output.concat("integrations/", integration.id),
                authorization_type="CUSTOM" if asks else "NONE",
                authorizer_id=admission.id if asks else None,
                opts=self._child,
            )

    def _permit(self, label: str, function: Served, *source: pulumi.Input[str]) -> None:
        aws.lambda_.Permission(
            f"{label}-permission",
            action="lambda:InvokeFunction",
            function=function.arn,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(*source),
            opts=self._child,
        )

    def _account(self, permissions_boundary: str) -> aws.apigateway.Account:
        """Let API Gateway write logs in this account and region.

        The setting is one for all WebSocket and REST APIs there, so it stays when this stack goes.
        """
        stays = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        role = aws.iam.Role(
            f"{self._name}-logs-role",
            assume_role_policy=pulumi.Output.json_dumps(policies.document(policies.assumed_by("apigateway"))),
            permissions_boundary=permissions_boundary or None,
            opts=stays,
        )
        policy = aws.iam.RolePolicyAttachment(
            f"{self._name}-logs-policy", role=role.name, policy_arn=PUSH_TO_LOGS, opts=stays
        )
        return aws.apigateway.Account(
            f"{self._name}-account",
            cloudwatch_role_arn=role.arn,
            # AWS refuses a role that may not write yet.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, depends_on=[policy]),
        )
