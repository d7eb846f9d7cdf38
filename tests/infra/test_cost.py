"""docs/guides/cost.md has the tables of benchmarks/cost.py, which match the declared resources."""

import re

import pytest

from benchmarks import cost
from infra import firewall
from sandbox.program import ROOT
from tests.infra.engine import Graph

DOCUMENT = (ROOT / "docs" / "guides" / "cost.md").read_text()


@pytest.mark.parametrize("table", cost.TABLES, ids=lambda table: table.__name__)
def test_the_cost_page_has_each_table_that_the_script_prints(table: cost.Table) -> None:
    assert f"\n\n{table()}\n" in DOCUMENT


def test_the_cost_page_has_no_other_tables() -> None:
    printed = {line for table in cost.TABLES for line in table().splitlines()}
    assert {line for line in DOCUMENT.splitlines() if line.startswith("|")} == printed


def test_the_cost_page_has_the_date_of_its_prices() -> None:
    assert f"as of {cost.DATE}" in DOCUMENT


def test_a_price_tier_applies_only_beyond_the_previous_one() -> None:
    price = cost.Price("", ((10, 0), (20, 2), (cost.NO_LIMIT, 1)), "cognito", cost.OPEN)
    assert [price.of(amount) for amount in (0, 10, 11, 20, 25)] == [0, 0, 2, 20, 25]


def test_more_users_cost_more_for_every_service_but_the_fixed_ones() -> None:
    few, many = cost.month(100_000), cost.month(10_000_000)
    fixed = "CloudWatch, alarms and dashboard"
    assert all(many[service] > few[service] for service in few if few[service] > 1 and service != fixed)
    assert many[fixed] == few[fixed]
    assert few.keys() == many.keys()


def test_the_usual_architecture_sends_more_requests_and_costs_no_less() -> None:
    for people in cost.USERS:
        ours, usual = cost.month(people), cost.month(people, usual=True)
        assert all(usual[service] >= ours[service] for service in ours)
    assert cost.asked(usual=True)["UserRead"] > cost.asked(usual=False)["UserRead"]


def test_kakao_users_are_billed_as_federated_users() -> None:
    """AWS bills a profile that is linked to an OIDC identity as federated, also after a sign-in by token."""
    *_, kakao, mail = cost.by_kind_of_user().splitlines()
    for people, ours, own in zip(cost.USERS, kakao.split(" | ")[1:], mail.split(" | ")[1:], strict=True):
        assert ours.removesuffix(" |") == cost.dollars((people - 50) * 0.015)
        assert own.removesuffix(" |") == cost.dollars(max(0, people - 10_000) * 0.015)


def test_the_cost_script_counts_the_declared_dashboards_and_metrics(stack: Graph) -> None:
    assert len(stack.all("Dashboard")) == cost.DASHBOARDS
    assert len({metric["metricTransformation"]["name"] for metric in stack.all("LogMetricFilter")}) == cost.METRICS


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_the_readme_has_the_cost_of_a_stack_without_users_and_of_one_user(readme: str) -> None:
    without_users = cost.dollars(sum(cost.month(0).values()))
    one_user = f"${cost.PRICES['federated'].tiers[-1][1]}"
    assert re.findall(r"\$[0-9.]+[0-9]", (ROOT / readme).read_text()) == [without_users, one_user]


def test_functions_have_the_memory_that_the_cost_script_assumes(stack: Graph) -> None:
    assert {function["memorySize"] for function in stack.all("lambda/function:Function")} == {cost.MEMORY * 1024}


def test_a_firewall_has_the_number_of_rules_that_the_cost_script_assumes() -> None:
    rules = {"site": len(firewall.SITE_RULES), "user pool": len(firewall.USER_POOL_RULES)}
    assert rules == cost.FIREWALL_RULES
