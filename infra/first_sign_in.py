"""The team's work at a user's first sign-in."""

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.component import Component
from infra.function import Function


class FirstSignIn(Component):
    """SNS calls the team's function after each first sign-in; the sign-in does not wait for it.

    A topic stands between them: the function may depend on the user pool, which depends on its triggers.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the topic."""
        super().__init__("FirstSignIn", name, opts)
        self.topic_arn = aws.sns.Topic(f"{name}-topic", opts=self._child).arn
        self.register_outputs({"topicArn": self.topic_arn})

    def publish(self) -> pulumi.Output[policies.Statement]:
        """Return the permission to announce a user."""
        return self.topic_arn.apply(policies.publish)

    def call(self, function: Function) -> None:
        """Call the function for each user who is announced."""
        function.let_invoke(f"{self._name}-permission", "sns", self.topic_arn, opts=self._child)
        aws.sns.TopicSubscription(
            f"{self._name}-function",
            topic=self.topic_arn,
            protocol="lambda",
            endpoint=function.arn,
            opts=self._child,
        )
