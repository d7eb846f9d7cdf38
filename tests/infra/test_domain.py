"""The site and the hosted login at the team's own domains."""

import json
from typing import Any

import pytest

from tests.infra.engine import Declared, Graph, declare

ZONE = "Z0EXAMPLE"
SITE, LOGIN = "https://example.com", "https://login.example.com"


@pytest.fixture(scope="module")
def own() -> Graph:
    return declare({"siteDomain": "example.com", "loginDomain": "login.example.com", "hostedZoneId": ZONE})


@pytest.fixture(scope="module")
def login_alone() -> Graph:
    return declare({"loginDomain": "login.example.com", "hostedZoneId": ZONE})


def variables(stack: Graph, function: str) -> Any:
    return stack.function(function)["environment"]["variables"]


def addresses(stack: Graph, name: str) -> dict[str, Declared]:
    """The records at a name, by type."""
    return {record["type"]: record for record in stack.all("Record") if record["name"] == name}


def test_without_a_domain_there_are_no_records_or_certificates(stack: Graph) -> None:
    for kind in ("Certificate", "CertificateValidation", "Record"):
        assert stack.all(kind) == []
    distribution = stack.one("Distribution")
    assert distribution["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    assert "aliases" not in distribution.inputs
    assert "certificateArn" not in stack.one("UserPoolDomain").inputs


def test_every_url_of_the_site_has_its_own_domain(own: Graph) -> None:
    assert own.exports["siteUrl"] == SITE
    assert own.exports["apiUrl"] == f"{SITE}/api"
    assert own.exports["websocketUrl"] == "wss://example.com/ws"
    assert own.exports["kakaoLogoutRedirectUri"] == f"{SITE}/"
    client = own.one("UserPoolClient")
    assert client["callbackUrls"] == [f"{SITE}/api/auth/callback"]
    assert client["logoutUrls"] == [f"{SITE}/"]
    for function in ("session", "accounts", "connect_authorizer"):
        assert json.loads(variables(own, function)["SITE_ORIGINS"]) == [SITE]


def test_every_url_of_the_hosted_login_has_its_own_domain(own: Graph) -> None:
    assert own.exports["kakaoRedirectUri"] == f"{LOGIN}/oauth2/idpresponse"
    assert variables(own, "session")["HOSTED_LOGIN_URL"] == LOGIN
    assert own.one("UserPoolDomain")["domain"] == "login.example.com"


def test_the_issuer_of_tokens_does_not_change_with_the_domain(own: Graph, stack: Graph) -> None:
    for name in ("ISSUER", "JWKS_URL"):
        assert variables(own, "connect_authorizer")[name] == variables(stack, "connect_authorizer")[name]


@pytest.mark.parametrize("domain", ["example.com", "login.example.com"])
def test_cloudfront_gets_a_validated_certificate_in_us_east_1(own: Graph, domain: str) -> None:
    certificate = own.one("Certificate", domainName=domain)
    asked = certificate.outputs["domainValidationOptions"][0]
    proof = own.one("Record", name=asked["resourceRecordName"])
    valid = own.one("CertificateValidation", certificateArn=certificate.outputs["arn"])
    assert certificate["validationMethod"] == "DNS"
    assert (certificate["region"], valid["region"]) == ("us-east-1", "us-east-1")
    assert (proof["zoneId"], proof["type"], proof["records"]) == (ZONE, "CNAME", [asked["resourceRecordValue"]])
    assert valid.sources["validationRecordFqdns"] >= {proof.tail}  # else a wrong zone is waited for in vain
    user, key = (
        (own.one("UserPoolDomain"), "certificateArn")
        if domain.startswith("login")
        else (own.one("Distribution"), "viewerCertificate")
    )
    assert certificate.outputs["arn"] in json.dumps(user[key])
    assert valid.tail in user.sources[key]


def test_the_validation_record_stays_for_other_certificates_of_the_domain(own: Graph) -> None:
    for certificate in own.all("Certificate"):
        proof = own.one("Record", name=certificate.outputs["domainValidationOptions"][0]["resourceRecordName"])
        assert proof["allowOverwrite"] is True
        assert proof.kept


def test_the_distribution_serves_the_domain_with_current_tls_only(own: Graph) -> None:
    distribution = own.one("Distribution")
    assert distribution["aliases"] == ["example.com"]
    certificate = distribution["viewerCertificate"]
    assert certificate["sslSupportMethod"] == "sni-only"
    assert certificate["minimumProtocolVersion"] == "TLSv1.2_2021"


def test_both_names_have_ipv4_and_ipv6_records_for_their_distributions(own: Graph) -> None:
    site, login = own.one("Distribution").outputs, own.one("UserPoolDomain").outputs
    targets = {
        "example.com": (site["domainName"], site["hostedZoneId"]),
        "login.example.com": (login["cloudfrontDistribution"], login["cloudfrontDistributionZoneId"]),
    }
    for name, (host, zone) in targets.items():
        records = addresses(own, name)
        assert set(records) == {"A", "AAAA"}
        for record in records.values():
            assert record["zoneId"] == ZONE
            assert record["aliases"] == [{"name": host, "zoneId": zone, "evaluateTargetHealth": False}]


def test_the_records_exist_before_users_are_sent_to_the_domains(own: Graph) -> None:
    site, login = (addresses(own, name)["A"].tail for name in ("example.com", "login.example.com"))
    assert site in own.one("UserPoolClient").sources["callbackUrls"]
    assert login in own.function("session").sources["environment"]


def test_a_login_domain_below_the_site_waits_for_the_record_of_the_site(own: Graph) -> None:
    assert addresses(own, "example.com")["A"].tail in own.one("UserPoolDomain").dependencies


def test_a_parent_domain_without_a_record_gets_one_before_the_login_domain(everything: Graph) -> None:
    (parent,) = addresses(everything, "other.example.com").values()
    assert (parent["type"], parent["zoneId"], parent["records"]) == ("A", "Z0DEV", ["192.0.2.1"])
    assert parent.tail in everything.one("UserPoolDomain").dependencies


def test_the_record_of_a_parent_domain_is_declared_only_with_the_setting(login_alone: Graph) -> None:
    assert addresses(login_alone, "example.com") == {}


def test_the_site_or_the_login_may_have_a_domain_without_the_other(login_alone: Graph) -> None:
    site = declare({"siteDomain": "example.com", "hostedZoneId": ZONE})
    assert site.exports["siteUrl"] == SITE
    assert site.exports["kakaoRedirectUri"].endswith(".amazoncognito.com/oauth2/idpresponse")
    assert login_alone.exports["siteUrl"].endswith(".cloudfront.net")
    assert login_alone.exports["kakaoRedirectUri"] == f"{LOGIN}/oauth2/idpresponse"


def test_hsts_includes_subdomains_only_at_cloudfronts_own_domain(own: Graph, stack: Graph) -> None:
    for graph, below in ((own, False), (stack, True)):
        security = graph.one("ResponseHeadersPolicy")["securityHeadersConfig"]["strictTransportSecurity"]
        assert security["includeSubdomains"] is below
