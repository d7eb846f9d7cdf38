"""The WebSocket API of the site's /ws (API Gateway), and a service that uses it."""

import json

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra import policies
from infra.alarms import Alarms, Metric
from infra.component import Component
from infra.function import Function

STAGE = contract.WEBSOCKET_PATH.removeprefix("/")
MESSAGES_PER_SECOND = 50
BURST = 100
# No IP address, user or browser: the log holds no personal data.
ACCESS_LOG = {
    name: f"$context.{name}"
    for name in ("requestId", "requestTime", "connectionId", "eventType", "routeKey", "status", "integrationLatency")
}
PUSH_TO_LOGS = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class WebSocketApi(Component):
    """Only signed-in users open connections.

    `management_url` is the address at which functions post to connections, with {apiId} for the API's id. Empty means
    the API's own address. `permissions_boundary` is the ARN of a policy for the role of the access log, or empty.
    """

    def __init__(
        self,
        name: str,
        *,
        management_url: str,
        log_days: int,
        permissions_boundary: str,
        alarms: Alarms,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the API, and one stage that deploys every change at once."""
        super().__init__("WebSocketApi", name, opts)
        self.authorizer_id: pulumi.Output[str] | None = None
        self._service: str | None = None  # the name of the service that has the routes

        self._api = aws.apigatewayv2.Api(
            f"{name}-api",
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",  # AWS requires one; every message goes to $default
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
            # AWS refuses a stage with an access log until the account has a role for it. No value flows from the role.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._account_role(permissions_boundary)]),
        )
        for label, description in (
            ("execution", "WebSocket events do not reach their function. Look at the alarms of the functions."),
            ("integration", "The function behind the WebSocket fails. Read its log."),
        ):
            alarms.alarm(
                f"{name}-{label}-errors",
                Metric("AWS/ApiGateway", f"{label.capitalize()}Error", {"ApiId": self._api.id}),
                description,
                parent=self,
            )

        self.api_id = self._api.id
        self.stage_arn = pulumi.Output.concat(self._api.execution_arn, "/", STAGE)
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
                "stageArn": self.stage_arn,
                "accessLogs": self.access_logs,
                "host": self.host,
                "managementUrl": self.management_url,
            }
        )

    def authorize(self, function: Function) -> None:
        """Declare the Lambda authorizer of `$connect`."""
        authorizer = aws.apigatewayv2.Authorizer(
            f"{self._name}-authorizer",
            api_id=self._api.id,
            authorizer_type="REQUEST",
            authorizer_uri=function.invoke_arn,
            identity_sources=[],  # AWS requires each source: with header and cookie here, both would have to be sent
            opts=self._child,
        )
        source = pulumi.Output.concat(self._api.execution_arn, "/authorizers/", authorizer.id)
        function.let_invoke(f"{self._name}-authorizer-permission", "apigateway", source, opts=self._child)
        self.authorizer_id = authorizer.id

    def give_events_to(self, service: str) -> None:
        """Keep the name of the service that declares the routes. Raises ValueError for a second one.

        CreateRoute: "Route with key $connect already exists for this API" (serverless/serverless#7260).
        """
        if self._service is not None:
            raise ValueError(
                f"{service!r} gets no event: {self._service!r} receives them all. Let one function do the work of both"
            )
        self._service = service

    def post_to_connections(self) -> pulumi.Output[policies.Statement]:
        """Return the permission to post to connections and to close them."""
        return self.stage_arn.apply(policies.post_to_connections)

    def _account_role(self, permissions_boundary: str) -> aws.apigateway.Account:
        """Let API Gateway write logs in this account and region.

        All WebSocket and REST APIs of the account and region share this setting, so destroy keeps it.
        """
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        role = aws.iam.Role(
            self._name,
            assume_role_policy=pulumi.Output.json_dumps(policies.document(policies.assumed_by("apigateway"))),
            permissions_boundary=permissions_boundary or None,
            opts=kept,
        )
        policy = aws.iam.RolePolicyAttachment(
            f"{self._name}-logs-policy", role=role.name, policy_arn=PUSH_TO_LOGS, opts=kept
        )
        return aws.apigateway.Account(
            f"{self._name}-account",
            cloudwatch_role_arn=role.arn,
            # AWS refuses a role without the permission to write.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, depends_on=[policy]),
        )


class WebSocketService(Component):
    """One function receives all events of the connections: `$connect`, `$disconnect` and each message."""

    def __init__(
        self,
        name: str,
        *,
        socket: WebSocketApi,
        function: Function,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the routes with their permissions.

        Raises ValueError where the API has no authorizer yet, or has a service: it has one route for each event.
        """
        if socket.authorizer_id is None:
            raise ValueError(f"{name!r} would be open to everybody: call authorize() of the WebSocket API first")
        socket.give_events_to(name)
        super().__init__("WebSocketService", name, opts)
        integration = aws.apigatewayv2.Integration(
            f"{name}-integration",
            api_id=socket.api_id,
            integration_type="AWS_PROXY",
            integration_uri=function.invoke_arn,
            opts=self._child,
        )
        for event in ("connect", "disconnect", "default"):
            source = pulumi.Output.concat(socket.stage_arn, "/$", event)
            function.let_invoke(f"{name}-{event}-permission", "apigateway", source, opts=self._child)
            authorized = event == "connect"  # AWS authorizes this event only, and keeps the context for the connection
            aws.apigatewayv2.Route(
                f"{name}-{event}-route",
                api_id=socket.api_id,
                route_key=f"${event}",
                target=pulumi.Output.concat("integrations/", integration.id),
                authorization_type="CUSTOM" if authorized else "NONE",
                authorizer_id=socket.authorizer_id if authorized else None,
                opts=self._child,
            )
        self.register_outputs({})
