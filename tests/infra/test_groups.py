"""The setting `groups`, and functions for some groups only."""

import json
import re
import zipfile

import pytest

from infra import inputs, packaging
from infra.alarms import Alarms
from infra.function import Function, Platform
from infra.inputs import InputError
from infra.keys import SettingError
from sandbox.program import ROOT
from tests.infra.engine import Declared, Graph, declare_component, functions, refused

SOURCE = ROOT / "tests" / "infra" / "programs" / "shop" / "report.py"


def test_without_the_setting_there_is_neither_a_group_nor_a_trigger(stack: Graph) -> None:
    assert stack.all("UserGroup") == []
    assert "preTokenGeneration" not in stack.one("UserPool")["lambdaConfig"]
    assert not [f.name for f in functions(stack) if "GROUPS" in f.inputs.get("environment", {}).get("variables", {})]


def test_each_name_is_a_group_of_the_pool_and_in_the_environment_of_each_function(everything: Graph) -> None:
    assert {group["name"] for group in everything.all("UserGroup")} == {"admin", "editor"}
    assert {group["userPoolId"] for group in everything.all("UserGroup")} == {everything.exports["userPoolId"]}
    for function in functions(everything):
        assert json.loads(function["environment"]["variables"]["GROUPS"]) == ["admin", "editor"], function.name


def test_the_trigger_is_called_before_a_token_is_issued(everything: Graph) -> None:
    trigger = everything.function("pre_token_generation")
    assert everything.one("UserPool")["lambdaConfig"]["preTokenGeneration"] == trigger.outputs["arn"]
    assert everything.named("login-pool-pre-token-generation")["function"] == trigger.outputs["arn"]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["admin editor"], "groups[0] has 'admin editor'; a group's name has 1 to 64 letters"),
        (["admin", "a,b"], "groups[1] has 'a,b'"),
        (["[admin]"], "groups[0] has '[admin]'"),
        ([""], "groups[0] has ''"),
        (["x" * 65], "1 to 64 letters"),
        (["team_Kakao"], "Cognito itself names a group <pool>_Kakao"),
        (["admin", "admin"], "names 'admin' twice"),
        ([f"g{number}" for number in range(21)], "names more than 20"),
        ("admin", "it should be a list of names of groups"),
        ([5], "it should be a list of names of groups"),
    ],
)
def test_a_group_name_that_a_token_cannot_hold_is_refused(names: object, why: str) -> None:
    with pytest.raises(InputError) as error:
        inputs.checked({"kakao": {"client_id": "x", "client_secret": "y"}, "groups": names})  # type: ignore[typeddict-item]
    assert why in str(error.value)


def test_the_setting_is_refused_with_the_command_that_fixes_it() -> None:
    assert "pulumi config set --path 'groups[0]'" in refused({"groups": ["a b"]})


def declare_function(groups: list[str], known: tuple[str, ...] = ("admin", "editor")) -> Declared:
    def program() -> None:
        platform = Platform("python3.13", "arm64", 7, "", False, Alarms("alarms", email=""), known)
        Function("report", source=SOURCE, platform=platform, groups=groups)

    return declare_component(program).one("lambda/function:Function")


def test_a_function_for_a_group_starts_with_the_check() -> None:
    function = declare_function(["admin"])
    assert function["handler"] == "handlers.group_check.handler"
    variables = function["environment"]["variables"]
    assert json.loads(variables["ALLOWED_GROUPS"]) == ["admin"]
    assert variables["CHECKED_HANDLER"] == "shop.report.handler"
    with zipfile.ZipFile(function["code"].path) as archive:
        assert {"handlers/group_check.py", "shop/report.py"} <= set(archive.namelist())


def test_a_function_for_all_users_starts_with_its_own_code() -> None:
    function = declare_function([])
    assert function["handler"] == "shop.report.handler"
    assert set(function["environment"]["variables"]) == {"GROUPS"}


def test_a_function_with_and_one_without_the_check_have_separate_packages() -> None:
    assert packaging.function_zip(SOURCE) != packaging.function_zip(SOURCE, "group_check")


@pytest.mark.parametrize(
    ("groups", "known", "why"),
    [
        (
            ["admn"],
            ("admin",),
            "groups does not name 'admn', which the function 'report' is for; the nearest is 'admin'.\n"
            "  Fix it: pulumi config set --path 'groups[1]' admn",
        ),
        (["admin"], (), "--path 'groups[0]' admin"),
        (["admin", "boss"], ("admin",), "--path 'groups[1]' boss"),
        ("admin", ("admin",), "write a list, ['admin']"),
    ],
)
def test_a_group_that_the_setting_does_not_name_is_refused(groups: list[str], known: tuple[str, ...], why: str) -> None:
    with pytest.raises((SettingError, ValueError), match=re.escape(why)):
        declare_function(groups, known)


def test_the_error_of_an_unknown_group_suggests_a_change_of_the_file() -> None:
    with pytest.raises(SettingError) as error:
        declare_function(["boss"], ("admin",))
    assert error.value.edit == "write `- boss` below `groups:`"
