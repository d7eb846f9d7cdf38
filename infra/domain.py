"""An address of the team's own: its certificate and its records."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.component import Component

CERTIFICATES = "us-east-1"  # the one region whose certificates CloudFront takes, for the hosted login, too
NOWHERE = "192.0.2.1"  # RFC 5737: nobody's


class Domain(Component):
    """People find a part of the login at an address of the team's own, which their browsers trust.

    `domain` is a host name in the public zone `hosted_zone_id`. Cognito takes one only when the name above it has an A
    record: `parent` is what makes that, or with `parent_record` one is made here that leads nowhere, or it is there.
    """

    def __init__(
        self,
        name: str,
        *,
        domain: str,
        hosted_zone_id: str,
        parent: pulumi.Resource | None = None,
        parent_record: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the certificate, the record that proves whose the domain is, and the wait for ACM to see it."""
        super().__init__("Domain", name, opts)
        self._hosted_zone_id = hosted_zone_id

        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            region=CERTIFICATES,
            domain_name=domain,
            validation_method="DNS",
            opts=self._child,
        )
        asked = certificate.domain_validation_options[0]
        proof = aws.route53.Record(
            f"{name}-proof",
            zone_id=hosted_zone_id,
            name=asked.resource_record_name,
            type=asked.resource_record_type,
            records=[asked.resource_record_value],
            ttl=300,
            # The account's other certificates for this domain have the same record, and are renewed by it.
            allow_overwrite=True,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        valid = aws.acm.CertificateValidation(
            f"{name}-validation",
            region=CERTIFICATES,
            certificate_arn=certificate.arn,
            # With a zone that is not the domain's, these differ from what ACM asks for: an error at once, no long wait.
            validation_record_fqdns=[proof.fqdn],
            opts=self._child,
        )

        self.domain = domain
        self.certificate_arn = valid.certificate_arn
        self._parents = [parent] if parent else []
        if parent_record:
            above = aws.route53.Record(
                f"{name}-parent",
                zone_id=hosted_zone_id,
                name=domain.partition(".")[2],
                type="A",
                records=[NOWHERE],
                ttl=300,
                opts=self._child,
            )
            self._parents.append(above)
        self.register_outputs({"domain": domain, "certificateArn": self.certificate_arn})

    @property
    def parents(self) -> Sequence[pulumi.Resource]:
        """What has to be there before Cognito takes the domain."""
        return self._parents

    def lead_to(self, host: pulumi.Input[str], hosted_zone_id: pulumi.Input[str]) -> pulumi.Output[str]:
        """Have the domain lead to this distribution of CloudFront's, in CloudFront's zone; return it once it does."""
        ipv4, _ipv6 = (
            aws.route53.Record(
                f"{self._name}-{kind.lower()}",
                zone_id=self._hosted_zone_id,
                name=self.domain,
                type=kind,
                aliases=[{"name": host, "zone_id": hosted_zone_id, "evaluate_target_health": False}],
                opts=self._child,
            )
            for kind in ("A", "AAAA")
        )
        return ipv4.name
