"""docs/guides/cost.md says what benchmarks/cost.py reckons, from what the program declares."""

import re

import pytest

from benchmarks import cost
from infra import firewall
from sandbox.program import ROOT
from tests.infra.engine import Graph

DOCUMENT = (ROOT / "docs" / "guides" / "cost.md").read_text()


@pytest.mark.parametrize("table", cost.TABLES, ids=lambda table: table.__name__)
def test_the_page_has_each_table_as_the_script_prints_it(table: cost.Table) -> None:
    assert f"\n\n{table()}\n" in DOCUMENT


def test_the_page_has_no_figures_of_its_own_making() -> None:
    printed = {line for table in cost.TABLES for line in table().splitlines()}
    assert {line for line in DOCUMENT.splitlines() if line.startswith("|")} == printed


def test_the_page_says_of_when_its_prices_are() -> None:
    assert f"as of {cost.DATE}" in DOCUMENT


def test_a_tier_is_charged_only_beyond_the_one_before() -> None:
    price = cost.Price("", ((10, 0), (20, 2), (cost.NO_LIMIT, 1)), "cognito", cost.OPEN)
    assert [price.of(amount) for amount in (0, 10, 11, 20, 25)] == [0, 0, 2, 20, 25]


def test_more_people_cost_more_of_everything_that_they_use() -> None:
    few, many = cost.month(100_000), cost.month(10_000_000)
    fixed = "CloudWatch, alarms and dashboard"
    assert all(many[service] > few[service] for service in few if few[service] > 1 and service != fixed)
    assert many[fixed] == few[fixed]
    assert few.keys() == many.keys()


def test_the_usual_way_asks_for_more_and_saves_nothing() -> None:
    for people in cost.USERS:
        ours, usual = cost.month(people), cost.month(people, usual=True)
        assert all(usual[service] >= ours[service] for service in ours)
    assert cost.asked(usual=True)["UserRead"] > cost.asked(usual=False)["UserRead"]


def test_nobody_who_comes_from_kakao_is_taken_to_be_one_of_the_pools_own() -> None:
    """A profile that is linked to an OIDC identity is federated to AWS's bill, whether or not a token was used."""
    *_, kakao, mail = cost.by_kind_of_user().splitlines()
    for people, ours, own in zip(cost.USERS, kakao.split(" | ")[1:], mail.split(" | ")[1:], strict=True):
        assert ours.removesuffix(" |") == cost.dollars((people - 50) * 0.015)
        assert own.removesuffix(" |") == cost.dollars(max(0, people - 10_000) * 0.015)


def test_what_stands_there_for_nobody_is_what_is_reckoned(stack: Graph) -> None:
    assert len(stack.all("Dashboard")) == cost.DASHBOARDS
    assert len({metric["metricTransformation"]["name"] for metric in stack.all("LogMetricFilter")}) == cost.METRICS


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_the_readme_says_what_a_stack_costs_that_nobody_visits(readme: str) -> None:
    nobody = cost.dollars(sum(cost.month(0).values()))
    a_person = f"${cost.PRICES['federated'].tiers[-1][1]}"
    assert re.findall(r"\$[0-9.]+[0-9]", (ROOT / readme).read_text()) == [nobody, a_person]


def test_functions_have_the_memory_that_is_reckoned(stack: Graph) -> None:
    assert {function["memorySize"] for function in stack.all("lambda/function:Function")} == {cost.MEMORY * 1024}


def test_a_firewalls_rules_are_those_that_are_reckoned() -> None:
    rules = {"site": len(firewall.SITE_RULES), "user pool": len(firewall.USER_POOL_RULES)}
    assert rules == cost.FIREWALL_RULES
