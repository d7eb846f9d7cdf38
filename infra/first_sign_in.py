"""The team's work at a user's first sign-in."""

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.component import Component
from infra.function import Function


class FirstSignIn(Component):
    """SNS calls the team's functions after each first sign-in; the sign-in does not wait for them.

    A topic stands between them: the function may depend on the user pool, which depends on its triggers.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the topic."""
        super().__init__("FirstSignIn", name, opts)
        self._subscriptions: list[aws.sns.TopicSubscription] = []
        self.topic_arn = aws.sns.Topic(f"{name}-topic", opts=self._child).arn
        self.register_outputs({"topicArn": self.topic_arn})

    def publish(self) -> pulumi.Output[policies.Statement]:
        """Return the permission to announce a user."""
        return self.topic_arn.apply(policies.publish)

    def call(self, function: Function) -> None:
        """Call the function for each user who is announced."""
        name = f"{self._name}-{function.pulumi_resource_name}"
        function.let_invoke(f"{name}-permission", "sns", self.topic_arn, opts=self._formerly("permission"))
        subscription = aws.sns.TopicSubscription(
            f"{name}-function",
            topic=self.topic_arn,
            protocol="lambda",
            endpoint=function.arn,
            opts=pulumi.ResourceOptions.merge(
                self._formerly("function"),
                # Subscribe returns the subscription that this function has already (getmoto/moto#1418): a replaced one
                # is deleted first, so that its deletion does not take the other's subscription with it.
                pulumi.ResourceOptions(delete_before_replace=True, depends_on=self._subscriptions[-1:]),
            ),
        )
        self._subscriptions.append(subscription)

    def _formerly(self, part: str) -> pulumi.ResourceOptions:
        """Give a child of the only function that a stack could have before the name that it had then."""
        former = [] if self._subscriptions else [pulumi.Alias(name=f"{self._name}-{part}")]
        return pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(aliases=former))
