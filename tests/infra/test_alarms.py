import ast
import json
import logging
import re
from functools import cache
from typing import Any

import pytest

from handlers import contract
from infra.alarms import Alarms
from sandbox.program import PROJECT, ROOT
from tests.infra.engine import Declared, Graph, declare_component, functions

US = "us-east-1"
STACKS = ("dev", "prod")


def alarms(stack: Graph) -> dict[str, Declared]:
    return {alarm.name.removeprefix("login-"): alarm for alarm in stack.all("MetricAlarm")}


def lines(stack: Graph, label: str) -> Declared:
    """The filter that feeds the metric of this alarm."""
    alarm = alarms(stack)[label]
    metric = {"namespace": alarm["namespace"], "name": alarm["metricName"], "value": "1"}
    return stack.one("LogMetricFilter", metricTransformation=metric)


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """Whether CloudWatch counts this line, for patterns of one comparison."""
    field, value = re.fullmatch(r'\{ \$\.(\w+) = "(\w+)" \}', pattern).groups()
    return line.get(field) == value


def test_every_function_has_an_alarm_for_its_errors(stack: Graph) -> None:
    heard = {a["dimensions"]["FunctionName"] for a in alarms(stack).values() if a["metricName"] == "Errors"}
    assert heard == {function.outputs["name"] for function in functions(stack)}


def test_both_apis_and_the_site_have_alarms_for_server_errors(stack: Graph) -> None:
    found = alarms(stack)
    http, websocket = (stack.one("Api", protocolType=kind).outputs["id"] for kind in ("HTTP", "WEBSOCKET"))
    site = {"DistributionId": stack.one("Distribution").outputs["id"], "Region": "Global"}
    assert found["api-5xx"].inputs.items() >= {"metricName": "5xx", "dimensions": {"ApiId": http}}.items()
    assert found["socket-execution-errors"]["dimensions"] == {"ApiId": websocket}
    assert found["socket-integration-errors"]["dimensions"] == {"ApiId": websocket}
    assert found["site-5xx"].inputs.items() >= {"metricName": "5xxErrorRate", "dimensions": site}.items()


def test_the_alarm_for_the_authorizer_counts_its_error_log_lines(stack: Graph) -> None:
    counted = lines(stack, "authorizer-errors")
    assert counted["logGroupName"] == stack.named("login-connect-logs").outputs["name"]
    assert stack.function("connect_authorizer")["loggingConfig"]["logFormat"] == "JSON"
    assert matches(counted["pattern"], {"level": logging.getLevelName(logging.ERROR)})
    assert not matches(counted["pattern"], {"level": logging.getLevelName(logging.INFO)})


def test_throttled_functions_and_sign_ins_have_alarms(stack: Graph) -> None:
    found = alarms(stack)
    assert found["alarms-function-throttles"]["metricName"] == "Throttles"
    pool, client = stack.exports["userPoolId"], stack.exports["clientId"]
    assert found["pool-sign-in-throttles"]["dimensions"].items() >= {"UserPool": pool, "UserPoolClient": client}.items()


def test_the_alarm_for_throttles_counts_only_access_log_lines_with_status_429(stack: Graph) -> None:
    metric = alarms(stack)["throttles"]["metricName"]
    filters = [f for f in stack.all("LogMetricFilter") if f["metricTransformation"]["name"] == metric]
    patterns = {f["logGroupName"]: f["pattern"] for f in filters}
    assert len(stack.all("Stage")) == len(filters)
    for stage in stack.all("Stage"):
        log = stage["accessLogSettings"]
        (group,) = [g.outputs["name"] for g in stack.all("LogGroup") if g.outputs["arn"] == log["destinationArn"]]
        for status, counts in (("429", True), ("200", False), ("500", False)):
            line = json.loads(log["format"].replace("$context.status", status))
            assert matches(patterns[group], line) is counts, (stage.name, status)


def test_every_alarm_notifies_the_topic_of_its_region_at_its_start_and_end(stack: Graph) -> None:
    topics = {topic.inputs.get("region"): topic.outputs["arn"] for topic in stack.all("Topic")}
    assert stack.exports["alarmTopic"] == topics[None]
    for alarm in alarms(stack).values():
        assert alarm["alarmActions"] == alarm["okActions"] == [topics[alarm.inputs.get("region")]], alarm.name
    assert [a.name for a in alarms(stack).values() if "region" in a.inputs] == ["login-site-5xx"]
    assert set(topics) == {None, US}


def rings(alarm: Declared, *minutes: float) -> bool:
    """Whether an alarm of this comparison rings once these figures have come, one a minute."""
    assert alarm["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
    length = int(alarm["period"]) // 60
    periods = [minutes[start : start + length] for start in range(0, len(minutes), length)]
    totals = [sum(figures) / (len(figures) if alarm["statistic"] == "Average" else 1) for figures in periods]
    last = totals[-int(alarm["evaluationPeriods"]) :]
    return len(last) == alarm["evaluationPeriods"] and min(last) >= alarm["threshold"]


MANY = ["api-5xx", "throttles", "socket-execution-errors", "authorizer-errors"]
REFUSING = ["sign-up-errors", "pre-auth-errors", "verify-errors"]


def test_every_trigger_that_refuses_by_an_error_has_the_higher_threshold(
    stack: Graph,
) -> None:
    called = {p["function"] for p in stack.all("Permission") if p["principal"] == "cognito-idp.amazonaws.com"}
    names = {f.name.removeprefix("login-") for f in functions(stack) if f.outputs["arn"] in called}
    assert {f"{name}-errors" for name in names} == {*REFUSING, "confirm-errors"}
    assert rings(alarms(stack)["confirm-errors"], 1, 0, 0, 0, 0)


@pytest.mark.parametrize("label", [*MANY, *REFUSING])
def test_five_failures_in_five_minutes_raise_an_alarm_and_one_does_not(stack: Graph, label: str) -> None:
    alarm = alarms(stack)[label]
    assert not rings(alarm, 1, 0, 0, 0, 0)
    assert rings(alarm, 1, 1, 1, 1, 1)
    assert rings(alarm, 0, 0, 5, 0, 0)


@pytest.mark.parametrize("label", ["session-errors", "alarms-function-throttles", "pool-sign-in-throttles"])
def test_one_crash_or_one_throttled_call_raises_an_alarm(stack: Graph, label: str) -> None:
    assert rings(alarms(stack)[label], 0, 0, 1, 0, 0)
    assert not rings(alarms(stack)[label], 0, 0, 0, 0, 0)


def test_fifteen_minutes_of_site_errors_raise_an_alarm_and_five_do_not(stack: Graph) -> None:
    alarm = alarms(stack)["site-5xx"]
    assert rings(alarm, *[5] * 15)
    assert not rings(alarm, *[0] * 10, *[100] * 5)
    assert not rings(alarm, *[4] * 15)


COUNTED = {
    "sign-ups": ("pre_sign_up", "sign_up"),
    "codes-not-sent": ("accounts", "code_not_sent"),
    "kakao-statuses": ("pre_authentication", "kakao_status_unexpected"),
}


@pytest.mark.parametrize("label", COUNTED)
def test_an_alarm_without_an_aws_metric_counts_exactly_one_log_message_of_its_function(
    stack: Graph, label: str
) -> None:
    function, message = COUNTED[label]
    counted = lines(stack, label)
    assert counted["logGroupName"] == stack.function(function)["loggingConfig"]["logGroup"]
    assert message in logged()
    counts = [line for line in logged() if matches(counted["pattern"], {"level": "INFO", "message": line})]
    assert counts == [message]


def test_the_alarm_for_sign_ups_rings_below_cognitos_daily_limit_of_mails(stack: Graph) -> None:
    alarm = alarms(stack)["sign-ups"]
    assert rings(alarm, *[1] * 30, *[0] * 30)
    assert not rings(alarm, *[1] * 20, *[0] * 40)
    assert alarm["threshold"] < 50  # https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html


def test_one_unexpected_status_raises_an_alarm_and_one_failed_mail_does_not(stack: Graph) -> None:
    assert rings(alarms(stack)["kakao-statuses"], 1, 0, 0, 0, 0)
    assert not rings(alarms(stack)["codes-not-sent"], 1, 0, 0, 0, 0)
    assert rings(alarms(stack)["codes-not-sent"], 1, 1, 1, 1, 1)


def test_missing_data_raises_no_alarm(stack: Graph) -> None:
    assert {alarm["treatMissingData"] for alarm in alarms(stack).values()} == {"notBreaching"}


def test_the_description_of_an_alarm_names_the_stack() -> None:
    for name in STACKS:
        graph = declare_component(lambda: Alarms("alarms", email=""), stack=name)
        assert graph.one("MetricAlarm")["alarmDescription"].startswith(f"{PROJECT}-{name}: ")


def test_alarms_are_mailed_to_the_address_of_the_setting(varied: Graph) -> None:
    subscriptions = {s["topic"]: (s["protocol"], s["endpoint"]) for s in varied.all("TopicSubscription")}
    assert subscriptions == {topic.outputs["arn"]: ("email", "team@example.com") for topic in varied.all("Topic")}
    assert {s.inputs.get("region") for s in varied.all("TopicSubscription")} == {None, US}


def test_without_an_address_there_are_alarms_and_topics_but_no_subscriptions(stack: Graph, varied: Graph) -> None:
    assert stack.all("TopicSubscription") == []
    assert set(alarms(varied)) == {*alarms(stack), "pool-app-sign-in-throttles"}  # of the apps' client


def test_two_stacks_of_an_account_have_separate_metrics() -> None:
    def count() -> None:
        alarms = Alarms("alarms", email="")
        alarms.count("errors", '{ $.level = "ERROR" }', "log-group", parent=alarms)

    filters = [declare_component(count, stack=name).one("LogMetricFilter") for name in STACKS]
    namespaces = {one["metricTransformation"]["namespace"] for one in filters}
    assert len(namespaces) == len(STACKS)


def test_the_operations_guide_has_a_row_for_each_alarm(stack: Graph) -> None:
    written = (ROOT / "docs" / "guides" / "operations.md").read_text()
    per_function = {f"{function.name.removeprefix('login-')}-errors" for function in functions(stack)}
    for label in set(alarms(stack)) - per_function | {"<function>-errors"}:
        assert f"| `{label}` |" in written, label


def widgets(stack: Graph) -> dict[str, dict[str, Any]]:
    body = json.loads(stack.one("Dashboard")["dashboardBody"])
    return {widget["properties"]["title"]: widget["properties"] for widget in body["widgets"]}


def test_the_dashboard_reads_the_logs_of_every_function(stack: Graph) -> None:
    groups = {function["loggingConfig"]["logGroup"] for function in functions(stack)}
    for title in ("Sign-ins", "Refusals", "Errors"):
        assert set(re.findall(r"SOURCE '([^']+)'", widgets(stack)[title]["query"])) == groups


@cache
def logged() -> dict[str, set[str]]:
    """The messages that handlers write as they stand in the source, and with which fields."""
    found: dict[str, set[str]] = {}
    for file in (ROOT / "handlers").glob("*.py"):
        for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
            match call:
                case ast.Call(ast.Attribute(ast.Name("log")), [ast.Constant(str(message))], keywords):
                    names = {key.value for k in keywords for key in ast.walk(k) if isinstance(key, ast.Constant)}
                    found.setdefault(message, set()).update(str(name) for name in names)
                case ast.Call(ast.Attribute(ast.Name("log")), [ast.Attribute(ast.Name("contract"), fact)], keywords):
                    names = {key.value for k in keywords for key in ast.walk(k) if isinstance(key, ast.Constant)}
                    found.setdefault(getattr(contract, fact), set()).update(str(name) for name in names)
    return found


def test_the_dashboard_queries_log_messages_that_handlers_write(stack: Graph) -> None:
    written = logged()
    signed_in = re.findall(r'message = "(\w+)"', widgets(stack)["Sign-ins"]["query"])
    refused = json.loads(re.findall(r"message in (\[.+?\])", widgets(stack)["Refusals"]["query"])[0])
    assert {"not_signed_in", "not_refreshed", "refused", "kakao_misconfigured"} == set(refused)
    assert signed_in == ["signed_in"]
    assert {*signed_in, *refused} <= set(written)
    (reasons,) = re.findall(r"coalesce\((.+?)\)", widgets(stack)["Refusals"]["query"])
    for message in refused:
        assert written[message] & set(reasons.split(", ")), message


def test_the_dashboard_shows_the_p50_and_p99_latency(stack: Graph) -> None:
    latencies = widgets(stack)["API: latency, ms"]["metrics"]
    assert {metric[1] for metric in latencies} == {"Latency"}
    assert {metric[-1]["stat"] for metric in latencies} >= {"p50", "p99"}
    assert stack.exports["dashboard"] == stack.one("Dashboard")["dashboardName"]
