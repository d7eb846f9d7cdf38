"""The CloudWatch dashboard: sign-ins, refused requests, errors and latencies."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra import names
from infra.component import Component
from infra.function import Function
from infra.http_api import HttpApi
from infra.websocket_api import WebSocketApi

WIDTH, HEIGHT = 12, 6  # CloudWatch has 24 columns, so two widgets fit in a row
# CloudWatch Logs Insights queries over the log lines of the handlers. AWS bills a query by the data that it reads.
SIGN_INS = f'filter message = "{contract.LOG_SIGNED_IN}" | stats count(*) as signed_in by bin(1h)'
REFUSALS = (
    f'filter message in ["{contract.LOG_NOT_SIGNED_IN}", "{contract.LOG_NOT_REFRESHED}", "{contract.LOG_REFUSED}", '
    f'"{contract.LOG_KAKAO_MISCONFIGURED}"] '
    "| stats count(*) as times by message, coalesce(reason, code, outcome) as why | sort times desc"
)
ERRORS = 'filter level = "ERROR" | fields @timestamp, message, reason, at, requestId | sort @timestamp desc | limit 50'

Widget = dict[str, Any]


class Dashboard(Component):
    """The team sees sign-ins, errors and latencies of the login and its service on one page."""

    def __init__(
        self,
        name: str,
        *,
        functions: Sequence[Function],
        api: HttpApi,
        socket: WebSocketApi,
        user_pool_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the dashboard with two widgets in a row."""
        super().__init__("Dashboard", name, opts)
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        sources = pulumi.Output.all(*(function.log_group for function in functions)).apply(
            lambda groups: " | ".join(f"SOURCE '{group}'" for group in groups)
        )
        latency = ["AWS/ApiGateway", "Latency", "ApiId", api.api_id]
        federation = "{AWS/Cognito,UserPool,UserPoolClient,IdentityProvider}"
        search = pulumi.Output.concat(f"SEARCH('{federation} UserPool=\"", user_pool_id, "\"', 'Sum')")
        widgets = [
            _log("Sign-ins", sources, SIGN_INS, view="timeSeries"),
            _log("Refusals", sources, REFUSALS),
            _log("Errors", sources, ERRORS),
            _metric("Kakao at Cognito", [[{"expression": search}]]),
            _metric("API: latency, ms", [[*latency, {"stat": stat}] for stat in ("p50", "p95", "p99")]),
            _metric(
                "API: answers", [["AWS/ApiGateway", metric, "ApiId", api.api_id] for metric in ("Count", "4xx", "5xx")]
            ),
            _metric(
                "Functions: slowest 5 %, ms",
                [
                    ["AWS/Lambda", "Duration", "FunctionName", function.function_name, {"stat": "p95"}]
                    for function in functions
                ],
            ),
            _metric(
                "WebSocket",
                [
                    ["AWS/ApiGateway", metric, "ApiId", socket.api_id]
                    for metric in ("ConnectCount", "MessageCount", "ClientError", "ExecutionError", "IntegrationError")
                ],
            ),
        ]
        dashboard = aws.cloudwatch.Dashboard(
            name,
            dashboard_name=f"{names.stack()}-{name}",
            dashboard_body=pulumi.Output.json_dumps({"widgets": _placed(widgets, region)}),
            # DeleteDashboards takes the name, which the old and the new dashboard share: delete the old one first.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.name = dashboard.dashboard_name
        self.register_outputs({"name": self.name})


def _placed(widgets: Sequence[Widget], region: pulumi.Input[str]) -> list[Widget]:
    """Give each widget its place and its region: CloudWatch refuses a widget without a region."""
    return [
        {
            "width": WIDTH,
            "height": HEIGHT,
            "x": index % 2 * WIDTH,
            "y": index // 2 * HEIGHT,
            "type": widget["type"],
            "properties": {**widget["properties"], "region": region},
        }
        for index, widget in enumerate(widgets)
    ]


def _log(title: str, sources: pulumi.Output[str], query: str, *, view: str = "table") -> Widget:
    query_text = pulumi.Output.concat(sources, " | ", query)
    return {"type": "log", "properties": {"title": title, "query": query_text, "view": view}}


def _metric(title: str, metrics: list[list[Any]]) -> Widget:
    return {"type": "metric", "properties": {"title": title, "metrics": metrics, "stat": "Sum", "period": 300}}
