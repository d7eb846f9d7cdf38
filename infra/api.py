"""The HTTP API behind the site's /api."""

import json
import re

import pulumi
import pulumi_aws as aws

from infra.protocols import Served

REQUESTS_PER_SECOND = 50
BURST = 100
# Neither who it was nor what was asked for in path, query or headers: the route says enough.
ACCESS_LOG = {
    name: f"$context.{name}"
    for name in ("requestId", "requestTime", "routeKey", "status", "responseLatency", "integrationLatency")
}


class HttpApi(pulumi.ComponentResource):
    """A request reaches the function of its route, and where the route asks for it, only with a valid token."""

    def __init__(self, name: str, *, log_days: int, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the API, its log, and its one stage, which deploys every change at once."""
        super().__init__("kakao-login:infra:HttpApi", name, opts=opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._authorizer: aws.apigatewayv2.Authorizer | None = None

        self._api = aws.apigatewayv2.Api(f"{name}-api", protocol_type="HTTP", opts=self._child)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-access-logs",
            retention_in_days=log_days,
            opts=self._child,
        )
        aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=self._api.id,
            name="$default",
            auto_deploy=True,
            # Without both limits AWS sets them to 0 and refuses every request (pulumi-aws#2363).
            default_route_settings={
                "throttling_burst_limit": BURST,
                "throttling_rate_limit": REQUESTS_PER_SECOND,
            },
            access_log_settings={"destination_arn": logs.arn, "format": json.dumps(ACCESS_LOG)},
            opts=self._child,
        )

        self.api_id = self._api.id
        self.access_logs = logs.name
        self.host = self._api.api_endpoint.apply(lambda url: url.removeprefix("https://"))
        self.register_outputs({"apiId": self.api_id, "accessLogs": self.access_logs, "host": self.host})

    def accept_tokens(self, *, issuer: pulumi.Input[str], client_id: pulumi.Input[str]) -> None:
        """Let routes ask for a token of this issuer that was made for this client."""
        self._authorizer = aws.apigatewayv2.Authorizer(
            f"{self._name}-tokens",
            api_id=self._api.id,
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration={"issuer": issuer, "audiences": [client_id]},
            opts=self._child,
        )

    def serve(self, function: Served, *routes: str, signed_in: bool = False) -> None:
        """Answer `routes`, each as `GET /api/path`, with this function; `signed_in` ones only for a valid token.

        The function of a GET route also gets its HEAD requests, under the route key `HEAD /api/path`.
        """
        if signed_in and self._authorizer is None:
            raise ValueError(f"{routes[0]!r} is for signed-in people: call accept_tokens() first")
        integration = aws.apigatewayv2.Integration(
            f"{self._name}-{function.name}",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.arn,
            payload_format_version="2.0",
            opts=self._child,
        )
        heads = [route.replace("GET ", "HEAD ", 1) for route in routes if route.startswith("GET ")]
        for route in [*routes, *heads]:
            method, path = route.split(" ")
            label = f"{self._name}-{method.lower()}{re.sub('[^a-z]+', '-', path.removeprefix('/api')).rstrip('-')}"
            aws.lambda_.Permission(
                f"{label}-permission",
                action="lambda:InvokeFunction",
                function=function.arn,
                principal="apigateway.amazonaws.com",
                source_arn=pulumi.Output.concat(self._api.execution_arn, "/*/", method, path),
                opts=self._child,
            )
            aws.apigatewayv2.Route(
                f"{label}-route",
                api_id=self._api.id,
                route_key=route,
                target=pulumi.Output.concat("integrations/", integration.id),
                authorization_type="JWT" if signed_in else "NONE",
                authorizer_id=self._authorizer.id if signed_in and self._authorizer else None,
                opts=self._child,
            )
