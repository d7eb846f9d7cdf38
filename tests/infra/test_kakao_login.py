"""The login as a component of a program that is not this project's own."""

import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from infra import inputs, names, packaging
from infra.function import Function
from infra.inputs import InputError, KakaoLoginArgs
from sandbox.program import ROOT
from tests.infra.engine import Graph, declare_component

KAKAO = {"client_id": "k", "client_secret": "s"}
TWO = Path(__file__).parent / "programs" / "two_logins.py"
# Inputs that name something in the account, where no other resource may have the same name.
PHYSICAL = {
    "Dashboard": ("dashboardName",),
    "LayerVersion": ("layerName",),
    "UserPoolDomain": ("domain",),
    "Role": ("name",),
    "Function": ("name",),
    "Bucket": ("bucket",),
}


def checked(**args: Any) -> Any:
    return inputs.checked(cast("KakaoLoginArgs", args))


@pytest.fixture(scope="module")
def two_and_refusal() -> tuple[Graph, str]:
    """Two logins in one stack, and the error of the first one when it is given work at a first sign-in."""
    refusals: list[str] = []

    def program() -> None:
        login = runpy.run_path(str(TWO))["login"]
        function = Function("welcome", source=packaging.HANDLERS / "pre_authentication.py", platform=login.platform)
        try:
            login.at_first_sign_in(function)
        except ValueError as refusal:
            refusals.append(str(refusal))

    graph = declare_component(program)
    return graph, " ".join(refusals)


@pytest.fixture(scope="module")
def two(two_and_refusal: tuple[Graph, str]) -> Graph:
    return two_and_refusal[0]


def test_at_first_sign_in_needs_the_input_first_sign_in(two_and_refusal: tuple[Graph, str]) -> None:
    complaint = 'needs the input first_sign_in.*: write KakaoLogin\\("login", .*"first_sign_in": True'
    assert re.search(complaint, two_and_refusal[1])


def test_two_logins_in_one_stack_share_no_name(two: Graph) -> None:
    assert [tail for tail, count in Counter(resource.tail for resource in two.resources).items() if count > 1] == []
    physical = Counter(
        (resource.type, str(resource.inputs[key]))
        for resource in two.custom()
        for key in PHYSICAL.get(resource.type.rpartition(":")[2], ())
        if key in resource.inputs
    )
    assert [name for name, count in physical.items() if count > 1] == []
    metrics = [
        {str(f["metricTransformation"]) for f in two.all("LogMetricFilter") if f.name.startswith(login)}
        for login in ("login", "staff")
    ]
    assert metrics[0]
    assert not metrics[0] & metrics[1]


def test_resources_and_look_ups_of_a_login_use_its_own_provider(two: Graph) -> None:
    for resource in two.custom():
        assert resource.provider == ("tokyo" if resource.name.startswith("staff") else ""), resource.name
    tokens = {"aws:index/getCallerIdentity:getCallerIdentity", "aws:index/getRegion:getRegion"}
    assert set(two.look_ups) == {(token, provider) for token in tokens for provider in ("", "tokyo")}


def test_only_the_login_named_as_in_the_first_version_has_aliases(two: Graph) -> None:
    taken = {r.name.partition("-")[0] for r in two.resources if any(alias["name"] for alias in r.aliases)}
    assert taken == {"login"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"token": {}}, "token is no input of KakaoLogin; the nearest is tokens"),
        ({"tokens": {"minute": 5}}, "tokens.minute is no input of KakaoLogin; the nearest is tokens.minutes"),
        ({"tokens": {"minutes": 5.5}}, "tokens.minutes is 5.5; it should be a whole number"),
        ({"waf": "yes"}, "waf is 'yes'; it should be true or false"),
        ({"extra_origins": ["https://a.example", "b"]}, "extra_origins[1] is 'b'; it should be an origin"),
        ({"domains": {"site": "www.example.com"}}, "domains.hosted_zone_id is not set, but domains.site is"),
        ({"kakao": {"client_secret": "s"}}, "kakao.client_id is not set"),
        ({"kakao": {"client_id": "k", "client_secret": " s"}}, "begins or ends with white space"),
    ],
)
def test_a_wrong_input_is_refused_with_its_name(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError) as refusal:
        checked(**{"kakao": KAKAO, **changes})
    assert problem in str(refusal.value)


def test_a_derived_domain_prefix_has_the_account_id_and_is_refused_where_cognito_would_refuse_it() -> None:
    args = checked(kakao=KAKAO)
    assert inputs.with_prefix(args, "shop-dev-login")["domains"]["prefix"] == "shop-dev-login-{accountId}"
    for name in ("shop-dev-amazon", "my-aws-dev"):
        with pytest.raises(InputError, match=r"domains\.prefix is not set, and .* contains '(amazon|aws)'"):
            inputs.with_prefix(args, name)
        args["domains"]["prefix"] = "of-ours"
        assert inputs.with_prefix(args, name) == args
        args["domains"]["prefix"] = ""


def test_a_whole_number_may_arrive_as_a_float() -> None:
    assert checked(kakao=KAKAO, tokens={"minutes": 20.0})["tokens"]["minutes"] == 20


def test_the_longest_stack_name_has_32_characters() -> None:
    assert names.longest_stack("kakao-login", "login") == 32


LIMITS = {  # characters of a physical name; IAM, Lambda, CloudFront and S3 documentation
    "aws:iam/role:Role": 64,
    "aws:lambda/function:Function": 64,
    "aws:cloudfront/function:Function": 64,
    "aws:cloudfront/originAccessControl:OriginAccessControl": 64,
    "aws:s3/bucket:Bucket": 63,
    "aws:lambda/permission:Permission": 100,
}


def test_every_physical_name_of_the_longest_stack_fits_into_awss_limits(everything: Graph) -> None:
    autonaming = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]["value"]
    own = {kind: each["pattern"] for kind, each in autonaming["providers"]["aws"]["resources"].items()}
    stack = "s" * names.longest_stack("kakao-login")
    assert {resource.type for resource in everything.custom()} >= LIMITS.keys()
    for resource in everything.custom():
        pattern = own.get(resource.type, autonaming["pattern"])
        name = pattern.replace("${project}", "kakao-login").replace("${stack}", stack).replace("${name}", resource.name)
        name = re.sub(r"\$\{hex\((\d)\)\}", lambda digits: "0" * int(digits[1]), name)
        assert len(name) <= LIMITS.get(resource.type, 128), resource.name
