"""The firewalls and their rules."""

import re
import subprocess
import sys
from typing import Any

import pytest

from infra.http_api import REQUESTS_PER_SECOND
from sandbox.program import ROOT
from tests.infra.engine import Declared, Graph

SITE, USER_POOL = "CLOUDFRONT", "REGIONAL"


@pytest.fixture(scope="module")
def guarded(everything: Graph) -> Graph:
    return everything


def rules(firewall: Declared) -> list[dict[str, Any]]:
    """In the order in which AWS asks them."""
    assert len({rule["priority"] for rule in firewall["rules"]}) == len(firewall["rules"])
    return sorted(firewall["rules"], key=lambda rule: rule["priority"])


def passed(firewall: Declared, path: str) -> list[str]:
    """The rules that a request for this path has to pass, up to one that lets it through."""
    asked = []
    for rule in rules(firewall):
        match = rule["statement"].get("regexMatchStatement")
        if match is None:
            asked.append(rule["name"])
        elif re.search(match["regexString"], path):
            assert rule["action"] == {"allow": {}}
            break
    return asked


def test_without_the_setting_there_is_no_firewall(stack: Graph) -> None:
    for kind in ("WebAcl", "WebAclAssociation", "Firewall"):
        assert stack.all(kind) == []
    assert "webAclId" not in stack.one("Distribution").inputs


def test_a_stack_without_a_firewall_does_not_import_the_wafv2_types() -> None:
    code = "import sys, infra.firewall; print([name for name in sys.modules if name.startswith('pulumi_aws.wafv2.')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_the_distribution_and_the_user_pool_each_have_a_firewall_of_their_scope(guarded: Graph) -> None:
    site, pool = guarded.one("WebAcl", scope=SITE), guarded.one("WebAcl", scope=USER_POOL)
    assert site["region"] == "us-east-1"  # nowhere else is one for CloudFront
    assert "region" not in pool.inputs
    assert guarded.one("Distribution")["webAclId"] == site.outputs["arn"]
    association = guarded.one("WebAclAssociation")
    assert association["webAclArn"] == pool.outputs["arn"]
    assert association["resourceArn"] == guarded.one("UserPool").outputs["arn"]


@pytest.mark.parametrize("scope", [SITE, USER_POOL])
def test_too_many_requests_of_one_address_get_a_429(guarded: Graph, scope: str) -> None:
    (flood,) = [rule for rule in rules(guarded.one("WebAcl", scope=scope)) if rule["name"] == "floods"]
    assert flood["action"] == {"block": {"customResponse": {"responseCode": 429}}}
    statement = flood["statement"]["rateBasedStatement"]
    assert statement["aggregateKeyType"] == "IP"
    # More than one user needs, because thousands of phones share a carrier's address, and less than the API's limit.
    assert 1000 <= statement["limit"] <= REQUESTS_PER_SECOND * 300 / 4


@pytest.mark.parametrize("path", ["/", "/app.js", "/ws", "/api/userinfo", "/api/auth/login", "/api/auth/callback"])
def test_every_path_of_the_site_counts_towards_the_limit(guarded: Graph, path: str) -> None:
    assert passed(guarded.one("WebAcl", scope=SITE), path)[:2] == ["floods", "AWSManagedRulesAmazonIpReputationList"]


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/callback", "/api/auth/sign-in"])
def test_no_content_rule_applies_to_the_auth_routes(guarded: Graph, path: str) -> None:
    assert len(passed(guarded.one("WebAcl", scope=SITE), path)) == 2


@pytest.mark.parametrize("path", ["/api/userinfo", "/api/board", "/ws", "/", "/x/api/auth/"])
def test_awss_content_rules_apply_to_the_rest_of_the_site(guarded: Graph, path: str) -> None:
    asked = passed(guarded.one("WebAcl", scope=SITE), path)
    assert asked[2:] == ["AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet"]


def test_a_path_is_decoded_and_normalized_before_it_is_allowed(guarded: Graph) -> None:
    for firewall in guarded.all("WebAcl"):
        for rule in rules(firewall):
            if match := rule["statement"].get("regexMatchStatement"):
                assert match["fieldToMatch"] == {"uriPath": {}}
                steps = sorted(match["textTransformations"], key=lambda step: step["priority"])
                assert [step["type"] for step in steps] == ["URL_DECODE", "NORMALIZE_PATH"]


@pytest.mark.parametrize("path", ["/", "/oauth2/token", "/oauth2/revoke"])
def test_requests_of_our_functions_do_not_count_towards_the_user_pools_limit(guarded: Graph, path: str) -> None:
    assert passed(guarded.one("WebAcl", scope=USER_POOL), path) == []


@pytest.mark.parametrize("path", ["/login", "/oauth2/authorize", "/oauth2/idpresponse", "/oauth2/token/x"])
def test_only_the_rate_and_reputation_rules_apply_to_the_hosted_login(guarded: Graph, path: str) -> None:
    asked = passed(guarded.one("WebAcl", scope=USER_POOL), path)
    assert asked == ["floods", "AWSManagedRulesAmazonIpReputationList"]


def test_a_client_without_a_user_agent_may_use_the_api(guarded: Graph) -> None:
    groups = [rule["statement"].get("managedRuleGroupStatement") for rule in rules(guarded.one("WebAcl", scope=SITE))]
    (common,) = [group for group in groups if group and group["name"] == "AWSManagedRulesCommonRuleSet"]
    assert common["ruleActionOverrides"] == [{"name": "NoUserAgent_HEADER", "actionToUse": {"count": {}}}]


def test_awss_rules_block_and_the_default_action_allows(guarded: Graph) -> None:
    for firewall in guarded.all("WebAcl"):
        assert firewall["defaultAction"] == {"allow": {}}
        for rule in rules(firewall):
            if group := rule["statement"].get("managedRuleGroupStatement"):
                assert group["vendorName"] == "AWS"
                assert rule["overrideAction"] == {"none": {}}


def test_the_firewall_samples_no_requests(guarded: Graph) -> None:
    for firewall in guarded.all("WebAcl"):
        for visibility in (firewall["visibilityConfig"], *(rule["visibilityConfig"] for rule in firewall["rules"])):
            assert visibility["sampledRequestsEnabled"] is False
            assert visibility["cloudwatchMetricsEnabled"] is True
