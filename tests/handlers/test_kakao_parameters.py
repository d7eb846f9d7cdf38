"""Kakao's own parameters of a login link."""

from urllib.parse import parse_qs

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers import kakao_parameters
from handlers.errors import KakaoParameterError

NAMES = {"prompt", "login_hint", "service_terms", "channel_public_id"}
MISTAKEN = [
    ("prompt", "consent"),
    ("prompt", "Login"),
    ("prompt", "login login"),
    ("prompt", "login,"),
    ("prompt", "login,login"),
    ("prompt", "none,login"),
    ("prompt", "none&client_id=theirs"),
    ("login_hint", "a@b@example.com"),
    ("login_hint", "haneul@example.com\r\nx: y"),
    ("login_hint", "haneul@example.com&redirect_uri=https://evil.example"),
    ("login_hint", "하늘"),
    ("login_hint", "a" * 65),
    ("service_terms", "age 14"),
    ("service_terms", ",".join("abcdefghijk")),
    ("service_terms", "<script>"),
    ("channel_public_id", "ZeUTxl"),
    ("channel_public_id", "_Ze/UTxl"),
]
GOOD = [
    ("prompt", "none"),
    ("prompt", "login"),
    ("prompt", "create"),
    ("prompt", "select_account"),
    ("prompt", "login,select_account"),
    ("login_hint", "haneul.kim+kakao@example.co.kr"),
    ("login_hint", "haneul_kim"),
    ("login_hint", "+82 10-1234-5678"),
    ("login_hint", "01012345678"),
    ("service_terms", "age_14,service-2026.1"),
    ("channel_public_id", "_ZeUTxl,_xfxhjXn"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_a_documented_value_is_passed_on_unchanged(name: str, value: str) -> None:
    assert kakao_parameters.parse({name: [value]}) == {name: value}


@pytest.mark.parametrize(("name", "value"), MISTAKEN)
def test_an_undocumented_value_is_refused_and_the_error_names_the_parameter(name: str, value: str) -> None:
    with pytest.raises(KakaoParameterError, match=name):
        kakao_parameters.parse({name: [value]})


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_a_parameter_that_occurs_twice_is_refused(name: str, value: str) -> None:
    with pytest.raises(KakaoParameterError, match=name):
        kakao_parameters.parse({name: [value, value]})


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_empty_parameter_is_ignored(name: str) -> None:
    assert kakao_parameters.parse({name: [""]}) == {}


def test_parameters_too_long_for_the_login_cookie_are_refused() -> None:
    terms = ",".join(["t" * 64] * 7)
    with pytest.raises(KakaoParameterError):
        kakao_parameters.parse({"service_terms": [terms]})


values = st.one_of(st.text(max_size=40), st.sampled_from([value for _, value in GOOD + MISTAKEN]))
names = st.one_of(st.text(max_size=20), st.sampled_from([*NAMES, "client_id", "redirect_uri", "state", "scope"]))


@given(st.dictionaries(names, st.lists(values, max_size=2), max_size=6))
@example({"client_id": ["theirs"], "prompt": ["login"], "scope": ["talk_message"]})
def test_only_kakaos_four_parameters_are_read_from_a_query(query: dict[str, list[str]]) -> None:
    try:
        found = kakao_parameters.parse(query)
    except KakaoParameterError:
        return
    assert found.keys() <= NAMES
    assert all(query[name] == [value] for name, value in found.items())
    text = kakao_parameters.encode(found)
    assert parse_qs(text) == {name: [value] for name, value in found.items()}
    assert kakao_parameters.decode(text) == found


@pytest.mark.parametrize("text", ["prompt=x", "prompt=login&prompt=login", "prompt=none&" + "&".join("abcdefgh")])
def test_invalid_parameters_in_a_login_cookie_are_refused(text: str) -> None:
    with pytest.raises(KakaoParameterError):
        kakao_parameters.decode(text)


def test_only_prompt_none_is_a_silent_login() -> None:
    assert kakao_parameters.is_silent({"prompt": "none"})
    assert not kakao_parameters.is_silent({"prompt": "login"})
    assert not kakao_parameters.is_silent({})
