"""A stack whose users sign in at Kakao itself: the web and the apps, one profile, and failures of Kakao."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from doctor import checks, stack
from handlers.token_set import unverified_claims
from sandbox.kakao import PEOPLE
from sandbox.kakao.people import Person
from sandbox.local import Sandbox
from sandbox.program import own
from tests.sandbox.deployed import (
    CONSENT,
    TOKENS,
    Browser,
    Switch,
    ask,
    forget,
    functions,
    kakao_tokens,
    on_pool,
    profiles,
    routes,
    switches,
    talk,
)

pytestmark = pytest.mark.sandbox

HANEUL = PEOPLE[0]
SESSION = {"__Host-id", "__Host-person", "__Secure-refresh"}
PAGE = {"Sec-Fetch-Site": "same-origin"}
MAPPED = ["birthyear", "birthday", "phone_number"]  # the scopes of kakaoAttributes in Pulumi.local.yaml


@pytest.fixture
def sandbox(direct_sandbox: Sandbox) -> Iterator[Sandbox]:
    forget(direct_sandbox, HANEUL)
    yield direct_sandbox
    forget(direct_sandbox, HANEUL)


@pytest.fixture
def kakao(sandbox: Sandbox) -> Iterator[Switch]:
    with switches(sandbox.kakao) as switch:
        yield switch


def by_token(sandbox: Sandbox, kind: str = "access_token", person: Person = HANEUL, **more: Any) -> Any:
    return ask(sandbox, "POST /api/auth/kakao", body={kind: kakao_tokens(sandbox, person, **more)[kind]})


def calls(sandbox: Sandbox) -> list[str]:
    """The requests to Kakao since the last look."""
    found: list[str] = requests.get(f"{sandbox.kakao}/_stand-in/calls", timeout=5).json()
    return found


def on_the_web(sandbox: Sandbox, person: Person = HANEUL) -> Browser:
    browser = Browser(sandbox)
    assert browser.sign_in(person).status_code == 302
    return browser


def sub_of(token: str) -> str:
    sub: str = unverified_claims(token)["sub"]
    return sub


def test_in_direct_mode_the_stack_has_no_identity_provider_domain_or_app_client(sandbox: Sandbox) -> None:
    assert on_pool(sandbox, "ListIdentityProviders")["Providers"] == []
    assert "Domain" not in on_pool(sandbox, "DescribeUserPool")["UserPool"]
    assert len(on_pool(sandbox, "ListUserPoolClients")["UserPoolClients"]) == 1
    assert sandbox.exports["kakaoRedirectUri"] == f"{sandbox.site}/api/auth/callback"
    assert "kakao_web_sign_in" in functions(sandbox)
    assert "GET /api/auth/login" in routes(sandbox)


@pytest.mark.parametrize("first", ["web", "access_token", "id_token"])
def test_a_sign_in_on_the_web_and_one_by_token_are_the_same_user_in_any_order(sandbox: Sandbox, first: str) -> None:
    subs = []
    for way in (first, "web", "access_token", "id_token"):
        if way == "web":
            subs.append(sub_of(on_the_web(sandbox).cookies["__Host-id"]))
        else:
            answer = by_token(sandbox, way)
            assert (answer.status_code, set(answer.json())) == (200, TOKENS)
            subs.append(sub_of(answer.json()["IdToken"]))
    assert len(set(subs)) == 1
    assert profiles(sandbox, HANEUL) == [f"kakao-{HANEUL.id}"]


@pytest.mark.parametrize("first", ["web", "token"])
def test_sign_ins_on_the_web_and_by_token_map_the_same_consents_to_one_profile(sandbox: Sandbox, first: str) -> None:
    """Each sign-in requests the claims of Kakao and updates the profile."""
    name = f"kakao-{HANEUL.id}"
    for way in (first, "web", "token"):
        calls(sandbox)
        if way == "web":
            browser = Browser(sandbox)
            assert browser.sign_in(HANEUL, consent=[*CONSENT, *MAPPED]).status_code == 302
            token = browser.cookies["__Host-id"]
        else:
            token = by_token(sandbox, scope=" ".join(["openid", *CONSENT, *MAPPED])).json()["IdToken"]
        assert "GET /v2/user/me" in calls(sandbox)
        user = on_pool(sandbox, "AdminGetUser", Username=name)
        found = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
        assert (found["sub"], found["email"]) == (sub_of(token), HANEUL.email)
        assert (found["birthdate"], found["phone_number"]) == ("2000-02-29", "+821000000001")
        assert profiles(sandbox, HANEUL) == [name]
        outdated = [{"Name": "birthdate", "Value": "1970-01-01"}, {"Name": "phone_number", "Value": "+821000000009"}]
        on_pool(sandbox, "AdminUpdateUserAttributes", Username=name, UserAttributes=outdated)


def test_concurrent_first_sign_ins_of_both_kinds_use_one_profile(sandbox: Sandbox) -> None:
    browser = Browser(sandbox)
    callback = browser.agree(browser.begin(), HANEUL)
    token = kakao_tokens(sandbox, HANEUL)["access_token"]
    together = Barrier(2)

    def web() -> int:
        together.wait()
        return browser.send("GET", callback).status_code

    def app() -> int:
        together.wait()
        return int(ask(sandbox, "POST /api/auth/kakao", body={"access_token": token}).status_code)

    with ThreadPoolExecutor(2) as threads:
        assert [each.result() for each in (threads.submit(web), threads.submit(app))] == [302, 200]
    assert profiles(sandbox, HANEUL) == [f"kakao-{HANEUL.id}"]


def test_a_user_of_direct_mode_is_accepted_by_the_api_and_the_websocket(sandbox: Sandbox) -> None:
    browser = on_the_web(sandbox)
    user = browser.send("GET", "/api/userinfo", headers=PAGE).json()
    assert (user["name"], user["provider"]) == (f"kakao-{HANEUL.id}", "Kakao")
    assert (user["email"], user["email_verified"], user["nickname"]) == (HANEUL.email, True, HANEUL.nickname)
    cookie = {"Cookie": f"__Host-id={browser.cookies['__Host-id']}", "Origin": sandbox.site}
    assert talk(sandbox, cookie) == []


def test_a_session_can_be_refreshed_and_ended_without_a_hosted_login(sandbox: Sandbox) -> None:
    browser = on_the_web(sandbox)
    kept = Browser(sandbox, dict(browser.cookies))
    assert browser.send("POST", "/api/auth/refresh", headers=PAGE).status_code == 204
    assert browser.email() == HANEUL.email
    answer = browser.send("POST", "/api/auth/logout", headers=PAGE).json()
    assert answer["logout_url"] == f"{sandbox.site}/"
    at_kakao = browser.send("GET", answer["kakao_logout_url"].removeprefix(sandbox.site))
    assert at_kakao.headers["Location"].startswith(f"{sandbox.kakao}/oauth/logout?")
    assert browser.cookies == {}
    assert kept.send("POST", "/api/auth/refresh", headers=PAGE).status_code == 401


def test_tokens_of_an_app_can_be_refreshed_and_revoked(sandbox: Sandbox) -> None:
    token = by_token(sandbox).json()["RefreshToken"]
    refreshed = ask(sandbox, "POST /api/auth/refresh", body={"refresh_token": token})
    assert (refreshed.status_code, set(refreshed.json())) == (200, TOKENS)
    assert ask(sandbox, "POST /api/auth/logout", body={"refresh_token": token}).status_code == 200
    assert ask(sandbox, "POST /api/auth/refresh", body={"refresh_token": token}).status_code == 401


def test_a_disabled_user_gets_an_error_page_and_no_session(sandbox: Sandbox) -> None:
    on_the_web(sandbox)
    on_pool(sandbox, "AdminDisableUser", Username=f"kakao-{HANEUL.id}")
    browser = Browser(sandbox)
    answer = browser.sign_in(HANEUL)
    assert (answer.status_code, browser.cookies) == (403, {})
    assert "사용할 수 없는 계정" in answer.text


@pytest.mark.parametrize("endpoint", ["/oauth/token", "/v2/user/me"])
@pytest.mark.parametrize(
    ("mode", "status"), [("down", 502), ("broken", 502), ("garbage", 502), ("throttled", 429), ("slow", 504)]
)
def test_a_failure_of_kakao_is_an_error_page_and_creates_no_profile(
    sandbox: Sandbox, kakao: Switch, endpoint: str, mode: str, status: int
) -> None:
    browser = Browser(sandbox)
    callback = browser.agree(browser.begin(), HANEUL)
    kakao(mode, endpoint)
    answer = browser.send("GET", callback)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert not SESSION & set(browser.cookies)
    assert profiles(sandbox, HANEUL) == []
    kakao("up")
    assert browser.sign_in(HANEUL).status_code == 302


def test_kakao_refuses_a_code_without_the_verifier_of_its_login(sandbox: Sandbox) -> None:
    """Even with the app's secret."""
    browser = Browser(sandbox)
    callback = browser.agree(browser.begin(), HANEUL)
    code = callback.partition("code=")[2].partition("&")[0]
    form = {
        "grant_type": "authorization_code",
        "client_id": "stand-in-rest-api-key",
        "client_secret": "stand-in-client-secret",
        "redirect_uri": sandbox.exports["kakaoRedirectUri"],
        "code": code,
    }
    for verifier in ({}, {"code_verifier": "v" * 43}):
        assert requests.post(f"{sandbox.kakao}/oauth/token", data=form | verifier, timeout=20).status_code == 400


# The doctor


def findings(sandbox: Sandbox, **changed: str) -> dict[str, str]:
    """The doctor's findings in this sandbox, with some settings changed. An empty text means no fault."""
    target = stack.from_file(sandbox.documents)
    settings = dict(target.settings) | {own(key): value for key, value in changed.items()}
    with requests.Session() as session:
        found = checks.examine(stack.Stack(settings, target.encrypted, target.outputs), session)
        return {finding.name: finding.found for finding in found}


def test_in_direct_mode_every_check_of_the_doctor_passes(sandbox: Sandbox) -> None:
    assert set(findings(sandbox).values()) == {""}


def test_in_direct_mode_the_doctor_checks_the_redirect_to_kakao(sandbox: Sandbox) -> None:
    name = "sign-in leads to Kakao"
    assert "another REST API key" in findings(sandbox, kakaoClientId="another")[name]
    assert "other scopes" in findings(sandbox, kakaoScopes="openid")[name]
    assert "does not lead to Kakao itself" in findings(sandbox, kakaoIssuer=f"{sandbox.site}/elsewhere")[name]
