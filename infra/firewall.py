"""Firewalls before what the internet reaches (AWS WAF)."""

# wafv2 has more types than the rest of the program together: a stack without a firewall does not load them.
from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra.component import Component

# Of one address in five minutes: ten a second, a fifth of what the API takes from everybody. An address is no person:
# thousands share one of a mobile carrier's, and all of them are shut out together.
REQUESTS = 3000
TOO_MANY_REQUESTS = 429
HOME = {"CLOUDFRONT": "us-east-1", "REGIONAL": None}  # CloudFront's are kept in that one region


class Rule(NamedTuple):
    """What a request is asked, and what becomes of one that it is true of; a group of rules says that itself."""

    name: str
    statement: aws.wafv2.WebAclRuleStatementArgsDict
    action: aws.wafv2.WebAclRuleActionArgsDict | None = None

    def at(self, place: int) -> aws.wafv2.WebAclRuleArgsDict:
        """Return it as AWS takes it; lower places are asked first."""
        return {
            "name": self.name,
            "priority": place,
            "statement": self.statement,
            "action": self.action,
            "override_action": None if self.action else {"none": {}},
            "visibility_config": _visibility(self.name),
        }


class Firewall(Component):
    """Who floods the login, or is known for attacks, is turned away before it costs anything.

    `scope` says what it is put before: a distribution, or a user pool in the stack's region. Of `rules` the first that
    blocks or allows a request decides.
    """

    def __init__(
        self,
        name: str,
        *,
        scope: Literal["CLOUDFRONT", "REGIONAL"],
        rules: Sequence[Rule],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the rules; who is put behind them names `arn`."""
        super().__init__("Firewall", name, opts)
        web_acl = aws.wafv2.WebAcl(
            f"{name}-rules",
            region=HOME[scope],
            scope=scope,
            default_action={"allow": {}},
            rules=[rule.at(place) for place, rule in enumerate(rules)],
            visibility_config=_visibility(name),
            opts=self._child,
        )
        self.arn = web_acl.arn
        self.register_outputs({"arn": self.arn})


def _visibility(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    # Sampled requests would be kept whole, with cookies and codes.
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": False}


def _let_through(name: str, paths: str) -> Rule:
    """Let requests for these paths pass all that comes behind."""
    path: aws.wafv2.WebAclRuleStatementRegexMatchStatementArgsDict = {
        "regex_string": paths,
        "field_to_match": {"uri_path": {}},
        # As the API will read it, so that /api/auth/../userinfo is not let through.
        "text_transformations": [{"priority": 0, "type": "URL_DECODE"}, {"priority": 1, "type": "NORMALIZE_PATH"}],
    }
    return Rule(name, {"regex_match_statement": path}, {"allow": {}})


def _managed(name: str, *, uncounted: str = "") -> Rule:
    """Block what AWS's own rules of this name take for an attack, save by `uncounted`."""
    group: aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgsDict = {"vendor_name": "AWS", "name": name}
    if uncounted:
        group["rule_action_overrides"] = [{"name": uncounted, "action_to_use": {"count": {}}}]
    return Rule(name, {"managed_rule_group_statement": group})


FLOODS = Rule(
    "floods",
    {"rate_based_statement": {"aggregate_key_type": "IP", "limit": REQUESTS}},
    {"block": {"custom_response": {"response_code": TOO_MANY_REQUESTS}}},
)
REPUTATION = _managed("AWSManagedRulesAmazonIpReputationList")

BEFORE_SITE = (
    FLOODS,
    REPUTATION,
    # A callback carries other servers' words, a login an address, a sign-up a password that may look like anything.
    _let_through("sign-in", f"^{contract.AUTH_PATH}/"),
    _managed("AWSManagedRulesKnownBadInputsRuleSet"),
    _managed("AWSManagedRulesCommonRuleSet", uncounted="NoUserAgent_HEADER"),  # which says nothing against an app
)
BEFORE_USER_POOL = (
    # Our functions ask here for everybody, from a few addresses that they share with others.
    _let_through("functions", "^/(oauth2/(token|revoke))?$"),
    FLOODS,
    REPUTATION,
)
