"""A table of the team: an input that DynamoDB would refuse is refused at its line."""

from typing import Any

import pytest

from infra.alarms import Alarms
from infra.component import Component
from infra.function import Platform
from infra.names import InvalidNameError
from infra.table import Table
from tests.infra.engine import Graph, declare_component


def declare_table(name: str = "notes", **inputs: Any) -> Graph:
    def program() -> None:
        platform = Platform("python3.13", "arm64", 7, "", False, Alarms("alarms", email=""))
        Table(name, **{"platform": platform, "key": "sub", **inputs})

    return declare_component(program)


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"key": ""}, r"^'notes' has key='': give the name of one attribute, such as 'sub'"),
        ({"key": None}, r"^'notes' has key=None"),
        ({"key": ["sub", "id"]}, r"^'notes' has key=\['sub', 'id'\]: give the name of one attribute"),
        ({"key": "가" * 86}, "give the name of one attribute"),
        ({"sort_key": ""}, r"^'notes' has sort_key='': give the name of one attribute, such as 'id'"),
        ({"sort_key": ["id"]}, r"^'notes' has sort_key=\['id'\]"),
        ({"expires": True}, r"^'notes' has expires=True: give the name of one attribute, such as 'expires'"),
        ({"sort_key": "sub"}, "^'notes' has 'sub' as its key and once more"),
        ({"expires": "sub"}, "^'notes' has 'sub' as its key and once more"),
    ],
)
def test_an_invalid_key_of_a_table_is_refused(inputs: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        declare_table(**inputs)


@pytest.mark.parametrize("name", ["My Bookmarks_x", "notes!", "메모", "a.b", "a/b", ""])
def test_every_component_refuses_a_name_with_characters_that_aws_refuses(name: str) -> None:
    with pytest.raises(InvalidNameError, match="cannot be the name of a resource: AWS takes letters"):
        declare_table(name)
    with pytest.raises(InvalidNameError, match="cannot be the name of a resource"):
        declare_component(lambda: Component("Route", name, None))


@pytest.mark.parametrize("name", ["My_Bookmarks-2", "a" * 200])
def test_letters_digits_hyphens_and_underscores_are_accepted_in_a_name(name: str) -> None:
    assert declare_table(name).one("Table").name == f"{name}-table"
