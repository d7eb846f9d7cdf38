"""Attacks on the deployed login, by a link that a user opens or by HTTP requests."""

import base64
import http.client
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import requests
import yaml
from aiohttp import WSServerHandshakeError
from botocore.exceptions import ClientError

from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from sandbox.mail import mails
from sandbox.program import ROOT
from tests.sandbox.deployed import (
    EMAIL,
    PASSWORD,
    Browser,
    ask,
    at,
    at_cognito,
    authorization_server,
    bearer,
    id_token,
    is_direct,
    kakao_tokens,
    on_pool,
    talk,
    with_the_secret,
)

pytestmark = pytest.mark.sandbox

VICTIM, ATTACKER = PEOPLE[0], PEOPLE[1]
EVIL = "https://evil.example"
PATHS = yaml.safe_load((ROOT / "docs" / "reference" / "openapi.yaml").read_text())["paths"]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROUTES = [(method.upper(), path) for path, methods in PATHS.items() for method in methods if method.upper() in METHODS]
UNSAFE = [path for method, path in ROUTES if method not in ("GET", "HEAD")]
SESSION = {"__Host-id", "__Host-person", "__Secure-refresh"}


@pytest.fixture
def victim(sandbox: Sandbox) -> Browser:
    return Browser(sandbox)


@pytest.fixture
def attacker(sandbox: Sandbox) -> Browser:
    return Browser(sandbox)


@pytest.fixture(scope="module")
def session(sandbox: Sandbox) -> dict[str, str]:
    """The cookies of the victim's session."""
    browser = Browser(sandbox)
    browser.sign_in(VICTIM)
    return browser.cookies


def expect_no_session(answer: requests.Response, browser: Browser) -> None:
    assert answer.status_code == 400
    assert not SESSION & set(browser.cookies)


# Codes and states


@pytest.mark.both_modes
def test_the_attackers_code_and_state_do_not_sign_the_victim_in(victim: Browser, attacker: Browser) -> None:
    callback = attacker.agree(attacker.begin(), ATTACKER)
    expect_no_session(victim.send("GET", callback), victim)
    victim.begin()
    expect_no_session(victim.send("GET", callback), victim)
    state = parse_qs(urlsplit(callback).query)["state"][0]
    name = f"__Host-login-{state[:8]}"
    other = next(value for value in victim.cookies.values())
    expect_no_session(victim.send("GET", callback, planted=f"{name}={other}"), victim)
    assert attacker.send("GET", callback).status_code == 302  # the code was never sent to Cognito


@pytest.mark.both_modes
def test_a_stolen_code_is_refused_in_the_attackers_own_login(victim: Browser, attacker: Browser) -> None:
    stolen = parse_qs(urlsplit(victim.agree(victim.begin(), VICTIM)).query)["code"][0]
    state = parse_qs(urlsplit(attacker.begin()).query)["state"][0]
    answer = attacker.send("GET", f"/api/auth/callback?{urlencode({'code': stolen, 'state': state})}")
    expect_no_session(answer, attacker)


@pytest.mark.both_modes
def test_a_code_is_valid_once_even_with_the_cookie_of_its_login(victim: Browser, attacker: Browser) -> None:
    callback = victim.agree(victim.begin(), VICTIM)
    attacker.cookies |= victim.cookies
    assert victim.send("GET", callback).status_code == 302
    expect_no_session(attacker.send("GET", callback), attacker)


@pytest.mark.both_modes
def test_a_state_is_valid_for_one_login(victim: Browser) -> None:
    asked = victim.begin()
    assert victim.send("GET", victim.agree(asked, VICTIM)).status_code == 302
    kept = dict(victim.cookies)
    again = victim.send("GET", victim.agree(asked, ATTACKER))  # a new code, and the state that has been used
    assert again.status_code == 400
    assert victim.cookies == kept


# Where a user is redirected to


@pytest.mark.both_modes
@pytest.mark.parametrize(
    "query",
    [
        *(
            f"return_to={quote(path, safe='')}"
            for path in (
                "//evil.example",
                "/\\evil.example",
                "/\t/evil.example",
                "/%2fevil.example",
                "/..//evil.example",
            )
        ),
        f"return_to={quote(EVIL, safe='')}",
        "return_to=javascript:alert(1)",
        "return_to=/x%0d%0aLocation:%20//evil.example",
        "return_to=/x&return_to=//evil.example",
        "return_to=/api/auth/login",
    ],
)
def test_a_login_ends_at_the_site_whatever_its_link_contains(victim: Browser, query: str) -> None:
    answer = victim.sign_in(VICTIM, query)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


KEY = "stand-in-rest-api-key"


@pytest.mark.parametrize(
    "query",
    [
        "client_id=theirs&redirect_uri={uri}&response_type=code",
        "client_id={key}&redirect_uri=https://evil.example/oauth2/idpresponse&response_type=code",
        "client_id={key}&redirect_uri={uri}&redirect_uri=https://evil.example&response_type=code",
        "client_id={key}&redirect_uri={uri}%2F..%2F..%2Fevil&response_type=code",
        "client_id={key}&redirect_uri={uri}&response_type=token",
        "client_id={key}&client%5Fid=theirs&redirect_uri={uri}&response_type=code&state=a&state=b",
    ],
)
def test_the_route_to_kakao_refuses_a_request_that_differs_from_cognitos(
    victim: Browser, sandbox: Sandbox, query: str
) -> None:
    victim.begin("prompt=create")
    filled = query.format(key=KEY, uri=quote(sandbox.exports["kakaoRedirectUri"], safe=""))
    answer = victim.send("GET", f"/api/kakao/authorize?{filled}", headers={"X-Forwarded-Host": "evil.example"})
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_parameters_added_to_the_route_to_kakao_are_not_passed_on(victim: Browser, sandbox: Sandbox) -> None:
    victim.begin("prompt=create")
    known = {"client_id": KEY, "redirect_uri": sandbox.exports["kakaoRedirectUri"], "response_type": "code"}
    extra = {"scope": "openid", "client%5Fid": "theirs", "request_uri": EVIL, "logout_redirect_uri": EVIL, "": "x"}
    answer = victim.send("GET", f"/api/kakao/authorize?{urlencode(known | extra)}")
    base, _, query = answer.headers["Location"].partition("?")
    assert (answer.status_code, base) == (302, f"{sandbox.kakao}/oauth/authorize")
    expected = known | {"scope": "openid", "prompt": "create"}
    assert parse_qs(query, keep_blank_values=True) == {name: [value] for name, value in expected.items()}


@pytest.mark.both_modes
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "1"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"X-Original-Host": "evil.example", "X-Host": "evil.example", "X-Forwarded-Server": "evil.example"},
        {"X-Original-URL": "/api/userinfo", "X-Rewrite-URL": "/api/userinfo"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_of_a_client_changes_the_site_address(
    victim: Browser, sandbox: Sandbox, headers: dict[str, str]
) -> None:
    login = victim.send("GET", f"/api/auth/login?origin={quote(sandbox.site)}", headers=headers)
    location = urlsplit(login.headers["Location"])
    assert f"{location.scheme}://{location.netloc}" == authorization_server(sandbox)
    assert parse_qs(location.query)["redirect_uri"] == [f"{sandbox.site}/api/auth/callback"]
    logout = victim.send("POST", "/api/auth/logout", headers={**headers, "Origin": sandbox.site})
    next_address = f"{sandbox.site}/" if is_direct(sandbox) else f"{sandbox.hosted_login}/logout?"
    assert logout.json()["logout_url"].startswith(next_address)
    assert "evil" not in logout.text


# Requests of other sites


@pytest.mark.both_modes
@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://sibling.example"},
        {"Origin": EVIL},
        {"Origin": "null"},
        {},
    ],
    ids=["cross-site", "sibling", "origin alone", "no origin", "nothing"],
)
def test_a_post_of_another_site_changes_no_session(
    sandbox: Sandbox, session: dict[str, str], path: str, headers: dict[str, str]
) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "code": "000000", "session": True}
    body |= {"access_token": kakao_tokens(sandbox, ATTACKER)["access_token"]}
    for sent, kind in ((json.dumps(body), "text/plain"), ("", "application/x-www-form-urlencoded")):
        answer = Browser(sandbox, dict(session)).send("POST", path, data=sent, headers=headers | {"Content-Type": kind})
        assert answer.status_code < 500
        assert "Set-Cookie" not in answer.headers
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert Browser(sandbox, dict(session)).email() == VICTIM.email


@pytest.mark.both_modes
@pytest.mark.parametrize(("method", "path"), [(m, p) for p in PATHS for m in METHODS if (m, p) not in ROUTES])
def test_another_http_method_is_refused(sandbox: Sandbox, session: dict[str, str], method: str, path: str) -> None:
    """Nor is the right one that a header names."""
    headers = {"Sec-Fetch-Site": "same-origin", "X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST"}
    answer = Browser(sandbox, dict(session)).send(method, path, headers=headers)
    assert 400 <= answer.status_code < 500
    assert "Set-Cookie" not in answer.headers
    assert str(VICTIM.email) not in answer.text


# Cookies that a sibling host has planted


@pytest.mark.both_modes
def test_a_planted_refresh_token_never_changes_the_user_of_a_session(
    sandbox: Sandbox, session: dict[str, str], attacker: Browser
) -> None:
    attacker.sign_in(ATTACKER)
    planted = attacker.cookies["__Secure-refresh"]
    browser = Browser(sandbox, session | {"__Secure-refresh": planted})
    answer = browser.send("POST", "/api/auth/refresh", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 401
    assert not SESSION & set(browser.cookies)


@pytest.mark.both_modes
def test_a_planted_refresh_token_does_not_sign_the_browser_in_as_the_attacker(
    sandbox: Sandbox, attacker: Browser
) -> None:
    attacker.sign_in(ATTACKER)
    browser = Browser(sandbox, {"__Secure-refresh": attacker.cookies["__Secure-refresh"]})
    answer = browser.send("POST", "/api/auth/refresh", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 401
    assert not SESSION & set(browser.cookies)


@pytest.mark.both_modes
@pytest.mark.parametrize("planted", ["\u2000{}", "\u3000{}", "\xa0{}", "\u2028{}", "{}\u2000", "{}\xa0"])
def test_a_cookie_name_that_a_sibling_host_may_set_has_no_user(
    sandbox: Sandbox, session: dict[str, str], attacker: Browser, planted: str
) -> None:
    """A browser does not treat such a name as one with the prefix `__Host-`, so the server must not either."""
    attacker.sign_in(ATTACKER)
    own = {"Sec-Fetch-Site": "same-origin", "Origin": sandbox.site}
    theirs = "; ".join(f"{planted.format(name)}={value}" for name, value in attacker.cookies.items())
    planted_only = own | {"Cookie": f"{theirs}; __Secure-refresh={attacker.cookies['__Secure-refresh']}".encode()}
    assert requests.get(f"{at(sandbox)}/api/userinfo", headers=planted_only, timeout=60).status_code == 401
    assert requests.post(f"{at(sandbox)}/api/auth/refresh", headers=planted_only, timeout=60).status_code == 401
    with pytest.raises(WSServerHandshakeError):
        talk(sandbox, {"Cookie": theirs, "Origin": sandbox.site})
    beside = "; ".join([theirs, *(f"{name}={value}" for name, value in session.items())])
    answer = requests.get(f"{at(sandbox)}/api/userinfo", headers=own | {"Cookie": beside.encode()}, timeout=60)
    assert answer.json()["email"] == VICTIM.email


# Accounts that are gone


@pytest.mark.both_modes
def test_tokens_of_a_deleted_account_do_not_open_a_new_account_of_the_same_name(
    sandbox: Sandbox,
) -> None:
    email = f"again-{secrets.token_hex(4)}@example.com"

    def sign_up() -> dict[str, str]:
        on_pool(sandbox, "AdminCreateUser", Username=email, MessageAction="SUPPRESS")
        on_pool(sandbox, "AdminSetUserPassword", Username=email, Password=PASSWORD, Permanent=True)
        tokens: dict[str, str] = ask(
            sandbox, "POST /api/auth/sign-in", body={"email": email, "password": PASSWORD}
        ).json()
        return tokens

    old = sign_up()
    on_pool(sandbox, "AdminDeleteUser", Username=email)
    new = sign_up()
    for tokens, status in ((old, 401), (new, 200)):
        assert ask(sandbox, "GET /api/userinfo", bearer(tokens["AccessToken"])).status_code == status
    assert talk(sandbox, bearer(new["IdToken"])) == []
    with pytest.raises(WSServerHandshakeError):
        talk(sandbox, bearer(old["IdToken"]))


# Sessions that are too large


@pytest.fixture
def grown(sandbox: Sandbox, attacker: Browser) -> Iterator[Callable[[int], int]]:
    """Makes the ID token of the attacker as long as wanted, by groups, and returns its length."""
    attacker.sign_in(ATTACKER)
    name = attacker.send("GET", "/api/userinfo", headers={"Sec-Fetch-Site": "same-origin"}).json()["name"]
    groups: list[str] = []

    def grow(wanted: int) -> int:
        while (missing := (wanted - len(attacker.cookies["__Host-id"])) * 3 // 4 - 20) > 20:
            groups.append(secrets.token_hex(64)[: min(missing, 128)])
            on_pool(sandbox, "CreateGroup", GroupName=groups[-1])
            on_pool(sandbox, "AdminAddUserToGroup", Username=name, GroupName=groups[-1])
            if attacker.sign_in(ATTACKER).status_code != 302:
                break
        return len(attacker.cookies["__Host-id"])

    yield grow
    for group in groups:
        on_pool(sandbox, "DeleteGroup", GroupName=group)


CHROMIUM = {  # what it sends beside the cookies, with as much as a long address adds
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "x" * 120,
    "Accept-Language": "x" * 60,
    "Sec-Ch-Ua": "x" * 120,
    "Referer": "x" * 500,
}


@pytest.mark.both_modes
def test_a_session_with_the_longest_token_works_refreshes_and_signs_out(
    sandbox: Sandbox, attacker: Browser, grown: Callable[[int], int]
) -> None:
    """With as many begun logins as a browser keeps for us."""
    assert grown(4080) > 4000
    headers = CHROMIUM | {"Origin": sandbox.site}
    logins = "; ".join(f"__Host-login-{number:08}={'x' * 480}" for number in range(3))
    assert attacker.send("GET", "/api/userinfo", headers=headers, planted=logins).status_code == 200
    cookie = "; ".join([*(f"{name}={value}" for name, value in attacker.cookies.items() if "-id" in name), logins])
    assert talk(sandbox, {"Cookie": cookie, "Origin": sandbox.site}) == []
    assert attacker.send("POST", "/api/auth/refresh", headers=headers, planted=logins).status_code == 204
    assert attacker.send("POST", "/api/auth/logout", headers=headers, planted=logins).status_code == 200
    assert not SESSION & set(attacker.cookies)


@pytest.mark.both_modes
def test_a_token_too_long_for_a_cookie_shows_an_error_page_at_each_sign_in(
    attacker: Browser, grown: Callable[[int], int]
) -> None:
    grown(4400)
    attacker.cookies.clear()
    answer = attacker.sign_in(ATTACKER)
    assert (answer.status_code, attacker.cookies) == (507, {})
    assert "운영자" in answer.text


# Identities that a client invents


SMUGGLED = {
    "X-User": "somebody",
    "X-User-Id": "somebody",
    "X-Forwarded-User": "somebody",
    "X-Amzn-Oidc-Identity": "somebody",
    "X-Amzn-Oidc-Data": "e30.e30.e30",
    "X-Amz-Security-Token": "somebody",
    "X-Apigateway-Event": json.dumps({"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "somebody"}}}}}),
    "Sub": "somebody",
}


@pytest.mark.both_modes
def test_headers_that_name_a_user_are_ignored(sandbox: Sandbox, session: dict[str, str]) -> None:
    assert Browser(sandbox).send("GET", "/api/userinfo", headers=SMUGGLED).status_code == 401
    own = {"Sec-Fetch-Site": "same-origin"}
    answers = [Browser(sandbox, dict(session)).send("GET", "/api/userinfo", headers=own | h) for h in ({}, SMUGGLED)]
    assert answers[0].json() == answers[1].json()


@pytest.mark.both_modes
def test_a_bearer_token_counts_instead_of_the_cookie(sandbox: Sandbox, session: dict[str, str]) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    answer = Browser(sandbox, dict(session)).send("GET", "/api/userinfo", headers=own | bearer(id_token(sandbox)))
    assert answer.json()["email"] == EMAIL
    for wrong in (bearer("x.y.z"), bearer(""), {"Authorization": "Basic dXNlcjp4"}):
        assert Browser(sandbox, dict(session)).send("GET", "/api/userinfo", headers=own | wrong).status_code == 401


# Sizes and paths


@pytest.mark.both_modes
@pytest.mark.parametrize("path", UNSAFE)
def test_a_body_that_is_too_large_changes_nothing(sandbox: Sandbox, session: dict[str, str], path: str) -> None:
    body = json.dumps({"email": EMAIL, "password": PASSWORD, "refresh_token": "x", "filler": "x" * 16_384})
    answer = Browser(sandbox, dict(session)).send("POST", path, data=body, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.both_modes
@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": f"__Host-id=a.b.{'c' * 4093}"},
        {"Cookie": "; ".join(f"__Host-login-{number:08}={'x' * 300}" for number in range(20))},
        {"Cookie": "=" * 6000},
        {"Authorization": f"Bearer {'x' * 6000}"},
        {"X-Filler": "x" * 20_000},
    ],
    ids=["token", "logins", "nameless", "bearer", "header"],
)
@pytest.mark.parametrize("path", ["/api/userinfo", f"/api/auth/callback?code=x&state={'A' * 43}"])
def test_headers_that_are_too_large_are_refused(sandbox: Sandbox, headers: dict[str, str], path: str) -> None:
    answer = requests.get(at(sandbox) + path, headers=headers, allow_redirects=False, timeout=60)
    assert 400 <= answer.status_code < 500
    assert not any(f"{name}=" in answer.headers.get("Set-Cookie", "") for name in SESSION)


@pytest.mark.both_modes
@pytest.mark.parametrize(
    "path",
    [
        "//api/userinfo", "/api//userinfo", "/./api/userinfo", "/x/../api/userinfo", "/api/./userinfo",
        "/api/auth/../userinfo", "/api%2fuserinfo", "/api/%75serinfo", "/api/userinfo%00", "/api/userinfo/",
        "/api/userinfo;x", "/api/userinfo%3f", "/API/userinfo", "/api/userinfo.json", "/api\\userinfo",
        "/%2e%2e/api/userinfo", "/ws/", "/ws/../api/userinfo", "/ws/api/userinfo", "/ws/@connections/x",
        "/ws%2f..%2fapi%2fuserinfo",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_bypasses_the_authorizer(sandbox: Sandbox, session: dict[str, str], path: str) -> None:
    """Sent unchanged, without a token and from another site with the user's cookie."""
    for headers in (
        {},
        {"Cookie": f"__Host-id={session['__Host-id']}", "Sec-Fetch-Site": "cross-site"},
        {"Cookie": f"__Host-id={session['__Host-id']}", "Sec-Fetch-Site": "cross-site", "Upgrade": "h2c"},
    ):
        connection = http.client.HTTPConnection(urlsplit(at(sandbox)).netloc, timeout=60)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        assert answer.status < 500
        assert str(VICTIM.email) not in body
        assert '"provider"' not in body


# At Cognito's own API, with the public ids of the pool and the clients


CODE = {"ConfirmationCode": "000000"}
SIGN_UP = {"Password": PASSWORD, "UserAttributes": [{"Name": "email", "Value": "stranger@example.com"}]}
SELF_SERVICE: dict[str, dict[str, Any]] = {
    "SignUp": {"Username": "stranger@example.com"} | SIGN_UP,
    "ConfirmSignUp": {"Username": EMAIL} | CODE,
    "ResendConfirmationCode": {"Username": EMAIL},
    "ForgotPassword": {"Username": EMAIL},
    "ConfirmForgotPassword": {"Username": EMAIL, "Password": PASSWORD} | CODE,
}
PARAMETERS = {"USERNAME": EMAIL, "PASSWORD": PASSWORD, "SRP_A": "ab", "REFRESH_TOKEN": "x.y.z"}
# Each flow of the API, with the right password, which Cognito must not check.
AUTH_FLOWS = [
    "USER_PASSWORD_AUTH",
    "USER_SRP_AUTH",
    "USER_AUTH",
    "CUSTOM_AUTH",
    "ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_NO_SRP_AUTH",
    "REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN",
]


@pytest.fixture
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    """The name of an output with the id of an app client. The client of mobile apps belongs to the hosted login."""
    name: str = request.param
    if name not in sandbox.exports:
        pytest.skip("in direct mode there is no client of mobile apps")
    return name


def refusal(sandbox: Sandbox, operation: str, client: str, **given: Any) -> str:
    with pytest.raises(ClientError) as refused:
        at_cognito(sandbox, operation, client=client, **given)
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.both_modes
@pytest.mark.parametrize("operation", SELF_SERVICE)
def test_account_calls_through_the_sites_client_are_refused_without_its_secret(
    sandbox: Sandbox, operation: str
) -> None:
    before = len(mails(sandbox.aws))
    for proof in ({}, {"SecretHash": "AAAA"}):
        given = SELF_SERVICE[operation] | proof
        assert refusal(sandbox, operation, "clientId", **given) == "NotAuthorizedException"
    assert len(mails(sandbox.aws)) == before


@pytest.mark.both_modes
@pytest.mark.parametrize("client", ["clientId", "appClientId"], indirect=True)
@pytest.mark.parametrize("flow", AUTH_FLOWS)
def test_no_sign_in_starts_at_cognitos_api_without_a_secret(sandbox: Sandbox, flow: str, client: str) -> None:
    for name in (EMAIL, f"kakao-{VICTIM.id}"):
        parameters = PARAMETERS | {"USERNAME": name}
        assert refusal(sandbox, "InitiateAuth", client, AuthFlow=flow, AuthParameters=parameters) in (
            "NotAuthorizedException",
            "InvalidParameterException",
        )


@pytest.mark.both_modes
@pytest.mark.parametrize(
    ("challenge", "client"),
    [
        *product(("CUSTOM_CHALLENGE", "PASSWORD_VERIFIER"), ("clientId", "appClientId")),
        ("NEW_PASSWORD_REQUIRED", "clientId"),  # through the other client the emulator looks at no session
    ],
    indirect=["client"],
)
def test_a_challenge_at_cognitos_api_is_refused_without_a_secret(sandbox: Sandbox, challenge: str, client: str) -> None:
    responses = {"USERNAME": EMAIL, "ANSWER": "{}", "NEW_PASSWORD": PASSWORD}
    given = {"ChallengeName": challenge, "ChallengeResponses": responses, "Session": "x" * 40}
    assert refusal(sandbox, "RespondToAuthChallenge", client, **given)


def test_a_sign_up_through_the_app_client_is_refused(sandbox: Sandbox) -> None:
    """It has no secret: the trigger refuses it."""
    before = len(mails(sandbox.aws))
    assert refusal(sandbox, "SignUp", "appClientId", **SELF_SERVICE["SignUp"]) == "UserLambdaValidationException"
    with pytest.raises(ClientError):
        on_pool(sandbox, "AdminGetUser", Username="stranger@example.com")
    assert len(mails(sandbox.aws)) == before


@pytest.mark.parametrize("operation", ["ConfirmSignUp", "ConfirmForgotPassword"])
def test_through_the_app_client_a_code_is_still_needed(sandbox: Sandbox, operation: str) -> None:
    assert refusal(sandbox, operation, "appClientId", **SELF_SERVICE[operation])
    assert id_token(sandbox)  # the password is the old one


@pytest.mark.parametrize("operation", ["ResendConfirmationCode", "ForgotPassword"])
def test_through_the_app_client_a_code_is_mailed_only_to_the_owner_of_an_account(
    sandbox: Sandbox, operation: str
) -> None:
    """Cognito's own limits for an account hold there; see the page of threats."""
    before = len(mails(sandbox.aws))
    for name in (EMAIL, f"nobody-{secrets.token_hex(4)}@example.com"):
        with suppress(ClientError):
            at_cognito(sandbox, operation, client="appClientId", Username=name)
    assert {mail.to for mail in mails(sandbox.aws)[before:]} <= {EMAIL}


@pytest.mark.both_modes
@pytest.mark.parametrize("client", ["clientId", "appClientId"], indirect=True)
def test_an_invented_token_is_refused_at_cognitos_api(sandbox: Sandbox, victim: Browser, client: str) -> None:
    victim.sign_in(VICTIM)
    assert refusal(sandbox, "GetTokensFromRefreshToken", client, RefreshToken="x.y.z")
    at_cognito(sandbox, "RevokeToken", client=client, Token="x.y.z")
    change = {"AccessToken": "x.y.z", "UserAttributes": [{"Name": "email", "Value": "stranger@example.com"}]}
    with pytest.raises(ClientError):
        sandbox.account.call("cognito-idp", "UpdateUserAttributes", change)
    assert victim.email() == VICTIM.email


def at_hosted_login(sandbox: Sandbox, path: str, form: dict[str, str], secret: str | None = None) -> tuple[int, str]:
    """The status and the error of a client that authenticates with this secret, in the header, or with none."""
    credentials = None if secret is None else (sandbox.exports["clientId"], secret)
    answer = requests.post(sandbox.hosted_login + path, data=form, auth=credentials, timeout=60)
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize("secret", [None, "", "wrong"])
def test_a_stolen_code_and_its_verifier_are_refused_without_the_secret(
    sandbox: Sandbox, victim: Browser, secret: str | None
) -> None:
    callback = victim.agree(victim.begin(), VICTIM)
    (cookie,) = (value for name, value in victim.cookies.items() if name.startswith("__Host-login-"))
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(callback).query)["code"][0],
        "code_verifier": json.loads(base64.urlsafe_b64decode(cookie))["verifier"],
        "redirect_uri": f"{sandbox.site}/api/auth/callback",
        "client_id": sandbox.exports["clientId"],
    }
    assert at_hosted_login(sandbox, "/oauth2/token", form, secret) == (400, "invalid_client")
    assert victim.send("GET", callback).status_code == 302  # and it is not used up


@pytest.mark.both_modes
@pytest.mark.parametrize("client", ["clientId", "appClientId"], indirect=True)
def test_a_stolen_refresh_token_of_the_site_is_refused_without_the_secret(
    sandbox: Sandbox, victim: Browser, client: str
) -> None:
    victim.sign_in(VICTIM)
    token = victim.cookies["__Secure-refresh"]
    named = {"client_id": sandbox.exports[client]}
    refused = {"clientId": "invalid_client", "appClientId": "invalid_grant"}[client]
    form = {"grant_type": "refresh_token", "refresh_token": token} | named
    assert at_hosted_login(sandbox, "/oauth2/token", form) == (400, refused)
    assert at_hosted_login(sandbox, "/oauth2/revoke", {"token": token} | named) == (400, "invalid_client")
    own = {"Sec-Fetch-Site": "same-origin"}
    assert victim.send("POST", "/api/auth/refresh", headers=own).status_code == 204


# Kakao's claims


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, 'Bearer realm="kakao"'),
        ("Basic dXNlcjpwYXNz", 'Bearer realm="kakao"'),
        ("Bearer garbage", 'Bearer realm="kakao", error="invalid_token"'),
        ("Bearer a,b", 'Bearer realm="kakao", error="invalid_token"'),
        ("Bearer " + "x" * 8500, 'Bearer realm="kakao", error="invalid_token"'),
    ],
    ids=["none", "basic", "garbage", "malformed", "huge"],
)
def test_the_claims_of_a_kakao_user_need_a_token_of_kakao(
    sandbox: Sandbox, authorization: str | None, challenge: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = requests.get(f"{at(sandbox)}/api/kakao/userinfo", headers=headers, timeout=20)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert set(answer.json()) == {"error", "message"}


@pytest.mark.parametrize("more", [{"app_id": 4242}, {"expires_in": -60}], ids=["of another app", "expired"])
def test_a_kakao_token_of_another_app_or_an_expired_one_gives_no_claims(sandbox: Sandbox, more: dict[str, int]) -> None:
    token = kakao_tokens(sandbox, VICTIM, **more)["access_token"]
    answer = requests.get(f"{at(sandbox)}/api/kakao/userinfo", headers=bearer(token), timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert str(VICTIM.nickname) not in answer.text


# Accounts


FORGED: dict[str, Any] = {
    "email_verified": "true",
    "phone_number_verified": "true",
    "sub": "00000000-0000-0000-0000-000000000000",
    "identities": '[{"userId": "1000000001", "providerName": "Kakao"}]',
    "cognito:user_status": "CONFIRMED",
    "cognito:username": EMAIL,
    "custom:role": "admin",
}


@pytest.mark.both_modes
@pytest.mark.parametrize("name", FORGED)
def test_a_sign_up_stores_no_attributes_of_the_client_but_the_e_mail(sandbox: Sandbox, name: str) -> None:
    email = f"forger-{secrets.token_hex(4)}@example.com"
    body = {"email": email, "password": PASSWORD, name: FORGED[name], "UserAttributes": [{"Name": name, "Value": "1"}]}
    more = {"username": EMAIL, "attributes": {name: FORGED[name]}, "clientMetadata": {name: FORGED[name]}}
    signed_up = requests.post(f"{at(sandbox)}/api/auth/sign-up", json=body | more, timeout=60)
    assert signed_up.status_code == 200
    found = on_pool(sandbox, "AdminGetUser", Username=email)
    assert found["UserStatus"] == "UNCONFIRMED"
    told = {attribute["Name"]: attribute["Value"] for attribute in found["UserAttributes"]}
    assert told.pop("email_verified", "false") == "false"
    assert told.pop("sub") not in FORGED.values()
    assert told == {"email": email}


@pytest.mark.both_modes
def test_an_account_cannot_be_taken_over_by_its_e_mail(sandbox: Sandbox) -> None:
    """By a sign-up under another name, or by an attacker's account with the e-mail."""
    victims = id_token(sandbox)
    with pytest.raises(ClientError) as refusal:
        with_the_secret(
            sandbox,
            "SignUp",
            Username=f"forger-{secrets.token_hex(4)}@example.com",
            Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": EMAIL}],
        )
    assert refusal.value.response["Error"]["Code"] == "UserLambdaValidationException"

    own, password = f"forger-{secrets.token_hex(4)}@example.com", "the-forgers-own-password"
    on_pool(sandbox, "AdminCreateUser", Username=own, MessageAction="SUPPRESS")
    on_pool(sandbox, "AdminSetUserPassword", Username=own, Password=password, Permanent=True)
    answer = requests.post(f"{at(sandbox)}/api/auth/sign-in", json={"email": own, "password": password}, timeout=60)
    wanted = {"AccessToken": answer.json()["AccessToken"], "UserAttributes": [{"Name": "email", "Value": EMAIL}]}
    sandbox.account.call("cognito-idp", "UpdateUserAttributes", wanted)
    wrong = requests.post(f"{at(sandbox)}/api/auth/sign-in", json={"email": EMAIL, "password": password}, timeout=60)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "wrong_credentials")
    assert _subject(sandbox, id_token(sandbox)) == _subject(sandbox, victims)
    before = len(mails(sandbox.aws))
    requests.post(f"{at(sandbox)}/api/auth/forgot-password", json={"email": EMAIL}, timeout=60)
    assert [mail.to for mail in mails(sandbox.aws)[before:]] == [EMAIL]


def _subject(sandbox: Sandbox, token: str) -> object:
    return requests.get(f"{at(sandbox)}/api/userinfo", headers=bearer(token), timeout=60).json()["name"]


@pytest.mark.both_modes
def test_swapped_cookies_are_refused(sandbox: Sandbox, session: dict[str, str]) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    swapped = Browser(sandbox, {"__Host-id": session["__Secure-refresh"], "__Secure-refresh": session["__Host-id"]})
    assert swapped.send("GET", "/api/userinfo", headers=own).status_code == 401
    assert swapped.send("POST", "/api/auth/refresh", headers=own).status_code == 401
    assert not SESSION & set(swapped.cookies)


@pytest.mark.both_modes
def test_a_disabled_user_gets_no_new_tokens(sandbox: Sandbox, victim: Browser) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    victim.sign_in(PEOPLE[2])
    name = victim.send("GET", "/api/userinfo", headers=own).json()["name"]
    on_pool(sandbox, "AdminDisableUser", Username=name)
    try:
        assert victim.send("POST", "/api/auth/refresh", headers=own).status_code == 401
    finally:
        on_pool(sandbox, "AdminEnableUser", Username=name)
    assert not SESSION & set(victim.cookies)
