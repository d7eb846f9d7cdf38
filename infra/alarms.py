"""CloudWatch alarms: the team gets a mail when something fails."""

from collections.abc import Mapping
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra import names
from infra.component import Component

PERIOD_MINUTES = 5
ALARM_THRESHOLD = 5  # failures in a period; one failure is noise
REGIONS: Mapping[str | None, str] = {None: "", contract.CLOUDFRONT_REGION: "-site"}  # None is the stack's region


class Metric(NamedTuple):
    """A metric that CloudWatch records."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]


class Alarms(Component):
    """Each alarm notifies one SNS topic, which mails `email`. Without an e-mail the topic has no subscriber.

    AWS sends a mail that asks to confirm the subscription first.
    """

    def __init__(self, name: str, *, email: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Alarms", name, opts)
        self._email = email
        self._topics = {region: self._topic(f"{name}{suffix}", region) for region, suffix in REGIONS.items()}
        self.alarm(
            f"{name}-function-throttles",
            Metric("AWS/Lambda", "Throttles", {}),  # of the whole region: the quota is for all functions together
            "Lambda throttles functions: the account has reached its quota of concurrent executions.",
            threshold=1,
            parent=self,
        )
        self.topic_arn = self._topics[None].arn
        self.register_outputs({"topicArn": self.topic_arn})

    def alarm(
        self,
        name: str,
        metric: Metric,
        description: str,
        *,
        parent: pulumi.Resource,
        threshold: int = ALARM_THRESHOLD,
        statistic: str = "Sum",
        minutes: int = PERIOD_MINUTES,
        periods: int = 1,
        region: str | None = None,
    ) -> None:
        """Notify the team while `metric` reaches `threshold` within a period; `parent` is what the alarm watches.

        `description` is the text of the mail: what fails, and where to look.
        """
        actions = [self._topics[region].arn]
        aws.cloudwatch.MetricAlarm(
            name,
            alarm_description=f"{names.stack()}: {description}",
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=metric.dimensions,
            statistic=statistic,
            period=minutes * 60,
            evaluation_periods=periods,
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=threshold,
            treat_missing_data="notBreaching",  # no traffic is no failure
            alarm_actions=actions,
            ok_actions=actions,
            region=region,
            opts=pulumi.ResourceOptions(parent=parent),
        )

    def count(self, name: str, pattern: str, *log_groups: pulumi.Input[str], parent: pulumi.Resource) -> Metric:
        """Return a metric that counts the lines of these log groups which match a CloudWatch Logs filter pattern."""
        metric = Metric(names.stack(), name, {})  # the namespace keeps the metrics of two stacks apart
        for number, log_group in enumerate(log_groups):
            aws.cloudwatch.LogMetricFilter(
                f"{name}-{number}",
                log_group_name=log_group,
                pattern=pattern,
                metric_transformation={"namespace": metric.namespace, "name": metric.name, "value": "1"},
                opts=pulumi.ResourceOptions(parent=parent),
            )
        return metric

    def _topic(self, name: str, region: str | None) -> aws.sns.Topic:
        topic = aws.sns.Topic(f"{name}-topic", region=region, opts=self._child)
        if self._email:
            aws.sns.TopicSubscription(
                f"{name}-email",
                topic=topic.arn,
                protocol="email",
                endpoint=self._email,
                region=region,
                opts=self._child,
            )
        return topic
