"""Sign-in, refresh and sign-out, against a stand-in for Cognito's endpoints."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import token_api, token_endpoint
from handlers.token_set import TokenSet, unverified_claims
from tests.handlers import planted as planted_names
from tests.handlers.conftest import CLIENT_ID, CLIENT_SECRET, ISSUER, KAKAO_CLIENT_ID, LOCAL, SITE, Cognito, id_token
from tests.handlers.web_client import Answer, Client, set_cookies

LOGIN, CALLBACK = "GET /api/auth/login", "GET /api/auth/callback"
REFRESH, LOGOUT = "POST /api/auth/refresh", "POST /api/auth/logout"
SESSION = {"__Host-id", "__Host-person", "__Secure-refresh"}
SAME_ORIGIN = {"sec-fetch-site": "same-origin", "origin": SITE}


HOSTED = pytest.mark.parametrize("client", ["hosted"], indirect=True)  # a test of the hosted login alone
DIRECT = pytest.mark.parametrize("client", ["direct"], indirect=True)  # a test of the sign-in at Kakao itself alone


@pytest.fixture(params=["hosted", "direct"])
def client(
    request: pytest.FixtureRequest, session: ModuleType, cognito: Cognito, monkeypatch: pytest.MonkeyPatch
) -> Client:
    """A browser of a stack in one of the two modes of `kakaoSignIn`."""
    if request.param == "hosted":
        return Client(session.handler)
    direct: ModuleType = request.getfixturevalue("kakao_web_sign_in")
    api = token_api.TokenApi(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, issuer=ISSUER)
    monkeypatch.setattr(api, "_url", request.getfixturevalue("hosted"))
    monkeypatch.setattr(session, "HOSTED_LOGIN", "")
    monkeypatch.setattr(session, "site_client", api)
    monkeypatch.setattr(direct, "KAKAO", AcceptingKakao())
    monkeypatch.setattr(direct.kakao_profile, "sign_in", lambda *asked: tokens_of_profile(cognito, *asked))
    routes = {LOGIN, CALLBACK, "HEAD /api/auth/login", "HEAD /api/auth/callback"}
    return Client(lambda event, context: (direct if event["routeKey"] in routes else session).handler(event, context))


class AcceptingKakao:
    """A Kakao that accepts every ID token."""

    def user_id(self, _credential: Any, *, deadline: float) -> str:
        return "1"

    def claims(self, _credential: Any, _consents: Any, *, deadline: float) -> dict[str, Any]:
        return {"sub": "1"}


def tokens_of_profile(cognito: Cognito, _kakao_id: str, credential: Any, _fetch: object) -> TokenSet:
    """Cognito's tokens for a Kakao user, with the claims of the test's ID token of Kakao."""
    claims = unverified_claims(credential.id_token)
    return TokenSet(credential.id_token, cognito.body["refresh_token"], claims, "access")


def credentials(headers: dict[str, str]) -> tuple[str, str] | None:
    """The client's id and secret in HTTP Basic, each form-encoded (RFC 6749 section 2.3.1)."""
    sent = headers.get("Authorization") or headers.get("authorization")
    if sent is None:
        return None
    scheme, _, encoded = sent.partition(" ")
    assert scheme == "Basic"
    client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def begin(client: Client, **parameters: str) -> dict[str, str]:
    """Start a login; return the parameters of the authorization request."""
    answer = client.send(LOGIN, {"provider": "Kakao", **parameters})
    assert answer["statusCode"] == 302
    return {key: value for key, (value,) in parse_qs(urlsplit(answer["headers"]["location"]).query).items()}


def finish(client: Client, cognito: Cognito, asked: dict[str, str], **claims: Any) -> Answer:
    """Come back from the hosted login with a code, for which Cognito gives tokens with these claims."""
    cognito.body = {"id_token": id_token(**{"nonce": asked["nonce"]} | claims), "refresh_token": "refresh-1"}
    return client.send(CALLBACK, {"code": "the-code", "state": asked["state"]})


def signed_in(client: Client, cognito: Cognito) -> Client:
    assert finish(client, cognito, begin(client))["statusCode"] == 302
    cognito.asked.clear()
    return client


def login_cookies(client: Client) -> list[str]:
    return [name for name in client.cookies if name.startswith("__Host-login-")]


# Login


@HOSTED
def test_the_browser_is_sent_to_the_hosted_login_and_on_to_kakao(client: Client, hosted: str) -> None:
    location = urlsplit(client.send(LOGIN, {"provider": "Kakao"})["headers"]["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == f"{hosted}/oauth2/authorize"
    asked = begin(client)
    assert asked["identity_provider"] == "Kakao"
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == f"{SITE}/api/auth/callback"
    assert "scope=openid%20email%20profile" in client.send(LOGIN)["headers"]["location"]


@HOSTED
@pytest.mark.parametrize("parameters", [{}, {"return_to": "/board/7"}, {"provider": "Kakao"}])
def test_a_login_always_names_the_provider_kakao(client: Client, parameters: dict[str, str]) -> None:
    query = parse_qs(urlsplit(client.send(LOGIN, parameters)["headers"]["location"]).query)
    assert query["identity_provider"] == ["Kakao"]


def test_state_nonce_and_challenge_are_43_characters_and_unique(session: ModuleType, cognito: Cognito) -> None:
    logins = [begin(Client(session.handler)) for _ in range(200)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({login[name] for login in logins}) == len(logins)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", login[name]) for login in logins)
    assert {login["code_challenge_method"] for login in logins} == {"S256"}


def test_the_pkce_challenge_is_the_hash_of_the_verifier_sent_with_the_code(client: Client, cognito: Cognito) -> None:
    asked = begin(client)
    finish(client, cognito, asked)
    verifier = cognito.forms[0]["code_verifier"]
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert asked["code_challenge"] == digest


def test_the_login_cookie_is_a_host_cookie_named_after_the_state(client: Client) -> None:
    answer = client.send(LOGIN, {"return_to": "/" + "x" * 500})
    (cookie,) = set_cookies(answer).values()
    state = parse_qs(urlsplit(answer["headers"]["location"]).query)["state"][0]
    assert cookie.name == f"__Host-login-{state[:8]}"
    assert cookie.attributes == {"Path": "/", "Max-Age": "600", "Secure": "", "HttpOnly": "", "SameSite": "Lax"}
    assert len(cookie.value) < 1500


def test_a_cookie_with_an_invalid_login_name_is_not_cleared(client: Client) -> None:
    strange = [f"__Host-login-{name}=x" for name in ("", "short", "x" * 4200, "a,b c d\xe9", *map(str, range(9)))]
    strange += [f"__Host-login-longer-than-ours-{number}=x" for number in range(9)]
    answer = client.send(LOGIN, cookies=strange)
    assert (answer["statusCode"], len(answer["cookies"])) == (302, 1)


@pytest.mark.parametrize(("return_to", "most"), [("/", 4), ("/" + "x" * 500, 1)])
def test_login_cookies_of_many_tabs_stay_below_1536_bytes(client: Client, return_to: str, most: int) -> None:
    """The oldest logins are dropped, by number and by size; the newest is always kept."""
    for _ in range(50):
        state = begin(client, return_to=return_to)["state"]
        kept = login_cookies(client)
        assert kept[-1] == f"__Host-login-{state[:8]}"
        assert sum(len(f"{name}={client.cookies[name]}") for name in kept) <= 1536
    assert 1 <= len(kept) <= most


def test_the_newest_four_logins_are_kept_beside_the_new_one(client: Client) -> None:
    small = [f"__Host-login-small{number:03}" for number in range(8)]
    client.cookies = dict.fromkeys(small, "x")
    begin(client)
    assert login_cookies(client)[:-1] == small[4:]


@pytest.mark.parametrize("route", [LOGIN, CALLBACK, REFRESH, LOGOUT])
@pytest.mark.parametrize("count", [5, 200, 1000])
def test_the_response_to_any_number_of_cookies_fits_into_api_gateways_header_limit(
    client: Client, cognito: Cognito, route: str, count: int
) -> None:
    """10,240 bytes of headers; each cookie that is cleared has a line of its own."""
    cognito.status, cognito.body = 400, {"error": "invalid_grant"}
    names = [*SESSION, *(f"__Host-login-{number:08}" for number in range(count))]
    for cookies in ([f"{name}=x" for name in names], [f"{name}=x" for name in names for _ in range(3)]):
        answer = client.send(
            route, {"state": "0" * 43, "return_to": "/" + "x" * 511}, headers=SAME_ORIGIN, cookies=cookies
        )
        lines = [f"{name}: {value}" for name, value in answer["headers"].items()]
        assert sum(len(line) + 2 for line in lines + [f"set-cookie: {cookie}" for cookie in answer["cookies"]]) < 8192


@pytest.mark.parametrize(
    "parameters",
    [{"provider": "kakao"}, {"provider": "COGNITO"}, {"provider": ""}, {"provider": ["Kakao", "Kakao"]}],
)
def test_an_unknown_provider_is_refused_with_400(client: Client, parameters: Any) -> None:
    assert client.send(LOGIN, parameters)["statusCode"] == 400


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"{SITE}.evil.example", f"{SITE}/", "null", "", "http://localhost:30000", [SITE, LOCAL]],
)
def test_an_unknown_origin_is_refused_with_400(client: Client, origin: Any) -> None:
    answer = client.send(LOGIN, {"origin": origin})
    assert answer["statusCode"] == 400
    assert answer["cookies"] == []


def test_a_login_from_another_origin_of_the_site_returns_there(client: Client, cognito: Cognito) -> None:
    asked = begin(client, origin=LOCAL)
    assert asked["redirect_uri"] == f"{LOCAL}/api/auth/callback"
    finish(client, cognito, asked)
    assert cognito.forms[0]["redirect_uri"] == f"{LOCAL}/api/auth/callback"


def content_of(cookie: str) -> dict[str, str]:
    content: dict[str, str] = json.loads(base64.urlsafe_b64decode(cookie))
    return content


def test_kakaos_parameters_are_kept_in_the_login_cookie(client: Client) -> None:
    begin(client, prompt="select_account", login_hint="haneul@example.com", utm_source="talk")
    (cookie,) = client.cookies.values()
    assert content_of(cookie)["kakao"] == "prompt=select_account&login_hint=haneul@example.com"


def test_the_longest_parameters_of_kakao_fit_into_the_login_cookie(client: Client) -> None:
    terms = ",".join(["t" * 62] * 6)
    begin(client, service_terms=terms, return_to="/" + "x" * 200)
    ((name, value),) = client.cookies.items()
    assert content_of(value)["kakao"] == f"service_terms={terms}"
    assert content_of(value)["return_to"] == "/" + "x" * 200
    assert len(f"{name}={value}") <= 1536


@pytest.mark.parametrize(
    "parameters", [{"prompt": "Login"}, {"prompt": ["login", "login"]}, {"login_hint": "<b>"}, {"service_terms": ","}]
)
def test_a_parameter_of_kakao_with_an_invalid_value_is_refused_with_400(client: Client, parameters: Any) -> None:
    answer = client.send(LOGIN, parameters)
    assert (answer["statusCode"], answer["cookies"]) == (400, [])


def test_parameters_of_a_login_link_do_not_replace_those_of_the_authorization_request(client: Client) -> None:
    forged = {
        "client_id": "theirs",
        "redirect_uri": "https://evil.example",
        "scope": "x",
        "state": "s",
        "prompt": "none",
    }
    asked = begin(client, **forged)
    assert asked["client_id"] in (CLIENT_ID, KAKAO_CLIENT_ID)
    assert asked["redirect_uri"] == f"{SITE}/api/auth/callback"
    assert asked["scope"] in ("openid email profile", "openid account_email")
    assert asked["state"] != "s"
    assert asked.get("prompt") in (None, "none")


def test_no_header_of_a_client_changes_the_redirect_uri(client: Client) -> None:
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "origin": "https://evil.example"}
    location = client.send(LOGIN, headers=forged)["headers"]["location"]
    assert "evil" not in location


# Callback


def test_a_finished_login_sets_the_session_cookies_and_clears_the_login_cookie(
    client: Client, cognito: Cognito
) -> None:
    answer = finish(client, cognito, begin(client, return_to="/board/7?sort=new"))
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/board/7?sort=new")
    cookies = set_cookies(answer)
    strict = {"Secure": "", "HttpOnly": "", "SameSite": "Strict"}
    assert cookies["__Host-id"].attributes.items() >= (strict | {"Path": "/"}).items()
    assert 890 <= int(cookies["__Host-id"].attributes["Max-Age"]) <= 900
    assert cookies["__Secure-refresh"].attributes == strict | {"Path": "/api/auth", "Max-Age": str(30 * 86400)}
    assert cookies["__Host-person"].attributes == strict | {"Path": "/", "Max-Age": str(30 * 86400)}
    assert login_cookies(client) == []


@HOSTED
def test_the_code_is_redeemed_once_with_the_clients_secret(client: Client, cognito: Cognito) -> None:
    finish(client, cognito, begin(client))
    ((path, form, headers),) = cognito.asked
    assert path == "/oauth2/token"
    assert form["grant_type"] == "authorization_code"
    assert form["code"] == "the-code"
    assert "client_id" not in form
    assert form["redirect_uri"] == f"{SITE}/api/auth/callback"
    assert headers["accept"] == "application/json"
    assert credentials(headers) == (CLIENT_ID, CLIENT_SECRET)


def test_a_code_of_the_maximum_length_is_redeemed(client: Client, cognito: Cognito) -> None:
    asked = begin(client)
    cognito.body = {"id_token": id_token(nonce=asked["nonce"]), "refresh_token": "refresh-1"}
    assert client.send(CALLBACK, {"code": "c" * 2048, "state": asked["state"]})["statusCode"] == 302


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"code": "c"}, "no state"),
        ({"code": "c", "state": ""}, "an empty state"),
        ({"code": "c", "state": "A" * 43}, "an unknown state"),
        ({"code": "c", "state": ["{state}", "{state}"]}, "two states"),
        ({"code": "c", "state": "{state}x"}, "a longer state"),
        ({"code": "c", "state": "{prefix}" + "A" * 35}, "another state with the same beginning"),
        ({"code": "c", "state": "상태"}, "a state that is no ASCII"),
        ({"state": "{state}"}, "no code"),
        ({"code": "", "state": "{state}"}, "an empty code"),
        ({"code": "c" * 2049, "state": "{state}"}, "a huge code"),
        ({"code": ["c", "d"], "state": "{state}"}, "two codes"),
    ],
)
def test_a_callback_without_a_matching_login_sends_nothing_to_cognito(
    client: Client, cognito: Cognito, parameters: dict[str, Any], reason: str
) -> None:
    state = begin(client)["state"]

    def filled(value: Any) -> Any:
        return [filled(v) for v in value] if isinstance(value, list) else value.format(state=state, prefix=state[:8])

    answer = client.send(CALLBACK, {key: filled(value) for key, value in parameters.items()})
    assert answer["statusCode"] == 400, reason
    assert cognito.asked == []
    assert set(set_cookies(answer)) <= {f"__Host-login-{state[:8]}"}


@pytest.mark.parametrize(
    "kept",
    [
        [],
        ["__Host-login-{prefix}="],
        ["__Host-login-{prefix}=bm9uc2Vuc2U="],
        ["__Host-login-{prefix}=%%%"],
        ["__Host-login-{prefix}=e30="],
        ["__Host-login-{prefix}=W10="],
        ["__Host-login-{prefix}={value}", "__Host-login-{prefix}={value}"],
        ["{value}"],
        ["__Host-login-{prefix}=!{value}"],
    ],
)
def test_a_missing_malformed_or_duplicate_login_cookie_ends_the_login(
    client: Client, cognito: Cognito, kept: list[str]
) -> None:
    state = begin(client)["state"]
    (value,) = client.cookies.values()
    sent = [cookie.format(prefix=state[:8], value=value) for cookie in kept]
    answer = client.send(CALLBACK, {"code": "c", "state": state}, cookies=sent)
    assert answer["statusCode"] == 400
    assert cognito.asked == []
    assert (f"__Host-login-{state[:8]}" in set_cookies(answer)) is any("__Host-login-" in cookie for cookie in sent)


def test_a_login_cookie_with_deeply_nested_json_ends_the_login(client: Client, cognito: Cognito) -> None:
    state = begin(client)["state"]
    ((name, _),) = client.cookies.items()
    client.cookies[name] = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    assert client.send(CALLBACK, {"code": "c", "state": state})["statusCode"] == 400
    assert cognito.asked == []


def test_a_malformed_state_clears_no_cookie(client: Client) -> None:
    for state in ("theirs", "theirs;x", "t" * 44):
        answer = client.send(CALLBACK, {"state": state}, cookies=[f"__Host-login-{state[:8]}=x"])
        assert (answer["statusCode"], answer["cookies"]) == (400, [])


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"nonce": None},
        {"verifier": 7},
        {"verifier": "\ud800"},
        {"extra": "x"},
        {"kakao": 7},
        {"state": "A" * 43},
        {"state": "\ud800"},
    ],
)
def test_a_login_cookie_with_invalid_content_ends_the_login(
    client: Client, cognito: Cognito, change: dict[str, Any]
) -> None:
    state = begin(client)["state"]
    ((name, value),) = client.cookies.items()
    content = json.loads(base64.urlsafe_b64decode(value)) | change
    client.cookies[name] = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    assert client.send(CALLBACK, {"code": "c", "state": state})["statusCode"] == 400
    assert cognito.asked == []
    assert login_cookies(client) == []


def test_a_return_path_is_checked_again_at_the_callback(client: Client, cognito: Cognito) -> None:
    asked = begin(client)
    ((name, value),) = client.cookies.items()
    content = json.loads(base64.urlsafe_b64decode(value)) | {"return_to": "//evil.example"}
    client.cookies[name] = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    assert finish(client, cognito, asked)["headers"]["location"] == "/"


def test_a_login_works_once(client: Client, cognito: Cognito) -> None:
    asked = begin(client)
    assert finish(client, cognito, asked)["statusCode"] == 302
    assert finish(client, cognito, asked)["statusCode"] == 400
    assert len(cognito.asked) == 1


def test_a_login_of_another_browser_cannot_be_finished(session: ModuleType, cognito: Cognito) -> None:
    attacker, victim = Client(session.handler), Client(session.handler)
    asked = begin(attacker)
    begin(victim)
    assert finish(victim, cognito, asked)["statusCode"] == 400
    assert cognito.asked == []


def test_two_tabs_can_finish_their_logins_in_any_order(client: Client, cognito: Cognito) -> None:
    first, second = begin(client, return_to="/first"), begin(client, return_to="/second")
    assert finish(client, cognito, second)["headers"]["location"] == "/second"
    assert finish(client, cognito, first)["headers"]["location"] == "/first"


def test_cookies_are_also_read_from_the_cookie_header(client: Client, cognito: Cognito) -> None:
    asked = begin(client)
    header = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    cognito.body = {"id_token": id_token(nonce=asked["nonce"]), "refresh_token": "r"}
    answer = client.send(CALLBACK, {"code": "c", "state": asked["state"]}, headers={"cookie": header}, cookies=[])
    assert answer["statusCode"] == 302


@HOSTED
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"nonce": "another"}, 400),
        ({"nonce": ...}, 400),
        ({"nonce": ["list"]}, 400),
        ({"nonce": "\ud800"}, 400),
        ({"iss": ISSUER + "/"}, 502),
        ({"iss": "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_other"}, 502),
        ({"iss": ...}, 502),
        ({"aud": "other-client"}, 502),
        ({"aud": [CLIENT_ID]}, 502),
        ({"token_use": "access"}, 502),
        ({"exp": int(time.time()) - 31}, 502),
        ({"exp": "9999999999"}, 502),
        ({"exp": 9999999999.5}, 502),
        ({"exp": ...}, 502),
        ({"sub": ...}, 502),
        ({"sub": ""}, 502),
        ({"sub": 7}, 502),
        ({"padding": "x" * 4096}, 507),
    ],
)
def test_an_id_token_of_another_login_pool_or_client_makes_no_session(
    client: Client, cognito: Cognito, claims: dict[str, Any], status: int
) -> None:
    answer = finish(client, cognito, begin(client), **claims)
    assert answer["statusCode"] == status
    assert "__Host-id" not in client.cookies
    assert login_cookies(client) == []


@HOSTED
def test_clocks_may_differ_by_less_than_thirty_seconds(
    client: Client, cognito: Cognito, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    assert finish(client, cognito, begin(client), exp=1_700_000_000 - 29)["statusCode"] == 302
    assert finish(client, cognito, begin(client), exp=1_700_000_000 - 30)["statusCode"] == 502


BROKEN: list[tuple[int, Any, int]] = [
    (400, {"error": "invalid_grant"}, 400),
    (401, {"error": "invalid_grant"}, 400),
    (400, {"error": "invalid_client"}, 502),
    (400, b"no json", 502),
    (400, ["list"], 502),
    (403, {"error": "invalid_grant"}, 502),
    (429, {"error": "slow down"}, 429),
    (500, {}, 502),
    (302, {}, 502),
    (200, b"<html>", 502),
    (200, b"\xff\xfe", 502),
    (200, [], 502),
    (200, {}, 502),
    (200, {"id_token": 7, "refresh_token": "r"}, 502),
    (200, {"id_token": "a.b", "refresh_token": "r"}, 502),
    (200, {"id_token": "a.b.c", "refresh_token": "r"}, 502),
    (200, {"id_token": "a", "refresh_token": "r"}, 502),
    (200, {"id_token": "a.W10.c", "refresh_token": "r"}, 502),
    (200, {"id_token": "a.bnVsbA.c", "refresh_token": ["r"]}, 502),
    (200, b"[" * 100_000, 502),
]


@pytest.mark.parametrize(("status", "body", "answered"), BROKEN)
def test_a_failure_of_the_token_endpoint_is_an_error_page_without_a_session_or_a_retry(
    client: Client, cognito: Cognito, status: int, body: Any, answered: int
) -> None:
    asked = begin(client)
    cognito.status, cognito.body = status, body
    cognito.headers = {"location": "/oauth2/token"}
    answer = client.send(CALLBACK, {"code": "c", "state": asked["state"]})
    assert answer["statusCode"] == answered
    assert answer["headers"]["content-type"].startswith("text/html")
    assert client.cookies == {}
    assert len(cognito.asked) == 1
    assert ("retry-after" in answer["headers"]) is (answered == 429)


@HOSTED
@pytest.mark.parametrize("refresh_token", [None, "", "a;b", "x" * 4096, 7, ["r"]])
def test_a_sign_in_without_a_usable_refresh_token_makes_no_session(
    client: Client, cognito: Cognito, refresh_token: Any
) -> None:
    asked = begin(client)
    cognito.body = {"id_token": id_token(nonce=asked["nonce"]), "refresh_token": refresh_token}
    assert client.send(CALLBACK, {"code": "c", "state": asked["state"]})["statusCode"] == 502
    assert client.cookies == {}


def give_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_endpoint, "TIMEOUT_SECONDS", 0.05)
    if direct := sys.modules.get("handlers.kakao_web_sign_in"):
        monkeypatch.setattr(direct, "TIMEOUT_SECONDS", 0.05)


def test_a_slow_token_endpoint_is_a_504(client: Client, cognito: Cognito, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up_early(monkeypatch)
    cognito.silent = True
    assert finish(client, cognito, begin(client))["statusCode"] == 504


def test_a_proxy_of_the_environment_is_not_used(cognito: Cognito, hosted: str) -> None:
    program = (
        "from handlers.token_endpoint import TokenEndpoint;"
        f"TokenEndpoint(hosted_login={hosted!r}, client_id='c', issuer='i').revoke('the-token')"
    )
    environment = {**os.environ, "http_proxy": "http://127.0.0.1:1", "PYTHONPATH": "."}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=20)
    assert {"token": "the-token", "client_id": "c"} in cognito.forms


@HOSTED
def test_an_unreachable_cognito_is_an_error_page(
    client: Client, session: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = begin(client)
    monkeypatch.setattr(session.endpoint, "_hosted_login", "http://127.0.0.1:1")
    assert client.send(CALLBACK, {"code": "c", "state": asked["state"]})["statusCode"] == 502


@pytest.mark.parametrize(
    ("error", "description", "status", "words"),
    [
        ("access_denied", "User denied access", 403, "취소"),
        ("invalid_request", "attributes required: [email]", 403, "동의"),
        ("consent_required", "", 403, "동의"),
        ("invalid_request", "Kakao Error - 503 error getting token", 502, "연결"),
        ("invalid_request", "Connection reset", 502, "연결"),
        ("invalid_request", "Timeout occurred in calling IdP token endpoint", 504, "늦어요"),
        ("invalid_request", "Timeout in calling jwks uri", 504, "늦어요"),
        ("invalid_request", "Read timed out", 504, "늦어요"),
        ("server_error", "", 502, "연결"),
        ("temporarily_unavailable", "", 502, "연결"),
        ("invalid_request", "PreSignUp failed with error no.", 403, "로그인하지 못했어요"),
        ("unauthorized_client", "", 502, "설정"),
        ("access_denied_by_another_name", "", 400, "로그인하지 못했어요"),
        ("invented", "<script>alert(1)</script>", 400, "로그인하지 못했어요"),
        ("", "", 400, "로그인하지 못했어요"),
        (["access_denied", "server_error"], "", 400, "로그인하지 못했어요"),
    ],
)
def test_each_error_of_the_callback_has_a_page_in_korean_and_english(
    client: Client, cognito: Cognito, error: Any, description: str, status: int, words: str
) -> None:
    state = begin(client)["state"]
    answer = client.send(CALLBACK, {"error": error, "error_description": description, "state": state})
    assert answer["statusCode"] == status
    assert words in answer["body"]
    assert '<p lang="en">' in answer["body"]
    assert 'href="/"' in answer["body"]
    assert "<script" not in answer["body"]
    assert login_cookies(client) == []
    assert cognito.asked == []


def test_an_error_page_contains_nothing_of_the_query(client: Client) -> None:
    state = begin(client)["state"]
    sent = {"error": "canary-1", "error_description": "canary-2<b>", "state": state, "more": "canary-3"}
    assert "canary" not in json.dumps(client.send(CALLBACK, sent))
    assert "canary" not in json.dumps(client.send(CALLBACK, {"code": "canary-4", "state": "canary-5"}))


def test_a_link_to_the_callback_cannot_end_a_session(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    before = dict(client.cookies)
    for link in ({"error": "access_denied"}, {"code": "c", "state": "A" * 43}, {}):
        assert client.send(CALLBACK, link)["statusCode"] == 400
    assert client.cookies == before


# HEAD, and missing files


@pytest.mark.parametrize(
    "parameters", [{}, {"provider": "Kakao", "return_to": "/board/7"}, {"origin": "https://e.example"}]
)
def test_a_head_request_for_the_login_has_no_body_and_starts_no_login(
    client: Client, parameters: dict[str, str]
) -> None:
    got, headed = client.send(LOGIN, parameters), client.send("HEAD /api/auth/login", parameters)
    assert headed["statusCode"] == got["statusCode"]
    assert set(headed["headers"]) == set(got["headers"])
    assert headed["headers"]["cache-control"] == "no-store"
    assert (headed["body"], headed["cookies"]) == ("", [])


def test_a_head_request_for_the_callback_redirects_and_does_not_use_up_the_login(
    client: Client, cognito: Cognito
) -> None:
    asked = begin(client, return_to="/board/7")
    before = dict(client.cookies)
    callback = {"code": "c", "state": asked["state"]}
    head = client.send("HEAD /api/auth/callback", callback)
    assert (head["statusCode"], head["headers"]["location"]) == (302, "/board/7")
    assert (head["body"], head["cookies"], cognito.asked, client.cookies) == ("", [], [], before)
    assert client.send("HEAD /api/auth/callback", {"code": "c", "state": "A" * 43})["statusCode"] == 400
    assert finish(client, cognito, asked)["statusCode"] == 302


def test_a_missing_file_is_a_404_page_that_is_cached_for_a_minute(client: Client) -> None:
    for method in ("GET", "HEAD"):
        answer = client.send(f"{method} /api/auth/missing/{{file+}}", raw_query="canary")
        assert answer["statusCode"] == 404
        assert answer["headers"]["cache-control"] == "public, max-age=60"
        assert ("찾을 수 없어요" in answer["body"]) is (method == "GET")
        assert "canary" not in answer["body"]
        assert answer["cookies"] == []


# Refresh


def test_a_refresh_sets_new_cookies_and_returns_their_lifetime(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    cognito.body = {"id_token": id_token(), "refresh_token": "refresh-2"}
    answer = client.send(REFRESH, headers=SAME_ORIGIN)
    assert (answer["statusCode"], answer["body"]) == (204, "")
    assert 890 <= int(answer["headers"]["session-expires-in"]) <= 900
    ((_, form, sent),) = cognito.asked
    assert form == {"grant_type": "refresh_token", "refresh_token": "refresh-1"}
    assert credentials(sent) == (CLIENT_ID, CLIENT_SECRET)
    assert client.cookies["__Secure-refresh"] == "refresh-2"


def test_without_rotation_the_old_refresh_token_is_kept(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    cognito.body = {"id_token": id_token()}
    assert set(set_cookies(client.send(REFRESH, headers=SAME_ORIGIN))) == {"__Host-id"}
    assert client.cookies["__Secure-refresh"] == "refresh-1"


def test_a_revoked_refresh_token_ends_the_session(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    cognito.status, cognito.body = 400, {"error": "invalid_grant"}
    answer = client.send(REFRESH, headers=SAME_ORIGIN)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (401, "signed_out")
    assert client.cookies == {}


@pytest.mark.parametrize(("status", "body", "answered"), [case for case in BROKEN if case[2] != 400])
def test_a_failed_refresh_does_not_end_the_session(
    client: Client, cognito: Cognito, status: int, body: Any, answered: int
) -> None:
    signed_in(client, cognito)
    before = dict(client.cookies)
    cognito.status, cognito.body, cognito.headers = status, body, {"location": "/oauth2/token"}
    answer = client.send(REFRESH, headers=SAME_ORIGIN)
    assert answer["statusCode"] == answered
    assert set(json.loads(answer["body"])) == {"error", "message"}
    assert client.cookies == before
    assert len(cognito.asked) == 1


def test_a_slow_refresh_does_not_end_the_session(
    client: Client, cognito: Cognito, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(client, cognito)
    monkeypatch.setattr(token_endpoint, "TIMEOUT_SECONDS", 0.05)
    cognito.silent = True
    assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == 504
    assert set(client.cookies) == SESSION


@pytest.mark.parametrize("ahead", [25, -25, 300, -300])
def test_a_clock_that_differs_by_five_minutes_ends_no_session(client: Client, cognito: Cognito, ahead: int) -> None:
    """Our clock is this many seconds ahead of Cognito's."""
    issued = int(time.time()) - ahead
    assert finish(client, cognito, begin(client), iat=issued, exp=issued + 900)["statusCode"] == 302
    answer = client.send(REFRESH, headers=SAME_ORIGIN)
    assert answer["statusCode"] == 204
    assert int(answer["headers"]["session-expires-in"]) > 0
    assert set(client.cookies) == SESSION


@HOSTED
def test_a_clock_that_differs_by_a_tokens_lifetime_neither_makes_nor_ends_a_session(
    client: Client, cognito: Cognito
) -> None:
    issued = int(time.time()) - 1000
    assert finish(client, cognito, begin(client), iat=issued, exp=issued + 900)["statusCode"] == 502
    assert client.cookies == {}
    signed_in(client, cognito)
    before = dict(client.cookies)
    cognito.body = {"id_token": id_token(iat=issued, exp=issued + 900), "refresh_token": "refresh-2"}
    assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == 502
    assert client.cookies == before


def test_a_refreshed_id_token_too_long_for_a_cookie_does_not_end_the_session(client: Client, cognito: Cognito) -> None:
    """The refresh token has been rotated: it is kept, so that the session goes on once the ID token is short again."""
    signed_in(client, cognito)
    before = client.cookies["__Host-id"]
    cognito.body = {"id_token": id_token(padding="x" * 4096), "refresh_token": "refresh-2"}
    answer = client.send(REFRESH, headers=SAME_ORIGIN)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (507, "token_too_large")
    assert (client.cookies["__Host-id"], client.cookies["__Secure-refresh"]) == (before, "refresh-2")
    cognito.body = {"id_token": id_token()}
    assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == 204


def test_an_id_token_too_long_for_a_cookie_is_a_507_and_the_log_names_the_largest_claim(
    client: Client, cognito: Cognito, caplog: pytest.LogCaptureFixture
) -> None:
    groups = [f"canary-{number}" for number in range(300)]
    answer = finish(client, cognito, begin(client), **{"cognito:groups": groups, "nickname": "canary"})
    assert (answer["statusCode"], client.cookies) == (507, {})
    assert "운영자" in answer["body"]
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.message == "token_too_large"
    assert re.match(r"\d{4} bytes, most of them in cognito:groups, ", vars(record)["reason"])
    assert "canary" not in repr(vars(record))


def test_a_session_over_api_gateways_header_limit_is_refused(client: Client, cognito: Cognito) -> None:
    """A browser keeps each of the cookies, but together they are too large for 10,240 bytes of headers."""
    for too_many, status in ((0, 302), (1, 507)):
        asked = begin(client)
        token = id_token(nonce=asked["nonce"], padding="x" * 2600)
        others = f"__Host-id={token}__Host-person=sub-1.{'x' * 22}__Secure-refresh="
        cognito.body = {"id_token": token, "refresh_token": "r" * (6656 - len(others) + too_many)}
        assert client.send(CALLBACK, {"code": "c", "state": asked["state"]})["statusCode"] == status


def test_a_refresh_without_a_refresh_token_is_a_401(client: Client, cognito: Cognito) -> None:
    for cookies in ([], ["__Secure-refresh=", "__Host-person=sub-1"]):
        assert client.send(REFRESH, headers=SAME_ORIGIN, cookies=cookies)["statusCode"] == 401
    assert cognito.asked == []


def test_a_refresh_without_a_session_clears_no_cookies_of_a_new_session(client: Client) -> None:
    """The request is sent before the other tab's callback, and answered after it."""
    assert set_cookies(client.send(REFRESH, headers=SAME_ORIGIN)) == {}
    left = client.send(REFRESH, headers=SAME_ORIGIN, cookies=[f"__Host-id={id_token()}"])
    assert set(set_cookies(left)) == {"__Host-id"}


def sent_with(client: Client, planted: list[str], after: list[str] | None = None) -> list[str]:
    """The cookies that a browser sends where a sibling host has set refresh tokens before and after ours."""
    own = [f"{name}={value}" for name, value in client.cookies.items()]
    return [*(f"__Secure-refresh={t}" for t in planted), *own, *(f"__Secure-refresh={t}" for t in after or [])]


@pytest.mark.parametrize("count", [1, 3, 50])
def test_refresh_tokens_planted_by_a_sibling_host_are_not_used_and_do_not_stop_a_refresh(
    client: Client, cognito: Cognito, count: int
) -> None:
    signed_in(client, cognito)
    cognito.body = {"id_token": id_token(), "refresh_token": "refresh-2"}
    planted = [f"planted-{number}" for number in range(count)]
    for sent in (sent_with(client, planted), sent_with(client, [], planted), sent_with(client, planted, planted)):
        assert client.send(REFRESH, headers=SAME_ORIGIN, cookies=sent)["statusCode"] == 204
    assert {form["refresh_token"] for form in cognito.forms} == {"refresh-1"}
    assert client.cookies["__Secure-refresh"] == "refresh-2"
    assert client.send(REFRESH, headers=SAME_ORIGIN, cookies=sent_with(client, planted))["statusCode"] == 204
    assert cognito.forms[-1]["refresh_token"] == "refresh-2"


@pytest.mark.parametrize("ours", [None, 0, 1, 2, 3])
def test_for_a_session_without_a_named_token_at_most_three_tokens_are_tried(
    client: Client, cognito: Cognito, ours: int | None
) -> None:
    """A refresh sets new cookies or ends the session."""

    def answer(form: dict[str, str]) -> None:
        dead = form["refresh_token"] == "planted-0"
        cognito.status = 400 if dead else 200
        sub = "sub-1" if form["refresh_token"] == "ours" else "attacker"
        cognito.body = {"error": "invalid_grant"} if dead else {"id_token": id_token(sub=sub), "refresh_token": "next"}

    cognito.before = answer
    tokens = [f"planted-{number}" for number in range(4)]
    if ours is not None:
        tokens.insert(ours, "ours")
    client.cookies = {"__Host-person": "sub-1"}
    result = client.send(REFRESH, headers=SAME_ORIGIN, cookies=sent_with(client, tokens))
    if ours is not None and ours < 3:
        assert result["statusCode"] == 204
        assert client.cookies["__Secure-refresh"] == "next"
    else:
        assert (result["statusCode"], client.cookies) == (401, {})
    assert len(cognito.asked) == (3 if ours in (None, 3) else ours + 1)


@pytest.mark.parametrize(("sub", "status"), [("attacker", 401), ("sub-1", 204)])
def test_a_token_other_than_the_named_one_counts_only_for_the_same_user(
    client: Client, cognito: Cognito, sub: str, status: int
) -> None:
    """Two concurrent refreshes get two valid tokens. A browser may keep one of them with the name of the other."""
    signed_in(client, cognito)
    client.cookies["__Secure-refresh"] = "another"
    cognito.body = {"id_token": id_token(sub=sub), "refresh_token": "next"}
    assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == status
    assert set(client.cookies) == (SESSION if status == 204 else set())


@pytest.mark.parametrize("planted", planted_names.NOT_OURS)
def test_a_cookie_name_that_a_sibling_host_may_set_neither_makes_nor_ends_a_session(
    client: Client, cognito: Cognito, planted: str
) -> None:
    cognito.body = {"id_token": id_token(), "refresh_token": "theirs"}
    named = [f"{planted.format(name)}={value}" for name, value in {"__Host-person": "sub-1", "__Host-id": "x"}.items()]
    answer = client.send(REFRESH, headers=SAME_ORIGIN, cookies=[*named, "__Secure-refresh=theirs"])
    assert (answer["statusCode"], cognito.asked) == (401, [])
    signed_in(client, cognito)
    assert client.send(REFRESH, headers=SAME_ORIGIN, cookies=[*named, *sent_with(client, [])])["statusCode"] == 204


@pytest.mark.parametrize(
    ("auth_time", "days"),
    [(0, 30), (86400, 29), (29 * 86400, 1), (-300, 30), (None, 30), ("1", 30), (True, 30)],
)
def test_a_rotated_refresh_token_expires_with_the_first_one(
    client: Client, cognito: Cognito, auth_time: Any, days: int
) -> None:
    signed_in(client, cognito)
    is_time = isinstance(auth_time, int) and auth_time is not True
    claims = {"auth_time": int(time.time()) - auth_time if is_time else auth_time}
    cognito.body = {"id_token": id_token(**claims), "refresh_token": "refresh-2"}
    cookies = set_cookies(client.send(REFRESH, headers=SAME_ORIGIN))
    for name in ("__Secure-refresh", "__Host-person"):
        assert days * 86400 - 5 <= int(cookies[name].attributes["Max-Age"]) <= days * 86400


def test_a_refresh_token_older_than_the_setting_is_kept_as_long_as_the_id_token(
    client: Client, cognito: Cognito
) -> None:
    signed_in(client, cognito)
    cognito.body = {"id_token": id_token(auth_time=int(time.time()) - 90 * 86400), "refresh_token": "refresh-2"}
    cookies = set_cookies(client.send(REFRESH, headers=SAME_ORIGIN))
    assert cookies["__Secure-refresh"].attributes["Max-Age"] == cookies["__Host-id"].attributes["Max-Age"]


def test_a_planted_refresh_token_of_another_user_ends_the_session(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    cognito.body = {"id_token": id_token(sub="attacker")}
    assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == 401
    assert client.cookies == {}


@pytest.mark.parametrize("person", [[], ["__Host-person="], ["__Host-person=sub-1", "__Host-person=sub-2"]])
def test_a_planted_refresh_token_makes_no_session(client: Client, cognito: Cognito, person: list[str]) -> None:
    """A sibling host can plant the refresh token, but not the `__Host-` cookie."""
    answer = client.send(REFRESH, headers=SAME_ORIGIN, cookies=["__Secure-refresh=the-attackers", *person])
    assert answer["statusCode"] == 401
    assert cognito.asked == []


def test_a_missing_or_malformed_id_token_does_not_stop_a_refresh(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    for left in ("no-jwt", None):
        client.cookies.pop("__Host-id")
        client.cookies |= {"__Host-id": left} if left else {}
        cognito.body = {"id_token": id_token()}
        assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == 204


# A client for mobile apps, without a secret

APP = "app-client-id"


@pytest.fixture
def app_client(session: ModuleType, hosted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = token_endpoint.TokenEndpoint(hosted_login=hosted, client_id=APP, issuer=ISSUER)
    monkeypatch.setattr(session, "app_endpoint", endpoint)


def of_the_app(cognito: Cognito) -> Callable[[dict[str, str]], None]:
    """Answer as Cognito does for a refresh token of the app's client."""

    def answer(form: dict[str, str]) -> None:
        own = form.get("client_id") == APP
        cognito.status = 200 if own else 400
        tokens = {"id_token": id_token(aud=APP), "access_token": "access-2"}
        cognito.body = tokens if own else {"error": "invalid_grant"}

    return answer


@HOSTED
@pytest.mark.usefixtures("app_client")
def test_a_refresh_token_of_the_app_client_is_refreshed_with_that_client(client: Client, cognito: Cognito) -> None:
    cognito.before = of_the_app(cognito)
    answer = client.send(REFRESH, body='{"refresh_token": "of-the-app"}')
    assert (answer["statusCode"], json.loads(answer["body"])["AccessToken"]) == (200, "access-2")
    assert [form.get("client_id") for form in cognito.forms] == [None, APP]
    assert [credentials(sent) for _, _, sent in cognito.asked] == [(CLIENT_ID, CLIENT_SECRET), None]


@HOSTED
@pytest.mark.usefixtures("app_client")
@pytest.mark.parametrize("status", [429, 500])
def test_after_a_failure_of_cognito_the_app_client_is_not_tried(client: Client, cognito: Cognito, status: int) -> None:
    cognito.status = status
    assert client.send(REFRESH, body='{"refresh_token": "r"}')["statusCode"] in (429, 502)
    assert len(cognito.asked) == 1


@HOSTED
@pytest.mark.usefixtures("app_client")
def test_a_refresh_token_of_neither_client_is_a_401(client: Client, cognito: Cognito) -> None:
    cognito.status, cognito.body = 400, {"error": "invalid_grant"}
    assert client.send(REFRESH, body='{"refresh_token": "r"}')["statusCode"] == 401
    assert len(cognito.asked) == 2


@HOSTED
@pytest.mark.usefixtures("app_client")
def test_cookies_are_refreshed_and_revoked_with_the_sites_client_only(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    cognito.status, cognito.body = 400, {"error": "invalid_grant"}
    assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == 401
    refreshed = [credentials(sent) for _, _, sent in cognito.asked]
    cognito.status = 200
    signed_in(client, cognito)
    client.send(LOGOUT, headers=SAME_ORIGIN)
    revoked = [credentials(sent) for _, _, sent in cognito.asked]
    assert refreshed == revoked == [(CLIENT_ID, CLIENT_SECRET)]


@HOSTED
@pytest.mark.usefixtures("app_client")
@pytest.mark.parametrize("fails", [CLIENT_ID, APP, "both"])
def test_a_refresh_token_in_a_body_is_revoked_with_either_client(
    client: Client, cognito: Cognito, caplog: pytest.LogCaptureFixture, fails: str
) -> None:
    def answer(form: dict[str, str]) -> None:
        cognito.status = 400 if fails in ("both", form.get("client_id", CLIENT_ID)) else 200

    cognito.before = answer
    assert client.send(LOGOUT, body='{"refresh_token": "r"}')["statusCode"] == 200
    assert [(path, form.get("client_id")) for path, form, _ in cognito.asked] == [
        ("/oauth2/revoke", None),
        ("/oauth2/revoke", APP),
    ]
    assert ("not_revoked" in [record.message for record in caplog.records]) is (fails == "both")


# Sign-out


@HOSTED
def test_sign_out_revokes_the_token_clears_the_cookies_and_returns_the_logout_url(
    client: Client, cognito: Cognito, hosted: str
) -> None:
    signed_in(client, cognito)
    answer = client.send(LOGOUT, headers=SAME_ORIGIN)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "logout_url": f"{hosted}/logout?client_id={CLIENT_ID}&logout_uri=https%3A%2F%2Fsite.example%2F"
    }
    assert client.cookies == {}
    ((path, form, sent),) = cognito.asked
    assert (path, form) == ("/oauth2/revoke", {"token": "refresh-1"})
    assert credentials(sent) == (CLIENT_ID, CLIENT_SECRET)


def test_a_cookie_is_cleared_with_the_attributes_that_it_was_set_with(client: Client, cognito: Cognito) -> None:
    made = set_cookies(finish(client, cognito, begin(client)))
    for name, cleared in set_cookies(client.send(LOGOUT, headers=SAME_ORIGIN)).items():
        assert cleared.attributes | {"Max-Age": ""} == made[name].attributes | {"Max-Age": ""}


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_failed_revocation_does_not_stop_a_sign_out(client: Client, cognito: Cognito, status: int) -> None:
    signed_in(client, cognito)
    cognito.status = status
    assert client.send(LOGOUT, headers=SAME_ORIGIN)["statusCode"] == 200
    assert client.cookies == {}


def test_a_slow_revocation_does_not_delay_a_sign_out(
    client: Client, cognito: Cognito, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_endpoint, "TIMEOUT_SECONDS", 0.05)
    cognito.silent = True
    planted = [f"__Secure-refresh={token}" for token in ("planted", "mine", "another")]
    answer = client.send(LOGOUT, headers=SAME_ORIGIN, cookies=planted)
    assert (answer["statusCode"], set(set_cookies(answer))) == (200, {"__Secure-refresh"})
    assert len(cognito.asked) <= 1  # none, if it has not been read yet


@pytest.mark.parametrize("count", [1, 3, 50])
def test_with_planted_refresh_tokens_the_sessions_own_token_is_revoked(
    client: Client, cognito: Cognito, count: int
) -> None:
    signed_in(client, cognito)
    planted = [f"planted-{number}" for number in range(count)]
    assert client.send(LOGOUT, headers=SAME_ORIGIN, cookies=sent_with(client, planted))["statusCode"] == 200
    assert [form["token"] for form in cognito.forms] == ["refresh-1"]
    assert client.cookies == {}


@pytest.mark.parametrize("status", [200, 400])
def test_planted_refresh_tokens_do_not_stop_a_sign_out(client: Client, cognito: Cognito, status: int) -> None:
    cognito.status = status
    planted = [f"__Secure-refresh={token}" for token in ("planted", "mine", "planted", *range(9))]
    answer = client.send(LOGOUT, headers=SAME_ORIGIN, cookies=planted)
    assert (answer["statusCode"], set(set_cookies(answer))) == (200, {"__Secure-refresh"})
    assert [form["token"] for form in cognito.forms] == ["planted", "mine", "0"]


def test_a_second_sign_out_is_no_error(client: Client, cognito: Cognito) -> None:
    assert client.send(LOGOUT, headers=SAME_ORIGIN)["statusCode"] == 200
    assert cognito.asked == []


@HOSTED
def test_a_sign_out_at_kakao_too_leads_through_cognito_and_kakao_back_to_the_site(
    session: ModuleType, client: Client, hosted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "KAKAO_LOGOUT_URL", "https://kauth.example/oauth/logout")
    answer = json.loads(client.send(LOGOUT, headers=SAME_ORIGIN | {"origin": LOCAL})["body"])
    at_cognito = urlsplit(answer["kakao_logout_url"])
    assert answer["kakao_logout_url"].startswith(f"{hosted}/logout?")
    assert parse_qs(at_cognito.query) == {"client_id": [CLIENT_ID], "logout_uri": [f"{SITE}/api/kakao/logout"]}
    forged = {"client_id": "theirs", "logout_redirect_uri": "https://evil.example"}
    at_kakao = client.send("GET /api/kakao/logout", forged, headers={"host": "evil.example"})
    assert at_kakao["statusCode"] == 302
    base, _, query = at_kakao["headers"]["location"].partition("?")
    assert base == "https://kauth.example/oauth/logout"
    assert parse_qs(query) == {"client_id": [KAKAO_CLIENT_ID], "logout_redirect_uri": [f"{SITE}/"]}


@DIRECT
def test_without_a_hosted_login_the_sign_out_at_kakao_needs_no_logout_at_cognito(
    session: ModuleType, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "KAKAO_LOGOUT_URL", "https://kauth.example/oauth/logout")
    answer = json.loads(client.send(LOGOUT, headers=SAME_ORIGIN)["body"])
    assert answer == {"logout_url": f"{SITE}/", "kakao_logout_url": f"{SITE}/api/kakao/logout"}


@HOSTED
@pytest.mark.parametrize(
    ("headers", "site"),
    [({"origin": LOCAL}, LOCAL), ({"origin": SITE}, SITE), ({}, SITE), ({"origin": "https://evil.example"}, SITE)],
)
def test_sign_out_returns_to_the_origin_of_the_request_if_it_is_allowed(
    client: Client, headers: dict[str, str], site: str
) -> None:
    answer = client.send(LOGOUT, headers={"sec-fetch-site": "same-origin", **headers})
    assert parse_qs(urlsplit(json.loads(answer["body"])["logout_url"]).query)["logout_uri"] == [f"{site}/"]


# Both


@pytest.mark.parametrize("route", [REFRESH, LOGOUT])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"{SITE}.evil.example"},
        {"origin": f"{SITE}:8443"},
        {"origin": "http://site.example"},
        {"origin": "HTTPS://SITE.EXAMPLE"},
        {"sec-fetch-site": "cross-site", "origin": SITE},
        {"sec-fetch-site": "same-site", "origin": SITE},
        {"sec-fetch-site": "none", "origin": SITE},
        {"sec-fetch-site": "", "origin": SITE},
        {"referer": f"{SITE}/"},
        {"x-requested-with": "XMLHttpRequest", "host": "site.example"},
    ],
)
def test_another_site_can_neither_refresh_nor_sign_out(
    client: Client, cognito: Cognito, route: str, headers: dict[str, str]
) -> None:
    signed_in(client, cognito)
    before = dict(client.cookies)
    answer = client.send(route, headers=headers)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (403, "cross_site")
    assert client.cookies == before
    assert cognito.asked == []


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": SITE}, {"origin": LOCAL}])
def test_the_site_is_recognized_by_either_header(client: Client, cognito: Cognito, headers: dict[str, str]) -> None:
    signed_in(client, cognito)
    assert client.send(LOGOUT, headers=headers)["statusCode"] == 200


# A client that keeps its tokens itself


def sent_token(token: object = "refresh-1") -> str:
    return json.dumps({"refresh_token": token})


@pytest.mark.parametrize(("rotated", "next_token"), [("refresh-2", "refresh-2"), (None, "refresh-1")])
def test_a_refresh_token_in_the_body_returns_tokens_and_changes_no_cookies(
    client: Client, cognito: Cognito, rotated: str | None, next_token: str
) -> None:
    client.cookies["__Secure-refresh"] = "of-another-user"
    cognito.body = {"id_token": id_token(), "access_token": "access-1", "refresh_token": rotated}
    answer = client.send(REFRESH, body=sent_token())
    tokens = json.loads(answer["body"])
    assert (answer["statusCode"], answer["cookies"]) == (200, [])
    assert tokens == {
        "AccessToken": "access-1",
        "IdToken": cognito.body["id_token"],
        "RefreshToken": next_token,
        "ExpiresIn": tokens["ExpiresIn"],
        "TokenType": "Bearer",
    }
    assert 0 < tokens["ExpiresIn"] <= 900
    assert [form["refresh_token"] for form in cognito.forms] == ["refresh-1"]


def test_a_revoked_refresh_token_in_the_body_changes_no_cookies(client: Client, cognito: Cognito) -> None:
    cognito.status, cognito.body = 400, {"error": "invalid_grant"}
    answer = client.send(REFRESH, body=sent_token())
    assert (answer["statusCode"], answer["cookies"]) == (401, [])


def test_new_tokens_without_an_access_token_are_a_502(client: Client, cognito: Cognito) -> None:
    for access_token in (None, 7):
        cognito.body = {"id_token": id_token(), "access_token": access_token}
        assert client.send(REFRESH, body=sent_token())["statusCode"] == 502


def test_a_refresh_token_in_the_body_is_revoked_at_sign_out_and_cookies_stay(client: Client, cognito: Cognito) -> None:
    client.cookies["__Secure-refresh"] = "of-another-user"
    answer = client.send(LOGOUT, body=sent_token())
    assert (answer["statusCode"], answer["cookies"]) == (200, [])
    assert [(path, form["token"]) for path, form, _ in cognito.asked] == [("/oauth2/revoke", "refresh-1")]


@pytest.mark.parametrize("body", ["{", "[]", "{}", sent_token(7), sent_token(""), sent_token("x" * 4097)])
@pytest.mark.parametrize("route", [REFRESH, LOGOUT])
def test_a_body_without_a_valid_refresh_token_is_refused_with_400(
    client: Client, cognito: Cognito, route: str, body: str
) -> None:
    answer = client.send(route, headers=SAME_ORIGIN, body=body)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (400, "invalid_request")
    assert cognito.asked == []


@pytest.mark.parametrize("route", [LOGIN, CALLBACK, REFRESH, LOGOUT])
def test_no_response_is_cached_or_sends_a_referrer(client: Client, route: str) -> None:
    for headers in ({}, SAME_ORIGIN):
        answer = client.send(route, headers=headers)
        assert answer["headers"]["cache-control"] == "no-store"
        assert answer["headers"]["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("route", [LOGIN, CALLBACK, REFRESH, LOGOUT])
def test_a_bug_is_a_500_without_details(
    client: Client, session: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, route: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("canary")

    for name in ("query", "cookies", "single"):
        monkeypatch.setattr(session.web, name, fail)
    answer = client.send(route, headers=SAME_ORIGIN)
    assert answer["statusCode"] == 500
    assert answer["headers"]["content-type"].split(";")[0] == ("text/html" if "GET" in route else "application/json")
    assert "canary" not in json.dumps(answer) + caplog.text
    assert [record.message for record in caplog.records] == ["unexpected"]


def test_an_unknown_route_is_a_500(session: ModuleType) -> None:
    assert session.handler({}, None)["statusCode"] == 500
    assert session.handler({"routeKey": "PUT /api/auth/login"}, None)["statusCode"] == 500


@HOSTED
def test_a_bug_in_the_callback_clears_the_login_cookie(
    client: Client, session: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    asked = begin(client)
    monkeypatch.setattr(session.endpoint, "redeem", fail)
    assert client.send(CALLBACK, {"code": "c", "state": asked["state"]})["statusCode"] == 500
    assert login_cookies(client) == []


def test_the_reason_of_a_failed_login_is_logged(
    client: Client, cognito: Cognito, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    cognito.status = 503
    client.send(CALLBACK, {"code": "c", "state": begin(client)["state"]})
    client.send(CALLBACK, {"error": "access_denied", "state": begin(client)["state"]})
    told = [
        {name: vars(record)[name] for name in ("outcome", "reason") if name in vars(record)}
        for record in caplog.records
    ]
    assert {record.message for record in caplog.records} == {"not_signed_in"}
    # An empty reason would hide the outcome on the dashboard, which shows the first of the two that is there.
    assert told == [{"outcome": "unavailable", "reason": "status 503"}, {"outcome": "cancelled"}]


JUNK = st.text(max_size=20) | st.sampled_from(["A" * 43, "A" * 8, "e30=", "W10=", "bnVsbA==", SITE, "same-origin"])
NAMES = JUNK | st.sampled_from(["__Host-login-AAAAAAAA", "__Host-id", "__Secure-refresh", "state", "code", "error"])


@given(
    route=st.sampled_from([LOGIN, CALLBACK, REFRESH, LOGOUT]),
    parameters=st.dictionaries(NAMES, JUNK | st.lists(JUNK, max_size=2)) | st.just({"state": "A" * 43, "code": "c"}),
    headers=st.dictionaries(st.sampled_from(["origin", "sec-fetch-site", "cookie", "host"]), JUNK),
    cookies=st.none() | st.lists(st.tuples(NAMES, JUNK).map("=".join) | JUNK, max_size=5),
)
def test_no_request_of_a_client_is_an_internal_error(
    session: ModuleType, route: str, parameters: Any, headers: dict[str, str], cookies: list[str] | None
) -> None:
    query = urlencode(parameters, doseq=True, errors="replace")
    answer = Client(session.handler).send(route, raw_query=query, headers=headers, cookies=cookies or [])
    assert answer["statusCode"] in {200, 302, 400, 401, 403, 429, 502, 504, 507}


@pytest.mark.parametrize(
    "raw", ["%ff%fe", "&&&", "=", "state", "a=b" * 500, "&".join(f"a{n}=1" for n in range(99)), "code=%00"]
)
@pytest.mark.parametrize("route", [LOGIN, CALLBACK])
def test_no_query_is_an_internal_error(client: Client, route: str, raw: str) -> None:
    assert client.send(route, raw_query=raw)["statusCode"] < 500


def test_no_personal_data_or_secret_is_logged(
    client: Client, cognito: Cognito, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    asked = begin(client, return_to="/canary-path")
    token = id_token(nonce=asked["nonce"], email="canary@example.com", nickname="canary-nickname")
    cognito.body = {"id_token": token, "refresh_token": "canary-refresh"}
    client.send(CALLBACK, {"code": "canary-code", "state": asked["state"]}, headers={"user-agent": "canary-agent"})
    client.send(REFRESH, headers=SAME_ORIGIN)
    for status in (200, 400, 500):
        cognito.status, cognito.body = status, {"error": "canary-error"}
        client.send(REFRESH, headers=SAME_ORIGIN)
        again = begin(client)
        client.send(CALLBACK, {"code": "canary-code", "state": again["state"]})
        client.send(CALLBACK, {"error": "canary", "error_description": "canary", "state": begin(client)["state"]})
    client.send(LOGOUT, headers={"origin": "https://canary.example"})
    client.cookies["__Secure-refresh"] = "canary-refresh"
    client.send(LOGOUT, headers=SAME_ORIGIN)
    written = "".join([repr(record.__dict__) for record in caplog.records]) + "".join(capfd.readouterr())
    assert "signed_in" in written
    for secret in ("canary", token, asked["state"], asked["nonce"], *client.cookies.values()):
        assert secret not in written


# Where users sign in at Kakao itself


@DIRECT
def test_without_a_hosted_login_sign_out_leads_to_the_home_page(client: Client, cognito: Cognito) -> None:
    signed_in(client, cognito)
    for origin in (SITE, LOCAL, "https://evil.example"):
        answer = client.send(LOGOUT, headers=SAME_ORIGIN | {"origin": origin})
        home = origin if origin == LOCAL else SITE
        assert json.loads(answer["body"]) == {"logout_url": f"{home}/"}
    ((path, form, sent),) = cognito.asked
    assert (path, form) == ("/oauth2/revoke", {"token": "refresh-1"})
    assert credentials(sent) == (CLIENT_ID, CLIENT_SECRET)


@DIRECT
@pytest.mark.parametrize(
    ("status", "code", "message", "answered"),
    [
        (400, "NotAuthorizedException", "Invalid Refresh Token", 401),
        (400, "NotAuthorizedException", "Refresh Token has expired", 401),
        (400, "NotAuthorizedException", "Unable to verify secret hash for client", 502),
        (400, "com.amazonaws#RefreshTokenReuseException", "", 401),
        (400, "UserNotFoundException", "", 401),
        (400, "TooManyRequestsException", "", 429),
        (400, "ResourceNotFoundException", "", 502),
        (500, "InternalErrorException", "", 502),
    ],
)
def test_a_session_ends_only_where_cognitos_api_refuses_the_token(
    client: Client, cognito: Cognito, status: int, code: str, message: str, answered: int
) -> None:
    signed_in(client, cognito)
    cognito.status, cognito.body = status, {"__type": code, "message": message}
    assert client.send(REFRESH, headers=SAME_ORIGIN)["statusCode"] == answered
    assert set(client.cookies) == (set() if answered == 401 else SESSION)


@DIRECT
def test_a_malformed_refresh_token_is_not_sent_to_cognitos_api(client: Client, cognito: Cognito) -> None:
    assert client.send(REFRESH, body=sent_token("refresh token"))["statusCode"] == 401
    assert client.send(LOGOUT, body=sent_token("refresh token"))["statusCode"] == 200
    assert cognito.asked == []


def test_cognitos_api_is_in_the_pools_region_unless_the_environment_names_an_endpoint(
    session: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def url() -> str:
        api: str = token_api.TokenApi(client_id="c", client_secret="s", issuer=ISSUER)._url
        return api

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert url() == "https://cognito-idp.ap-northeast-2.amazonaws.com"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:3003")
    assert url() == "http://127.0.0.1:3003"
