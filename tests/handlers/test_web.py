"""Cookies as API Gateway and browsers write them, and what never becomes one."""

import itertools
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import web
from handlers.errors import CookieError, HttpError
from tests.handlers import planted as planted_names


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({}, {}),
        ({"cookies": None, "headers": {}}, {}),
        ({"cookies": ["a=1", "b=2"]}, {"a": ["1"], "b": ["2"]}),
        ({"cookies": ["a=1", "a=2", "a=1"]}, {"a": ["1", "2", "1"]}),
        ({"headers": {"cookie": "a=1;b=2;  c=3 ;"}}, {"a": ["1"], "b": ["2"], "c": ["3"]}),
        ({"cookies": ["a=b=c=="]}, {"a": ["b=c=="]}),
        ({"cookies": ['a="1"', "b=%20"]}, {"a": ['"1"'], "b": ["%20"]}),
        ({"cookies": ["a", "", "=1", "b="]}, {"": ["1"], "b": [""]}),
        ({"cookies": ["A=1", "a=2"]}, {"A": ["1"], "a": ["2"]}),
        ({"cookies": ["a=1"], "headers": {"cookie": "a=other"}}, {"a": ["1"]}),
        ({"cookies": ["a=1; b=2", "c=3"]}, {"a": ["1"], "b": ["2"], "c": ["3"]}),
        ({"headers": {"cookie": " \ta=1 \t; \t b=2\t"}}, {"a": ["1"], "b": ["2"]}),
        ({"headers": {"cookie": "a =1; b= 2"}}, {"a ": ["1"], "b": [" 2"]}),
    ],
)
def test_every_value_of_every_cookie_is_found_as_it_was_sent(event: Any, found: dict[str, list[str]]) -> None:
    assert web.cookies(event) == found


@pytest.mark.parametrize("name", ["__Host-id", "__Host-person", "__Secure-refresh", "__Host-login-AAAAAAAA"])
def test_a_name_with_any_other_white_space_or_control_character_is_another_name(name: str) -> None:
    """A sibling host can set a cookie of such a name, because a browser does not take it for one that begins so."""
    for planted in map(str.format, planted_names.ALL, itertools.repeat(name)):
        for event in ({"cookies": [f"{planted}=x"]}, {"headers": {"cookie": f"a=1; {planted}=x; b=2"}}):
            assert name not in web.cookies(event), repr(planted)


@given(st.text().filter(lambda text: text.strip(" \t") and not {*text} & {*";="}))
def test_a_name_is_what_stands_between_space_and_tab(text: str) -> None:
    assert web.cookies({"headers": {"cookie": f"a=1; {text}=x"}}).keys() == {"a", text.lstrip(" \t")}


@pytest.mark.parametrize("value", ["a;b", "a b", "a,b", 'a"b', "a\\b", "a\r\nSet-Cookie: b=c", "a\n", "é", "x" * 4093])
def test_a_value_that_a_browser_would_drop_or_read_otherwise_is_no_cookie(value: str) -> None:
    with pytest.raises(CookieError) as refused:
        web.set_cookie("name", value, path="/", max_age=1, same_site="Strict")
    assert value not in str(refused.value)


def test_a_cookie_may_fill_what_a_browser_keeps() -> None:
    assert "x" * 4092 in web.set_cookie("name", "x" * 4092, path="/", max_age=1, same_site="Strict")


def test_a_bug_is_a_500_of_which_the_log_says_what_and_where_but_no_text(caplog: pytest.LogCaptureFixture) -> None:
    def buggy() -> web.Response:
        raise RuntimeError("canary")

    answer = web.respond(buggy, log=logging.getLogger("test"))
    assert answer["statusCode"] == 500
    assert set(json.loads(answer["body"])) == {"error", "message"}
    (record,) = caplog.records
    assert (record.message, vars(record)["reason"], vars(record)["at"].split(":")[0]) == (
        "unexpected",
        "RuntimeError",
        "buggy",
    )
    assert "canary" not in json.dumps(answer) + repr(record.__dict__)


@pytest.mark.parametrize("event", [{}, {"headers": {}}, {"headers": {"origin": None}}, {"headers": {"origin": ["a"]}}])
def test_a_header_is_text_or_it_is_not_there(event: Any) -> None:
    assert web.header(event, "origin") is None


def test_no_body_at_all_is_no_json_object() -> None:
    for event in ({}, {"body": None}, {"body": ""}):
        with pytest.raises(HttpError) as refused:
            web.json_body(event)
        assert (refused.value.status, refused.value.code) == (400, "invalid_request")


def test_a_field_may_be_as_long_as_it_says() -> None:
    assert web.text_field({"field": "xx"}, "field", max_length=2) == "xx"
    with pytest.raises(HttpError):
        web.text_field({"field": "xxx"}, "field", max_length=2)


def test_an_answer_is_readable_json_or_nothing() -> None:
    assert web.json_response(200, {"nickname": "김하늘"})["body"] == '{"nickname": "김하늘"}'
    nothing = web.json_response(204, None)
    assert (nothing["body"], "content-type" in nothing["headers"]) == ("", False)
