"""The way from the hosted login on to Kakao."""

import base64
import json
import re
import time
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers import kakao_authorize
from handlers.errors import AuthorizationRequestError
from tests.handlers.conftest import KAKAO_AUTHORIZE, KAKAO_CLIENT_ID, LOCAL, Cognito, id_token
from tests.handlers.web_client import Answer, Client, set_cookies

AUTHORIZE, LOGIN, CALLBACK = "GET /api/kakao/authorize", "GET /api/auth/login", "GET /api/auth/callback"
OWN = {"prompt", "login_hint", "service_terms", "channel_public_id"}


@pytest.fixture
def client(session: ModuleType, cognito: Cognito) -> Client:
    return Client(session.handler)


@pytest.fixture
def sent(hosted: str) -> dict[str, str]:
    """The query that Cognito sends to an identity provider."""
    return {
        "client_id": KAKAO_CLIENT_ID,
        "redirect_uri": f"{hosted}/oauth2/idpresponse",
        "scope": "openid account_email profile_nickname",
        "response_type": "code",
        "state": "H4sIAAAAAAAA/1WQy27CMBBF+1g==.2",
    }


def begin(client: Client, **parameters: str) -> None:
    assert client.send(LOGIN, parameters)["statusCode"] == 302


def query_of(answer: Answer) -> dict[str, str]:
    assert answer["statusCode"] == 302
    address = urlsplit(answer["headers"]["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == KAKAO_AUTHORIZE
    found = parse_qsl(address.query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(found)) == len(found)
    return dict(found)


def test_the_redirect_to_kakao_has_cognitos_query_and_the_parameters_of_the_login_link(
    client: Client, sent: dict[str, str]
) -> None:
    begin(client, prompt="login,select_account", login_hint="+82 10-1234-5678", service_terms="age_14,ads")
    own = {"prompt": "login,select_account", "login_hint": "+82 10-1234-5678", "service_terms": "age_14,ads"}
    assert query_of(client.send(AUTHORIZE, sent)) == sent | own


def test_without_a_login_of_the_site_cognitos_query_is_passed_on_unchanged(
    client: Client, sent: dict[str, str]
) -> None:
    """A mobile app at the hosted login."""
    answer = client.send(AUTHORIZE, sent)
    assert answer["headers"]["location"] == f"{KAKAO_AUTHORIZE}?{urlencode(sent)}"
    assert answer["cookies"] == []


def test_a_login_without_parameters_adds_none(client: Client, sent: dict[str, str]) -> None:
    begin(client)
    assert query_of(client.send(AUTHORIZE, sent)) == sent


def test_the_parameters_of_a_login_are_used_once(client: Client, cognito: Cognito, sent: dict[str, str]) -> None:
    begin(client, prompt="create")
    assert query_of(client.send(AUTHORIZE, sent))["prompt"] == "create"
    assert query_of(client.send(AUTHORIZE, sent)) == sent


def test_a_login_finishes_after_its_parameters_were_used(
    client: Client, cognito: Cognito, sent: dict[str, str]
) -> None:
    location = client.send(LOGIN, {"prompt": "login", "return_to": "/board/7"})["headers"]["location"]
    asked = {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}
    client.send(AUTHORIZE, sent)
    cognito.body = {"id_token": id_token(nonce=asked["nonce"]), "refresh_token": "refresh-1"}
    answer = client.send(CALLBACK, {"code": "c", "state": asked["state"]})
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/board/7")


def test_of_several_logins_the_parameters_of_the_newest_are_used(client: Client, sent: dict[str, str]) -> None:
    begin(client, prompt="login")
    begin(client, prompt="create")
    assert query_of(client.send(AUTHORIZE, sent))["prompt"] == "create"
    begin(client)
    assert query_of(client.send(AUTHORIZE, sent)) == sent


@pytest.mark.parametrize("name", sorted(OWN))
def test_parameters_of_a_link_to_the_route_do_not_replace_those_of_the_login(
    client: Client, sent: dict[str, str], name: str
) -> None:
    """Such as `prompt=select_account` in place of the team's `prompt=login`."""
    login = {"prompt": "login", "login_hint": "haneul", "service_terms": "age", "channel_public_id": "_ZeUTxl"}
    begin(client, **login)
    assert query_of(client.send(AUTHORIZE, sent | {name: "of-a-link"})) == sent | login


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_parameter_of_cognito_is_passed_on_where_the_login_has_none(
    client: Client, sent: dict[str, str], name: str
) -> None:
    begin(client)
    assert query_of(client.send(AUTHORIZE, sent | {name: "of-cognito"})) == sent | {name: "of-cognito"}


@pytest.mark.parametrize(("seconds", "is_used"), [(0, True), (30, True), (31, False), (-1, False), (599, False)])
def test_the_parameters_of_a_login_expire_after_30_seconds(
    client: Client, sent: dict[str, str], monkeypatch: pytest.MonkeyPatch, seconds: int, is_used: bool
) -> None:
    now = int(time.time())
    monkeypatch.setattr(time, "time", lambda: float(now))
    begin(client, prompt="create")
    monkeypatch.setattr(time, "time", lambda: float(now + seconds))
    assert query_of(client.send(AUTHORIZE, sent)) == sent | ({"prompt": "create"} if is_used else {})


@pytest.mark.parametrize("started", ["", "soon", "9" * 5000, None], ids=["empty", "word", "long", "absent"])
def test_a_login_cookie_without_a_valid_start_time_adds_no_parameters(
    client: Client, cognito: Cognito, sent: dict[str, str], started: str | None
) -> None:
    """As the cookies of the previous version: a login that is under way during an update still works."""
    location = client.send(LOGIN, {"prompt": "login", "return_to": "/board/7"})["headers"]["location"]
    ((name, value),) = client.cookies.items()
    content = json.loads(base64.urlsafe_b64decode(value))
    content = {key: text for key, text in content.items() if key != "started"}
    content |= {} if started is None else {"started": started}
    client.cookies[name] = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    assert query_of(client.send(AUTHORIZE, sent)) == sent
    asked = {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}
    cognito.body = {"id_token": id_token(nonce=asked["nonce"]), "refresh_token": "refresh-1"}
    answer = client.send(CALLBACK, {"code": "c", "state": asked["state"]})
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/board/7")


@pytest.mark.parametrize("name", ["nonce", "response_mode", "code_challenge", "code_challenge_method"])
def test_other_parameters_of_openid_connect_are_passed_on(client: Client, sent: dict[str, str], name: str) -> None:
    assert query_of(client.send(AUTHORIZE, sent | {name: "a value"})) == sent | {name: "a value"}


def test_a_head_request_does_not_use_up_the_parameters(client: Client, sent: dict[str, str]) -> None:
    begin(client, prompt="login")
    assert query_of(client.send("HEAD /api/kakao/authorize", sent))["prompt"] == "login"
    assert query_of(client.send(AUTHORIZE, sent))["prompt"] == "login"


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "theirs"},
        {"client_id": ""},
        {"client_id": [KAKAO_CLIENT_ID, KAKAO_CLIENT_ID]},
        {"redirect_uri": "https://evil.example/oauth2/idpresponse"},
        {"redirect_uri": "{redirect_uri}/x"},
        {"redirect_uri": ["{redirect_uri}", "https://evil.example"]},
        {"response_type": "token"},
        {"state": ["a", "b"]},
        {"prompt": ["login", "login"]},
    ],
)
def test_a_request_that_differs_from_cognitos_is_not_redirected_to_kakao(
    client: Client, sent: dict[str, str], change: dict[str, Any]
) -> None:
    def filled(value: Any) -> Any:
        return [filled(one) for one in value] if isinstance(value, list) else value.format(**sent)

    begin(client, prompt="login")
    answer = client.send(AUTHORIZE, sent | {name: filled(value) for name, value in change.items()})
    assert (answer["statusCode"], answer["cookies"]) == (400, [])
    assert "location" not in answer["headers"]


@pytest.mark.parametrize("query", ["", "client_id", "?", "&&&", "client_id=" + KAKAO_CLIENT_ID])
def test_a_link_to_the_route_without_cognitos_query_is_refused(client: Client, query: str) -> None:
    assert client.send(AUTHORIZE, raw_query=query)["statusCode"] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"kakao": "prompt=x"},
        {"kakao": "client_id=theirs"},
        {"kakao": "state=theirs&scope=talk_message"},
        {"kakao": "prompt=login&prompt=login"},
        {"origin": "https://evil.example"},
        {"state": "A" * 43},
    ],
)
def test_a_login_cookie_with_invalid_content_adds_no_parameters(
    client: Client, sent: dict[str, str], change: dict[str, str]
) -> None:
    begin(client, prompt="login")
    ((name, value),) = client.cookies.items()
    content = json.loads(base64.urlsafe_b64decode(value)) | change
    client.cookies[name] = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    assert query_of(client.send(AUTHORIZE, sent)) == sent


def test_a_duplicate_login_cookie_adds_no_parameters(client: Client, sent: dict[str, str]) -> None:
    begin(client, prompt="login")
    cookies = [f"{name}={value}" for name, value in client.cookies.items()]
    assert query_of(client.send(AUTHORIZE, sent, cookies=cookies * 2)) == sent


# Any query

names = st.one_of(
    st.sampled_from([*kakao_authorize.PASSED, "x", "lang", "ui_locales", "request_uri"]), st.text(max_size=9)
)
raw_values = st.text(st.characters(codec="ascii", exclude_characters="&"), max_size=30)
own = st.fixed_dictionaries({}, optional={"prompt": st.sampled_from(["login", "none"]), "login_hint": st.just("a@b.c")})


@given(st.lists(st.tuples(names, raw_values), max_size=9), own)
@example([("state", "a%2Fb+c=="), ("lang", "ko")], {"prompt": "none"})
@example([("state", "a\r\nx: y")], {})
@example([("prompt", "x"), ("prompt", "y")], {"prompt": "none"})
@example([("prompt", "select_account")], {"prompt": "login"})
def test_only_listed_parameters_are_passed_on_and_byte_for_byte(
    pairs: list[tuple[str, str]], parameters: dict[str, str]
) -> None:
    query = "&".join(f"{name}={value}" for name, value in [("client_id", "us"), *pairs])
    try:
        address = kakao_authorize.address(
            query, parameters, authorize_url=KAKAO_AUTHORIZE, required={"client_id": "us"}
        )
    except AuthorizationRequestError:
        return
    base, _, found = address.partition("?")
    assert base == KAKAO_AUTHORIZE
    assert re.fullmatch("[!-~]+", address)
    passed = dict(pair.split("=", 1) for pair in found.split("&"))
    assert len(passed) == found.count("&") + 1
    assert passed.keys() <= kakao_authorize.PASSED
    received = [tuple(pair.partition("=")[::2]) for pair in query.split("&")]
    for name, value in passed.items():
        of_this_name = [given for key, given in received if key == name]
        if name in parameters:
            assert parse_qs(f"{name}={value}")[name] == [parameters[name]]
        else:
            assert of_this_name == [value]


# The way back


@pytest.mark.parametrize(
    "said",
    [
        {"error": "consent_required", "error_description": "user consent required."},
        {"error": "login_required"},
        {"error": "interaction_required"},
        {"error": "access_denied", "error_description": "User denied access"},
        {"error": "invalid_request", "error_description": "Kakao Error - 400 consent_required"},
        {"error": "server_error"},
        {"code": ""},
    ],
)
def test_a_failed_login_with_prompt_none_returns_to_the_page_without_an_error(
    client: Client, cognito: Cognito, sent: dict[str, str], said: dict[str, str]
) -> None:
    location = client.send(LOGIN, {"prompt": "none", "return_to": "/board/7#end"})["headers"]["location"]
    assert query_of(client.send(AUTHORIZE, sent))["prompt"] == "none"
    state = parse_qs(urlsplit(location).query)["state"][0]
    answer = client.send(CALLBACK, said | {"state": state})
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/board/7#end")
    assert set_cookies(answer).keys() == {f"__Host-login-{state[:8]}"}
    assert client.cookies == {}


def test_a_failure_of_cognito_during_prompt_none_returns_to_the_page_without_an_error(
    client: Client, cognito: Cognito
) -> None:
    location = client.send(LOGIN, {"prompt": "none", "origin": LOCAL})["headers"]["location"]
    cognito.status = 503
    answer = client.send(CALLBACK, {"code": "c", "state": parse_qs(urlsplit(location).query)["state"][0]})
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/")


def test_a_failed_login_without_prompt_none_shows_an_error_page(client: Client, sent: dict[str, str]) -> None:
    location = client.send(LOGIN, {"prompt": "login"})["headers"]["location"]
    state = parse_qs(urlsplit(location).query)["state"][0]
    answer = client.send(CALLBACK, {"error": "consent_required", "state": state})
    assert (answer["statusCode"], "동의" in answer["body"]) == (403, True)
