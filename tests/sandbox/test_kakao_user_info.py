"""Kakao's claims on their way to the user pool: through GET /api/kakao/userinfo, which asks Kakao's API."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.kakao import PEOPLE, Person
from sandbox.local import Sandbox
from tests.sandbox.deployed import (
    CONSENT,
    Browser,
    Switch,
    ask,
    bearer,
    kakao_tokens,
    on_pool,
    profile_names,
    switches,
)

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("no_kakao_profiles")]

HANEUL, BADA, GUREUM, DAON = PEOPLE
INFO, ME = "/v1/user/access_token_info", "/v2/user/me"
ROUTE = "GET /api/kakao/userinfo"
MAPPED = ["birthyear", "birthday", "phone_number"]  # the scopes of kakaoAttributes in Pulumi.local.yaml


@pytest.fixture
def kakao(sandbox: Sandbox) -> Iterator[Switch]:
    """Switches the stand-in, and back on afterwards."""
    with switches(sandbox.kakao) as switch:
        yield switch


def calls(sandbox: Sandbox) -> list[str]:
    """The requests to Kakao since the last look."""
    found: list[str] = requests.get(f"{sandbox.kakao}/_stand-in/calls", timeout=5).json()
    return found


def attributes(sandbox: Sandbox, person: Person) -> dict[str, Any]:
    _, hosted = profile_names(person)
    user = on_pool(sandbox, "AdminGetUser", Username=hosted)
    return {each["Name"]: each["Value"] for each in user["UserAttributes"]}


def test_every_sign_in_calls_kakaos_user_api_and_never_its_userinfo(
    sandbox: Sandbox,
) -> None:
    """Kakao unlinks users for whom the app does not call that API within a day; its userinfo does not count."""
    for _ in range(2):
        calls(sandbox)
        assert Browser(sandbox).sign_in(HANEUL).status_code == 302
        after_consent = calls(sandbox)
        assert after_consent[-3:] == ["POST /oauth/token", f"GET {INFO}", f"GET {ME}"]
        assert "GET /v1/oidc/userinfo" not in after_consent


@pytest.mark.parametrize(
    ("person", "birthdate", "phone_number"),
    [
        (HANEUL, "2000-02-29", "+821000000001"),
        (BADA, None, "+821000000002"),
        (GUREUM, "1999-11-30", None),
        (DAON, None, None),
    ],
    ids=["leap day", "lunar birthday", "no phone number", "neither"],
)
def test_consents_become_attributes_of_openid_connect(
    sandbox: Sandbox, person: Person, birthdate: str | None, phone_number: str | None
) -> None:
    assert Browser(sandbox).sign_in(person, consent=[*CONSENT, *MAPPED]).status_code == 302
    found = attributes(sandbox, person)
    assert (found.get("birthdate"), found.get("phone_number")) == (birthdate, phone_number)
    assert (found["nickname"], found.get("email")) == (person.nickname, person.email)


def test_a_withheld_consent_is_no_attribute(sandbox: Sandbox) -> None:
    assert Browser(sandbox).sign_in(HANEUL, consent=[]).status_code == 302
    assert not {"birthdate", "phone_number", "nickname", "email"} & attributes(sandbox, HANEUL).keys()


def test_a_sign_in_by_token_maps_the_same_consents(sandbox: Sandbox) -> None:
    token = kakao_tokens(sandbox, HANEUL, scope=" ".join(["openid", *CONSENT, *MAPPED]))["access_token"]
    assert ask(sandbox, "POST /api/auth/kakao", body={"access_token": token}).status_code == 200
    native, _ = profile_names(HANEUL)
    found = {
        each["Name"]: each["Value"] for each in on_pool(sandbox, "AdminGetUser", Username=native)["UserAttributes"]
    }
    assert (found["birthdate"], found["phone_number"]) == ("2000-02-29", "+821000000001")


@pytest.mark.parametrize("endpoint", [INFO, ME])
@pytest.mark.parametrize(
    ("mode", "status", "words"),
    [
        ("down", 502, "카카오에 연결하지 못했어요"),
        ("broken", 502, "카카오에 연결하지 못했어요"),
        ("garbage", 502, "카카오에 연결하지 못했어요"),
        ("refusing", 502, "카카오에 연결하지 못했어요"),
        ("throttled", 429, "지금은 로그인이 몰려 있어요"),
        ("slow", 504, "카카오의 응답이 늦어요"),
    ],
)
def test_a_failure_of_kakaos_user_api_is_an_error_page_and_the_next_sign_in_works(
    sandbox: Sandbox, kakao: Switch, endpoint: str, mode: str, status: int, words: str
) -> None:
    browser = Browser(sandbox)
    kakao(mode, endpoint)
    page = browser.sign_in(HANEUL)
    assert page.status_code == status
    assert words in page.text
    kakao("up")
    assert browser.sign_in(HANEUL).status_code == 302


def test_a_user_refused_by_kakao_gets_an_error_page(sandbox: Sandbox, kakao: Switch) -> None:
    kakao("error", ME, code=-406)
    page = Browser(sandbox).sign_in(HANEUL)
    assert page.status_code == 403
    assert "로그인하지 못했어요" in page.text


# Other clients


def test_a_kakao_token_of_the_app_gets_the_claims_of_its_user(sandbox: Sandbox) -> None:
    token = kakao_tokens(sandbox, HANEUL, scope="openid profile_nickname")["access_token"]
    answer = ask(sandbox, ROUTE, bearer(token))
    assert answer.json() == {"sub": str(HANEUL.id), "nickname": HANEUL.nickname}
    assert answer.headers["cache-control"] == "no-store"


def test_the_session_cookie_is_refused_at_the_route_for_claims(sandbox: Sandbox) -> None:
    """The route accepts Kakao's tokens only, not the token in the cookie."""
    browser = Browser(sandbox)
    browser.sign_in(HANEUL)
    calls(sandbox)
    assert browser.send("GET", "/api/kakao/userinfo", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 401
    assert calls(sandbox) == []
