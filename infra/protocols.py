"""What components ask of each other, since none imports another."""

from collections.abc import Sequence
from typing import Protocol

import pulumi


class Served(Protocol):
    """A Lambda function, under the name that its wires bear."""

    name: str
    arn: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]


class OwnDomain(Protocol):
    """A domain of the team's, with a certificate that CloudFront takes, the hosted login's too."""

    domain: str
    certificate_arn: pulumi.Output[str]

    @property
    def parents(self) -> Sequence[pulumi.Resource]:
        """What has to be there before Cognito takes the domain."""

    def lead_to(self, host: pulumi.Input[str], hosted_zone_id: pulumi.Input[str]) -> pulumi.Output[str]:
        """Have the domain lead to this distribution, and return it."""
