"""A domain of the team: its certificate and its DNS records."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra.component import Component

UNUSED_ADDRESS = "192.0.2.1"  # RFC 5737: reserved for documentation


class Domain(Component):
    """Browsers reach the site or the hosted login at a domain of the team, over TLS.

    `domain` is a host name in the public zone `hosted_zone_id`. Cognito accepts a domain only if its parent domain has
    an A record. `parent` is the resource that declares this record. With `parent_record` the component declares one
    that points to an unused address. Without either, the record must exist.
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
        """Declare the ACM certificate, the DNS record that proves ownership, and the wait for the validation."""
        super().__init__("Domain", name, opts)
        self._hosted_zone_id = hosted_zone_id

        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            region=contract.CLOUDFRONT_REGION,
            domain_name=domain,
            validation_method="DNS",
            opts=self._child,
        )
        validation_record = certificate.domain_validation_options[0]
        proof_record = aws.route53.Record(
            f"{name}-proof",
            zone_id=hosted_zone_id,
            name=validation_record.resource_record_name,
            type=validation_record.resource_record_type,
            records=[validation_record.resource_record_value],
            ttl=300,
            # All certificates of the account for this domain share one record, and ACM needs it to renew each.
            allow_overwrite=True,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        validation = aws.acm.CertificateValidation(
            f"{name}-validation",
            region=contract.CLOUDFRONT_REGION,
            certificate_arn=certificate.arn,
            # In a zone of another domain this name differs from ACM's, so Pulumi fails at once and does not wait.
            validation_record_fqdns=[proof_record.fqdn],
            opts=self._child,
        )

        self.domain = domain
        self.certificate_arn = validation.certificate_arn
        self._parents = [parent] if parent else []
        if parent_record:
            parent_a_record = aws.route53.Record(
                f"{name}-parent",
                zone_id=hosted_zone_id,
                name=domain.partition(".")[2],
                type="A",
                records=[UNUSED_ADDRESS],
                ttl=300,
                opts=self._child,
            )
            self._parents.append(parent_a_record)
        self.register_outputs({"domain": domain, "certificateArn": self.certificate_arn})

    @property
    def parents(self) -> Sequence[pulumi.Resource]:
        """Return the resources that must exist before Cognito accepts the domain."""
        return self._parents

    def point_to(self, host: pulumi.Input[str], hosted_zone_id: pulumi.Input[str]) -> pulumi.Output[str]:
        """Declare A and AAAA alias records to a CloudFront distribution. Return the name of the A record."""
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
