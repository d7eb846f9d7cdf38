"""A new user gets one to-do, also after repeated announcements."""

import importlib
import json
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from moto import mock_aws

from handlers.bugs import UnexpectedError
from tests.service.tables import create_table


@pytest.fixture
def first_sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = importlib.import_module("service.first_sign_in")
    with mock_aws():
        monkeypatch.setattr(module, "table", partial(create_table, "id"))
        yield module


def announced(*subs: str) -> dict[str, Any]:
    return {"Records": [{"Sns": {"Message": json.dumps({"sub": sub, "provider": "Kakao"})}} for sub in subs]}


def test_each_new_user_gets_one_to_do(first_sign_in: ModuleType) -> None:
    first_sign_in.handler(announced("sub-1", "sub-2"), None)
    items = create_table("id").scan()["Items"]
    assert {(item["sub"], item["id"]) for item in items} == {("sub-1", "0-welcome"), ("sub-2", "0-welcome")}


def test_a_second_announcement_changes_nothing(first_sign_in: ModuleType) -> None:
    first_sign_in.handler(announced("sub-1"), None)
    create_table("id").put_item(Item={"sub": "sub-1", "id": "0-welcome", "text": "changed"})
    first_sign_in.handler(announced("sub-1", "sub-2"), None)
    items = {item["sub"]: item["text"] for item in create_table("id").scan()["Items"]}
    assert items["sub-1"] == "changed"
    assert "sub-2" in items


def test_the_first_to_do_can_be_removed_and_is_listed_first() -> None:
    todos = importlib.import_module("service.todos")
    welcome = importlib.import_module("service.first_sign_in").WELCOME
    assert todos.ID_PATTERN.fullmatch(welcome)
    assert welcome < "1700000000000-aaaaaaaa"


def test_a_failure_is_raised_so_that_sns_retries(first_sign_in: ModuleType) -> None:
    with pytest.raises(UnexpectedError):
        first_sign_in.handler({"Records": [{"Sns": {"Message": "{}"}}]}, None)
