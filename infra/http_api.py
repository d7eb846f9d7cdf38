"""The HTTP API of the site's /api routes (API Gateway)."""

import json
import re
from collections.abc import Iterable

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra.alarms import Alarms, Metric
from infra.component import Component
from infra.function import Function

REQUESTS_PER_SECOND = 50
BURST = 100
ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/([\w.~-]+|\{\w+\+?\}))+")  # `GET` brings `HEAD`
VARIABLE = re.compile(r"\{\w+")
# Of a route that makes Cognito send a mail; the numbers hold for all its callers together.
MAILS_PER_SECOND = 2
MAILS_BURST = 10
# The route, and no user, path, query or header: the log holds no personal data.
ACCESS_LOG = {
    name: f"$context.{name}"
    for name in ("requestId", "requestTime", "routeKey", "status", "responseLatency", "integrationLatency")
}


class HttpApi(Component):
    """Each route invokes its function. A route with `signed_in=True` does so only with a valid token."""

    def __init__(self, name: str, *, log_days: int, alarms: Alarms, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the API and its access log; `deploy` makes it answer."""
        super().__init__("HttpApi", name, opts)
        self._authorizer: aws.apigatewayv2.Authorizer | None = None
        self._routes: dict[str, aws.apigatewayv2.Route] = {}
        self._throttled: list[str] = []

        self._api = aws.apigatewayv2.Api(f"{name}-api", protocol_type="HTTP", opts=self._child)
        self._logs = aws.cloudwatch.LogGroup(f"{name}-access-logs", retention_in_days=log_days, opts=self._child)
        alarms.alarm(
            f"{name}-5xx",
            Metric("AWS/ApiGateway", "5xx", {"ApiId": self._api.id}),
            "Requests to /api fail. The dashboard shows the log lines of the errors.",
            parent=self,
        )

        self.api_id = self._api.id
        self.access_logs = self._logs.name
        self.host = self._api.api_endpoint.apply(lambda url: url.removeprefix("https://"))
        self.register_outputs({"apiId": self.api_id, "accessLogs": self.access_logs, "host": self.host})

    def accept_tokens(self, *, issuer: pulumi.Input[str], client_ids: list[pulumi.Input[str]]) -> None:
        """Declare the JWT authorizer: routes can require a token of this issuer for one of these clients."""
        self._authorizer = aws.apigatewayv2.Authorizer(
            f"{self._name}-tokens",
            api_id=self._api.id,
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration={"issuer": issuer, "audiences": client_ids},
            opts=self._child,
        )

    def serve(
        self,
        name: str,
        function: Function,
        *routes: str,
        signed_in: bool = False,
        parent: Component | None = None,
    ) -> None:
        """Invoke `function` for `routes`, each such as `GET /api/path`; with `signed_in` only with a valid token.

        The function of a GET route also gets its HEAD requests, with the route key `HEAD /api/path`. `name`
        distinguishes this integration from the API's others. `parent` is the component that the routes belong to, if
        not this one. Raises ValueError for a route that cannot work, and before `accept_tokens`.
        """
        if signed_in and self._authorizer is None:
            raise ValueError(f"{routes[0]!r} requires a token: call accept_tokens() first")
        for route in routes:
            self._check(route, signed_in=signed_in)
            self._check_variables(route, [*self._routes, *routes])
        prefix = self._name if parent is None else name
        opts = self._child if parent is None else pulumi.ResourceOptions(parent=parent)
        integration = aws.apigatewayv2.Integration(
            f"{self._name}-{name}" if parent is None else f"{name}-integration",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.arn,
            payload_format_version="2.0",
            opts=opts,
        )
        heads = [route.replace("GET ", "HEAD ", 1) for route in routes if route.startswith("GET ")]
        for route in dict.fromkeys([*routes, *heads]):
            method, path = route.split(" ")
            path_label = re.sub("[^A-Za-z0-9]+", "-", path.removeprefix(contract.API_PATH)).rstrip("-")
            label = f"{prefix}-{method.lower()}{path_label}"
            source = pulumi.Output.concat(self._api.execution_arn, "/*/", method, path)
            function.let_invoke(f"{label}-permission", "apigateway", source, opts=opts)
            self._routes[route] = aws.apigatewayv2.Route(
                f"{label}-route",
                api_id=self._api.id,
                route_key=route,
                target=pulumi.Output.concat("integrations/", integration.id),
                authorization_type="JWT" if signed_in else "NONE",
                authorizer_id=self._authorizer.id if signed_in and self._authorizer else None,
                opts=opts,
            )

    def _check(self, route: str, *, signed_in: bool) -> None:
        if not ROUTE.fullmatch(route):
            raise ValueError(f"{route!r} is no route: write a method and a path, such as `GET /api/todos/{{id}}`")
        if not contract.path_of(route).startswith(f"{contract.API_PATH}/"):
            prefix = f"{contract.API_PATH}/"
            raise ValueError(
                f"{route!r} is unreachable: CloudFront forwards only {prefix}*; begin the path with {prefix}"
            )
        for login_path in contract.AUTH_PATH, contract.KAKAO_PATH:  # edge/jwt.js
            if signed_in and f"{contract.path_of(route)}/".startswith(f"{login_path}/"):
                raise ValueError(
                    f"{route!r} would answer 401 to every browser: {login_path} belongs to the login, and "
                    "CloudFront passes no session's token on there; choose another path"
                )
        if "+}/" in route:
            raise ValueError(f"{route!r} is no route: a variable with a plus stands at the end of a path only")
        if route in self._routes:
            raise ValueError(f"{route!r} is served already")

    def _check_variables(self, route: str, others: Iterable[str]) -> None:
        """Refuse a route that differs from another one in the names of its variables alone, as API Gateway does.

        CreateRoute: "has a conflicting variable on the same hierarchical level" (plutomi/plutomi#271).
        """
        for other in others:
            if other != route and VARIABLE.sub("{", other) == VARIABLE.sub("{", route):
                raise ValueError(
                    f"{route!r} and {other!r} differ in the name of a variable alone: use one name in both"
                )

    def throttle(self, *routes: str) -> None:
        """Let these routes, which `serve` has declared, take far fewer requests than the others."""
        self._throttled += routes

    def deploy(self) -> None:
        """Declare one stage that deploys every change at once, also routes that are declared later.

        The stage takes the throttled routes' keys from the routes: AWS refuses a key of a route that does not exist
        (NotFoundException, "Unable to find Route by key").
        """
        aws.apigatewayv2.Stage(
            f"{self._name}-stage",
            api_id=self._api.id,
            name="$default",
            auto_deploy=True,
            # Without both limits AWS sets them to 0 and refuses every request (pulumi-aws#2363).
            default_route_settings={
                "throttling_burst_limit": BURST,
                "throttling_rate_limit": REQUESTS_PER_SECOND,
            },
            route_settings=[
                {
                    "route_key": self._routes[route].route_key,
                    "throttling_burst_limit": MAILS_BURST,
                    "throttling_rate_limit": MAILS_PER_SECOND,
                }
                for route in self._throttled
            ]
            or None,
            access_log_settings={"destination_arn": self._logs.arn, "format": json.dumps(ACCESS_LOG)},
            opts=self._child,
        )
