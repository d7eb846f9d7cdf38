"""Only its user reaches a to-do, and an invalid request gets an error that says what to send."""

import importlib
import json
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from moto import mock_aws

from tests.service.api import call
from tests.service.tables import create_table


@pytest.fixture
def todos(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = importlib.import_module("service.todos")
    with mock_aws():
        monkeypatch.setattr(module, "table", partial(create_table, "id"))
        yield module


def ask(
    todos: ModuleType, route: str, body: Any = None, *, sub: str = "sub-1", query: str = "", raw: str | None = None
) -> tuple[int, Any]:
    """Call the handler, and return the status and the JSON of the answer."""
    method, path = route.split(" ")
    key = f"{method} /api/todos" + ("/{id}" if method == "DELETE" else "")
    more: dict[str, Any] = {"rawQueryString": query, "pathParameters": {"id": path.rpartition("/")[2]}}
    return call(todos.handler, key, body, sub=sub, raw=raw, **more)


def texts(todos: ModuleType, **more: Any) -> list[str]:
    status, body = ask(todos, "GET /api/todos", **more)
    assert status == 200
    return [todo["text"] for todo in body["todos"]]


def test_a_to_do_is_listed_until_it_is_removed(todos: ModuleType) -> None:
    assert ask(todos, "GET /api/todos") == (200, {"todos": [], "next": None})
    status, made = ask(todos, "POST /api/todos", {"text": " 우유 사기 "})
    assert (status, made["text"]) == (201, "우유 사기")
    assert ask(todos, "GET /api/todos") == (200, {"todos": [made], "next": None})
    assert ask(todos, f"DELETE /api/todos/{made['id']}") == (204, None)
    assert texts(todos) == []


def test_another_user_can_neither_see_nor_remove_a_to_do(todos: ModuleType) -> None:
    _, made = ask(todos, "POST /api/todos", {"text": "mine"})
    assert texts(todos, sub="sub-2") == []
    status, body = ask(todos, f"DELETE /api/todos/{made['id']}", sub="sub-2")
    assert (status, body["error"]) == (404, "not_found")
    assert texts(todos) == ["mine"]


@pytest.mark.parametrize("unknown", ["0-none", "", "x" * 2000, "a b", "..", "%00", "가"])
def test_an_unknown_id_is_a_404(todos: ModuleType, unknown: str) -> None:
    status, body = ask(todos, f"DELETE /api/todos/{unknown}" if " " not in unknown else "DELETE /api/todos/a+b")
    assert (status, body["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ("{", "JSON object"),
        ("[]", "JSON object"),
        ("", "JSON object"),
        ("[" * 5000, "JSON object"),
        ("{}", "'text'"),
        ('{"text": ""}', "'text'"),
        ('{"text": " \\n"}', "white space"),
        ('{"text": 5}', "'text'"),
        ('{"text": null}', "'text'"),
        (json.dumps({"text": "x" * 501}), "500 characters"),
        ('{"text": "\\ud800"}', "'text'"),
        (json.dumps({"text": "x", "more": "y" * 17000}), "16 KB"),
    ],
)
def test_an_invalid_to_do_is_refused_with_the_reason(todos: ModuleType, raw: str, named: str) -> None:
    status, body = ask(todos, "POST /api/todos", raw=raw)
    assert (status, body["error"]) == (400, "invalid_request")
    assert named in body["message"]
    assert texts(todos) == []


def test_a_text_of_the_maximum_length_is_kept(todos: ModuleType) -> None:
    ask(todos, "POST /api/todos", {"text": "가" * 500})
    assert texts(todos) == ["가" * 500]


def test_pages_list_every_to_do_once_and_the_oldest_first(todos: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(todos, "PAGE", 2)
    for number in range(5):
        monkeypatch.setattr(todos.time, "time", lambda number=number: 1_700_000_000 + number)
        ask(todos, "POST /api/todos", {"text": str(number)})
    seen, query = [], ""
    while True:
        _, body = ask(todos, "GET /api/todos", query=query)
        seen += [todo["text"] for todo in body["todos"]]
        if body["next"] is None:
            break
        query = f"after={body['next']}"
    assert seen == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("after", ["", "A", "x" * 41, "%ED%95%9C"])
def test_a_page_after_an_invalid_id_is_refused(todos: ModuleType, after: str) -> None:
    assert ask(todos, "GET /api/todos", query=f"after={after}")[0] == 400


def test_a_head_request_has_no_body(todos: ModuleType) -> None:
    assert ask(todos, "HEAD /api/todos") == (200, None)


def test_a_bug_of_a_handler_fails_its_test_with_the_original_exception(
    todos: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(todos, "PAGE", "many")
    with pytest.raises(ParamValidationError, match="Limit"):
        ask(todos, "GET /api/todos")
