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
def test_every_value_of_every_cookie_is_read_unchanged(event: Any, found: dict[str, list[str]]) -> None:
    assert web.cookies(event) == found


@pytest.mark.parametrize("name", ["__Host-id", "__Host-person", "__Secure-refresh", "__Host-login-AAAAAAAA"])
def test_a_cookie_name_with_other_white_space_or_control_characters_is_another_name(name: str) -> None:
    """A sibling host can set a cookie of such a name, because a browser does not take it for one that begins so."""
    for planted in map(str.format, planted_names.ALL, itertools.repeat(name)):
        for event in ({"cookies": [f"{planted}=x"]}, {"headers": {"cookie": f"a=1; {planted}=x; b=2"}}):
            assert name not in web.cookies(event), repr(planted)


@given(st.text().filter(lambda text: text.strip(" \t") and not {*text} & {*";="}))
def test_only_spaces_and_tabs_are_trimmed_from_a_cookie_name(text: str) -> None:
    assert web.cookies({"headers": {"cookie": f"a=1; {text}=x"}}).keys() == {"a", text.lstrip(" \t")}


@pytest.mark.parametrize("value", ["a;b", "a b", "a,b", 'a"b', "a\\b", "a\r\nSet-Cookie: b=c", "a\n", "é", "x" * 4093])
def test_a_cookie_value_that_a_browser_would_not_keep_is_refused(value: str) -> None:
    with pytest.raises(CookieError) as refused:
        web.set_cookie("name", value, path="/", max_age=1, same_site="Strict")
    assert value not in str(refused.value)


def test_a_cookie_may_have_the_maximum_size() -> None:
    assert "x" * 4092 in web.set_cookie("name", "x" * 4092, path="/", max_age=1, same_site="Strict")


def test_a_bug_is_a_500_and_its_log_line_has_the_type_and_place_but_no_text(caplog: pytest.LogCaptureFixture) -> None:
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
def test_a_header_that_is_not_text_is_ignored(event: Any) -> None:
    assert web.header(event, "origin") is None


def test_a_missing_body_is_refused_with_400() -> None:
    for event in ({}, {"body": None}, {"body": ""}):
        with pytest.raises(HttpError) as refused:
            web.json_body(event)
        assert (refused.value.status, refused.value.code) == (400, "invalid_request")


def test_a_field_may_have_its_maximum_length() -> None:
    assert web.text_field({"field": "xx"}, "field", max_length=2) == "xx"
    with pytest.raises(HttpError):
        web.text_field({"field": "xxx"}, "field", max_length=2)


def test_a_response_is_readable_json_or_empty() -> None:
    assert web.json_response(200, {"nickname": "김하늘"})["body"] == '{"nickname": "김하늘"}'
    nothing = web.json_response(204, None)
    assert (nothing["body"], "content-type" in nothing["headers"]) == ("", False)
