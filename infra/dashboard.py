"""The page of figures in CloudWatch: sign-ins, refusals, errors, latencies."""

from collections.abc import Sequence
from typing import Any

import pulumi

WIDTH, HEIGHT = 12, 6  # two in a row of CloudWatch's 24 columns
# What handlers write, as Logs Insights asks for it; nothing is stored for it, and asking costs what it reads.
SIGN_INS = 'filter message = "signed_in" | stats count(*) as signed_in by bin(1h)'
REFUSALS = (
    'filter message in ["not_signed_in", "not_refreshed", "refused"] '
    "| stats count(*) as times by message, coalesce(reason, code, outcome) as why | sort times desc"
)
ERRORS = 'filter level = "ERROR" | fields @timestamp, message, reason, at, requestId | sort @timestamp desc | limit 50'

Widget = dict[str, Any]


def body(
    *,
    log_groups: Sequence[pulumi.Input[str]],
    function_names: Sequence[pulumi.Input[str]],
    api_id: pulumi.Input[str],
    websocket_api_id: pulumi.Input[str],
    user_pool_id: pulumi.Input[str],
    region: pulumi.Input[str],
) -> pulumi.Output[str]:
    """Return the page as CloudWatch's PutDashboard takes it."""
    sources = pulumi.Output.all(*log_groups).apply(lambda names: " | ".join(f"SOURCE '{name}'" for name in names))
    latency = ["AWS/ApiGateway", "Latency", "ApiId", api_id]
    federation = "{AWS/Cognito,UserPool,UserPoolClient,IdentityProvider}"
    widgets = [
        _log("Sign-ins", sources, SIGN_INS, view="timeSeries"),
        _log("Refusals", sources, REFUSALS),
        _log("Errors", sources, ERRORS),
        _metric(
            "Kakao at Cognito",
            [[{"expression": pulumi.Output.concat(f"SEARCH('{federation} UserPool=\"", user_pool_id, "\"', 'Sum')")}]],
        ),
        _metric("API: latency, ms", [[*latency, {"stat": stat}] for stat in ("p50", "p95", "p99")]),
        _metric("API: answers", [["AWS/ApiGateway", name, "ApiId", api_id] for name in ("Count", "4xx", "5xx")]),
        _metric(
            "Functions: slowest 5 %, ms",
            [["AWS/Lambda", "Duration", "FunctionName", name, {"stat": "p95"}] for name in function_names],
        ),
        _metric(
            "WebSocket",
            [
                ["AWS/ApiGateway", name, "ApiId", websocket_api_id]
                for name in ("ConnectCount", "MessageCount", "ClientError", "ExecutionError", "IntegrationError")
            ],
        ),
    ]
    places = ({"x": index % 2 * WIDTH, "y": index // 2 * HEIGHT} for index in range(len(widgets)))
    return pulumi.Output.json_dumps(
        {
            "widgets": [
                {
                    "width": WIDTH,
                    "height": HEIGHT,
                    **place,
                    **widget,
                    "properties": {**widget["properties"], "region": region},
                }
                for place, widget in zip(places, widgets, strict=True)
            ]
        }
    )


def _log(title: str, sources: pulumi.Output[str], query: str, *, view: str = "table") -> Widget:
    return _widget("log", title, query=pulumi.Output.concat(sources, " | ", query), view=view)


def _metric(title: str, metrics: list[list[Any]]) -> Widget:
    return _widget("metric", title, metrics=metrics, stat="Sum", period=300)


def _widget(kind: str, title: str, **properties: Any) -> Widget:
    return {"type": kind, "properties": {"title": title, **properties}}
