"""AWS WAF in front of the site and of the user pool."""

# Annotations as texts: pulumi_aws.wafv2 is larger than all other modules together, and only `waf` needs it.
from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra.component import Component

# Requests of one IP address in five minutes: 10 a second, a fifth of the API's limit for all users. Thousands of users
# share one address of a mobile carrier, and WAF blocks all of them together.
MAX_REQUESTS = 3000
TOO_MANY_REQUESTS = 429
REGIONS = {"CLOUDFRONT": contract.CLOUDFRONT_REGION, "REGIONAL": None}  # by the rules' scope; None is the stack's


class Rule(NamedTuple):
    """A condition on requests, and the action for those that match. A managed group has its own actions."""

    name: str
    statement: aws.wafv2.WebAclRuleStatementArgsDict
    action: aws.wafv2.WebAclRuleActionArgsDict | None = None

    def with_priority(self, priority: int) -> aws.wafv2.WebAclRuleArgsDict:
        """Return the rule for CreateWebACL. WAF evaluates lower priorities first."""
        return {
            "name": self.name,
            "priority": priority,
            "statement": self.statement,
            "action": self.action,
            "override_action": None if self.action else {"none": {}},
            "visibility_config": _visibility(self.name),
        }


class Firewall(Component):
    """AWS WAF blocks floods and known attacks before a request reaches the login.

    `scope` is CLOUDFRONT for a distribution, and REGIONAL for a user pool. The first of `rules` that blocks or allows a
    request decides.
    """

    def __init__(
        self,
        name: str,
        *,
        scope: Literal["CLOUDFRONT", "REGIONAL"],
        rules: Sequence[Rule],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the web ACL. The protected resource refers to `arn`."""
        super().__init__("Firewall", name, opts)
        web_acl = aws.wafv2.WebAcl(
            f"{name}-rules",
            region=REGIONS[scope],
            scope=scope,
            default_action={"allow": {}},
            rules=[rule.with_priority(priority) for priority, rule in enumerate(rules)],
            visibility_config=_visibility(name),
            opts=self._child,
        )
        self.arn = web_acl.arn
        self.register_outputs({"arn": self.arn})


def _visibility(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    # WAF would keep sampled requests with their cookies and codes.
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": False}


def _allow_paths(name: str, paths: str) -> Rule:
    """Allow requests for these paths, a regular expression. WAF skips the rules after this one."""
    path: aws.wafv2.WebAclRuleStatementRegexMatchStatementArgsDict = {
        "regex_string": paths,
        "field_to_match": {"uri_path": {}},
        # API Gateway normalizes the path too. Without this, /api/auth/../userinfo would be allowed.
        "text_transformations": [{"priority": 0, "type": "URL_DECODE"}, {"priority": 1, "type": "NORMALIZE_PATH"}],
    }
    return Rule(name, {"regex_match_statement": path}, {"allow": {}})


def _managed_rules(name: str, *, count_only: str = "") -> Rule:
    """Block requests that match AWS's managed rule group of this name. The rule `count_only` blocks nothing."""
    group: aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgsDict = {"vendor_name": "AWS", "name": name}
    if count_only:
        group["rule_action_overrides"] = [{"name": count_only, "action_to_use": {"count": {}}}]
    return Rule(name, {"managed_rule_group_statement": group})


FLOODS = Rule(
    "floods",
    {"rate_based_statement": {"aggregate_key_type": "IP", "limit": MAX_REQUESTS}},
    {"block": {"custom_response": {"response_code": TOO_MANY_REQUESTS}}},
)
REPUTATION = _managed_rules("AWSManagedRulesAmazonIpReputationList")

SITE_RULES = (
    FLOODS,
    REPUTATION,
    # Below /api/auth/ the query and the body hold addresses, codes and passwords, which look like attacks to the rules.
    _allow_paths("sign-in", f"^{contract.AUTH_PATH}/"),
    _managed_rules("AWSManagedRulesKnownBadInputsRuleSet"),
    _managed_rules("AWSManagedRulesCommonRuleSet", count_only="NoUserAgent_HEADER"),  # apps may send no User-Agent
)
USER_POOL_RULES = (
    # The login's functions call these paths for all users, from a few addresses.
    _allow_paths("functions", "^/(oauth2/(token|revoke))?$"),
    FLOODS,
    REPUTATION,
)
