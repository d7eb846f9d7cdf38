"""How the team learns of what goes wrong: alarms, and one page of figures."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import pulumi
import pulumi_aws as aws

from infra import dashboard

MINUTES = 5
SEVERAL = 5  # in MINUTES: one may be a bad connection, five are not
SIGN_UPS_AN_HOUR = 30  # Cognito's own mail sends 50 a day
PERCENT = 5
CLOUDFRONT_REGION = "us-east-1"  # CloudFront's metrics are there alone, and an alarm reaches only topics of its region


class Watched(Protocol):
    """A Lambda function."""

    name: str
    function_name: pulumi.Output[str]
    log_group: pulumi.Output[str]


class Api(Protocol):
    """An API, and the log group of its requests."""

    api_id: pulumi.Output[str]
    access_logs: pulumi.Output[str]


class Pool(Protocol):
    """The user pool, its one client, and Kakao under the name that it has there."""

    user_pool_id: pulumi.Output[str]
    client_id: pulumi.Output[str]
    provider_name: pulumi.Output[str]


class Metric(NamedTuple):
    """What CloudWatch counts."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]


class Operations(pulumi.ComponentResource):
    """The team hears of it when the login fails, and sees on one page how it fares.

    Every alarm goes to a topic, also where nobody listens; `alarm_email`, unless empty, does once it has confirmed the
    mails that AWS sends. `refusing` are triggers of Cognito's that refuse a person by an error as well; `functions` are
    all others, and `authorizer` the one of them that lets WebSocket connections in. The logs of `accounts`,
    `pre_sign_up` and `pre_authentication` say what no metric does.
    """

    def __init__(
        self,
        name: str,
        *,
        functions: Sequence[Watched],
        refusing: Sequence[Watched],
        authorizer: Watched,
        accounts: Watched,
        pre_sign_up: Watched,
        pre_authentication: Watched,
        api: Api,
        socket: Api,
        login: Pool,
        distribution_id: pulumi.Input[str],
        alarm_email: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the topics, the alarms with what they count in logs, and the dashboard."""
        super().__init__("kakao-login:infra:Operations", name, opts=opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._stack = f"{pulumi.get_project()}-{pulumi.get_stack()}"
        self._topic = self._declare_topic("alarms", alarm_email)

        self._watch_apis(api, socket)
        self._watch_functions(functions, refusing, authorizer)
        self._watch_accounts(accounts, pre_sign_up, pre_authentication)
        self._watch_cognito(login)
        self._watch_site(distribution_id, self._declare_topic("site-alarms", alarm_email, region=CLOUDFRONT_REGION))
        everything = [*functions, *refusing]
        page = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=self._stack,
            dashboard_body=dashboard.body(
                log_groups=[function.log_group for function in everything],
                function_names=[function.function_name for function in everything],
                api_id=api.api_id,
                websocket_api_id=socket.api_id,
                user_pool_id=login.user_pool_id,
                region=aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region,
            ),
            # The deletion of a page takes away whichever has its name.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

        self.alarm_topic = self._topic.arn
        self.dashboard_name = page.dashboard_name
        self.register_outputs({"alarmTopic": self.alarm_topic, "dashboardName": self.dashboard_name})

    def _watch_apis(self, api: Api, socket: Api) -> None:
        http, websocket = {"ApiId": api.api_id}, {"ApiId": socket.api_id}
        self._alarm(
            "api-5xx",
            Metric("AWS/ApiGateway", "5xx", http),
            SEVERAL,
            "Requests to /api fail. The dashboard shows the errors' log lines.",
        )
        self._alarm(
            "api-throttles",
            self._counted("api-throttles", '{ $.status = "429" }', api.access_logs, socket.access_logs),
            SEVERAL,
            "Requests are answered with 429. Somebody floods the API, or a limit of the API's or Cognito's is too low.",
        )
        self._alarm(
            "socket-execution-errors",
            Metric("AWS/ApiGateway", "ExecutionError", websocket),
            SEVERAL,
            "WebSocket events do not reach the chat. Look at the alarms of its functions.",
        )
        self._alarm(
            "socket-integration-errors",
            Metric("AWS/ApiGateway", "IntegrationError", websocket),
            SEVERAL,
            "The chat fails at WebSocket events. Read its log.",
        )

    def _watch_functions(self, functions: Sequence[Watched], refusing: Sequence[Watched], authorizer: Watched) -> None:
        failed = "crashed or ran out of time. Read its log."
        for function, threshold, what in [
            *((each, 1, failed) for each in functions),
            *((each, SEVERAL, f"refuses people, {failed}") for each in refusing),
        ]:
            self._alarm(
                f"{function.name}-errors",
                Metric("AWS/Lambda", "Errors", {"FunctionName": function.function_name}),
                threshold,
                f"The function {function.name} {what}",
            )
        self._alarm(
            "authorizer-errors",
            self._counted("authorizer-errors", '{ $.level = "ERROR" }', authorizer.log_group),
            SEVERAL,
            "People get no WebSocket because their token or account cannot be checked. Read the authorizer's log.",
        )
        self._alarm(
            "function-throttles",
            Metric("AWS/Lambda", "Throttles", {}),  # of all functions in the region, as the limit is
            1,
            "Lambda turns calls away. The functions of the account run as often at once as its quota allows.",
        )

    def _watch_accounts(self, accounts: Watched, pre_sign_up: Watched, pre_authentication: Watched) -> None:
        self._alarm(
            "sign-ups",
            self._counted("sign-ups", '{ $.message = "sign_up" }', pre_sign_up.log_group),
            SIGN_UPS_AN_HOUR,
            "Many accounts are made with e-mail. Each is billed and mailed. Turn `waf` on, or raise the number.",
            minutes=60,
        )
        self._alarm(
            "codes-not-sent",
            self._counted("codes-not-sent", '{ $.message = "code_not_sent" }', accounts.log_group),
            SEVERAL,
            "Codes for e-mail accounts are not sent. Look at `mailFrom`, and at the limits of Cognito's or SES's mail.",
        )
        self._alarm(
            "kakao-statuses",
            self._counted("kakao-statuses", '{ $.message = "kakao_status_unexpected" }', pre_authentication.log_group),
            1,
            "A Kakao user's profile has a status that allows a password. See docs/decisions/triggers.md.",
        )

    def _watch_cognito(self, login: Pool) -> None:
        client = {
            "UserPool": login.user_pool_id,
            "UserPoolClient": login.client_id,
            "IdentityProvider": login.provider_name,
        }
        self._alarm(
            "sign-in-throttles",
            Metric("AWS/Cognito", "FederationThrottles", client),
            1,
            "Cognito turns sign-ins with Kakao away. Ask AWS for a higher quota of federated sign-ins.",
        )

    def _watch_site(self, distribution_id: pulumi.Input[str], topic: aws.sns.Topic) -> None:
        self._alarm(
            "site-5xx",
            Metric("AWS/CloudFront", "5xxErrorRate", {"DistributionId": distribution_id, "Region": "Global"}),
            PERCENT,
            f"{PERCENT} % of the site's answers are errors. "
            "If api-5xx is quiet, an edge function fails or a host is gone.",
            statistic="Average",
            periods=3,  # at night one error may be a third of all answers
            topic=topic,
            region=CLOUDFRONT_REGION,
        )

    def _declare_topic(self, label: str, email: str, *, region: str | None = None) -> aws.sns.Topic:
        topic = aws.sns.Topic(f"{self._name}-{label}", region=region, opts=self._child)
        if email:
            aws.sns.TopicSubscription(
                f"{self._name}-{label}-email",
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                region=region,
                opts=self._child,
            )
        return topic

    def _counted(self, label: str, pattern: str, *log_groups: pulumi.Output[str]) -> Metric:
        """Count the log lines that match; the stack is in the namespace, because metrics have no other owner."""
        metric = Metric(self._stack, label, {})
        for number, log_group in enumerate(log_groups):
            aws.cloudwatch.LogMetricFilter(
                f"{self._name}-{label}-{number}",
                log_group_name=log_group,
                pattern=pattern,
                metric_transformation={"namespace": metric.namespace, "name": metric.name, "value": "1"},
                opts=self._child,
            )
        return metric

    def _alarm(
        self,
        label: str,
        metric: Metric,
        threshold: int,
        why: str,
        *,
        statistic: str = "Sum",
        minutes: int = MINUTES,
        periods: int = 1,
        topic: aws.sns.Topic | None = None,
        region: str | None = None,
    ) -> None:
        actions = [(topic or self._topic).arn]
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{label}",
            alarm_description=f"{self._stack}: {why}",
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=metric.dimensions,
            statistic=statistic,
            period=minutes * 60,
            evaluation_periods=periods,
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=threshold,
            treat_missing_data="notBreaching",  # where nothing happens, nothing fails
            alarm_actions=actions,
            ok_actions=actions,
            region=region,
            opts=self._child,
        )
