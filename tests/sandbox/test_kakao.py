"""The Kakao stand-in, over HTTP, as Cognito, a browser and a mobile app's backend use it."""

import base64
import gc
import hashlib
import http.client
import logging
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.kakao import PEOPLE, KakaoApp, serve
from sandbox.kakao.consents import CONSENT_ITEMS

DOMAIN = "https://x.auth.ap-northeast-2.amazoncognito.com"
REDIRECT = f"{DOMAIN}/oauth2/idpresponse"
ARRIVAL = "http://127.0.0.1:3001/oauth2/idpresponse"
OTHER_REDIRECT = "http://127.0.0.1:3001/other"
SITE = "http://localhost:3000/"
APP = KakaoApp("rest-api-key", "the-secret", 4321, (ARRIVAL, OTHER_REDIRECT), (SITE,))
HANEUL, BADA, GUREUM, DAON = PEOPLE


class Kakao(requests.Session):
    """A client that follows no redirect."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.trust_env = False

    def request(self, method, url, *positional, **keywords):
        return super().request(
            method, self.base + url, *positional, **keywords | {"allow_redirects": False, "timeout": 5}
        )

    def authorize(self, **changes):
        """Request the consent page; a parameter that is None is left out."""
        return self.get("/oauth/authorize", params=asked(changes))

    def decide(self, person=HANEUL, consent=("account_email", "profile_nickname"), decision="agree", **changes):
        """Send the form of the consent page."""
        return self.post(
            "/oauth/authorize",
            params=asked(changes),
            data={"person": person.id, "consent": consent, "decision": decision},
        )

    def code(self, **choices):
        return query(self.decide(**choices))["code"]

    def exchange(self, **changes):
        form = {
            "grant_type": "authorization_code",
            "client_id": APP.client_id,
            "client_secret": APP.client_secret,
            "redirect_uri": REDIRECT,
        }
        return self.post("/oauth/token", data=form | changes)

    def sign_in(self, **choices):
        return self.exchange(code=self.code(**choices)).json()

    def claims(self, token):
        keys = KeySet.import_key_set(self.get("/.well-known/jwks.json").json())
        return jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims

    def call(self, path, access_token, method="GET"):
        return self.request(method, path, headers={"Authorization": f"Bearer {access_token}"})


def asked(changes):
    return {
        "client_id": APP.client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid account_email profile_nickname",
        "state": "the state",
    } | changes


def query(response):
    assert response.status_code == 302
    return {name: value for name, (value,) in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def refused(response, status, error, code):
    """Whether the token endpoint refused with these."""
    body = response.json()
    return (response.status_code, body["error"], body["error_code"]) == (status, error, code) and set(body) == {
        *("error", "error_description", "error_code")
    }


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve(0, APP, {DOMAIN: "http://127.0.0.1:3001"}) as address:
        yield address


@pytest.fixture
def kakao(base: str) -> Iterator[Kakao]:
    with Kakao(base) as client:
        yield client
        client.post("/_stand-in/mode", json={"mode": "up"})


# Discovery


def test_discovery_names_endpoints_of_the_stand_in_itself(kakao):
    document = kakao.get("/.well-known/openid-configuration").json()
    assert document["issuer"] == kakao.base
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        path = document[name].removeprefix(kakao.base)
        assert kakao.get(path).status_code in {200, 400, 401, 405}
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_post"]


def test_the_published_key_is_public(kakao):
    (key,) = kakao.get("/.well-known/jwks.json").json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


# The consent page


class Form(HTMLParser):
    """The inputs and buttons of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[Any] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def values(self, name):
        return [each.get("value") for _, each in self.elements if each.get("name") == name]


def test_the_consent_page_lists_the_test_users_and_says_that_it_is_not_kakao(kakao):
    page = kakao.authorize()
    assert page.status_code == 200
    assert "카카오 모의 서버 (테스트)" in page.text
    assert Form(page.text).values("person") == [str(person.id) for person in PEOPLE]
    assert Form(page.text).values("decision") == ["agree", "cancel"]


@pytest.mark.parametrize(
    ("scope", "items"),
    [
        ("openid account_email", ["account_email"]),
        ("openid,profile_nickname,account_email", ["profile_nickname", "account_email"]),
        ("openid", []),
        (None, ["account_email", "profile_nickname"]),
    ],
)
def test_the_consent_page_shows_the_requested_items_checked(kakao, scope, items):
    form = Form(kakao.authorize(scope=scope).text)
    assert form.values("consent") == items
    assert all("checked" in each for _, each in form.elements if each.get("name") == "consent")


@pytest.mark.parametrize(
    "prompt", ["login", "select_account", "create", "login,select_account", "login select_account"]
)
def test_every_prompt_but_none_shows_the_consent_page(kakao, prompt):
    kakao.decide()
    assert kakao.authorize(prompt=prompt).status_code == 200


@pytest.mark.parametrize("prompt", ["consent", "Login", "none,login", "none none2"])
def test_an_undocumented_prompt_is_refused(kakao, prompt):
    answer = kakao.authorize(prompt=prompt)
    assert (answer.status_code, "KOE001" in answer.text) == (400, True)


def test_prompt_none_without_a_session_at_kakao_returns_login_required(kakao):
    answer = query(kakao.authorize(prompt="none"))
    assert (answer["error"], answer["state"]) == ("login_required", "the state")


def test_prompt_none_with_a_session_returns_a_code_for_the_earlier_consents(kakao):
    kakao.decide(person=BADA, consent=["profile_nickname"])
    token = kakao.exchange(code=query(kakao.authorize(prompt="none", nonce="n"))["code"]).json()
    assert token["scope"] == "openid profile_nickname"
    claims = kakao.claims(token)
    assert (claims["sub"], claims["nonce"]) == (str(BADA.id), "n")


def test_prompt_none_for_an_unlinked_user_returns_consent_required(kakao):
    token = kakao.sign_in(person=GUREUM)
    kakao.call("/v1/user/unlink", token["access_token"], "POST")
    answer = query(kakao.authorize(prompt="none"))
    assert (answer["error"], answer["error_description"]) == ("consent_required", "user consent required.")


def test_a_sign_out_at_kakao_ends_the_browsers_session_there(kakao):
    kakao.decide()
    assert "code" in query(kakao.authorize(prompt="none"))
    kakao.get("/oauth/logout", params={"client_id": APP.client_id, "logout_redirect_uri": SITE})
    assert query(kakao.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize(
    ("parameters", "selected"),
    [
        ({}, BADA),
        ({"prompt": "select_account"}, BADA),
        ({"prompt": "login"}, HANEUL),
        ({"prompt": "create"}, HANEUL),
        ({"login_hint": "gureum@example.com"}, GUREUM),
        ({"login_hint": "gureum", "prompt": "login"}, GUREUM),
        ({"login_hint": "+82 10-0000-0001"}, HANEUL),
        ({"login_hint": "01000000001"}, HANEUL),
        ({"login_hint": "nobody@example.com"}, BADA),
    ],
)
def test_the_page_selects_the_user_of_the_login_hint_or_the_session(kakao, parameters, selected):
    kakao.decide(person=BADA)
    elements = Form(kakao.authorize(**parameters).text).elements
    checked = [each["value"] for _, each in elements if each.get("name") == "person" and "checked" in each]
    assert checked == [str(selected.id)]


def test_prompt_create_shows_the_page_for_a_new_account(kakao):
    assert "카카오계정 가입" in kakao.authorize(prompt="create").text
    assert "카카오계정 가입" not in kakao.authorize().text


# Terms of the service


@pytest.fixture
def terms(kakao):
    """An app of Kakao Sync, with a required and an optional term."""
    kakao.post("/_stand-in/app", json={"service_terms": ["age_14", "ads"], "required_terms": ["age_14"]})
    yield kakao
    kakao.post("/_stand-in/app", json={})


@pytest.mark.parametrize(
    ("wanted", "shown"), [(None, ["age_14", "ads"]), ("ads", ["ads"]), ("ads,age_14", ["ads", "age_14"]), ("x", [])]
)
def test_the_page_shows_the_requested_terms_or_all(terms, wanted, shown):
    assert Form(terms.authorize(service_terms=wanted).text).values("terms") == shown


def test_accepted_terms_are_listed_and_an_optional_one_can_be_revoked(terms):
    form = {"person": DAON.id, "decision": "agree", "consent": [], "terms": ["age_14", "ads", "unknown"]}
    code = query(terms.post("/oauth/authorize", params=asked({}), data=form))["code"]
    token = terms.exchange(code=code).json()["access_token"]
    listed = terms.call("/v2/user/service_terms", token).json()
    assert listed["id"] == DAON.id
    found = {term["tag"]: (term["required"], term["agreed"], term["revocable"]) for term in listed["service_terms"]}
    assert found == {"age_14": (True, True, False), "ads": (False, True, True)}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", term["agreed_at"]) for term in listed["service_terms"])

    bearer = {"Authorization": f"Bearer {token}"}
    answer = terms.post("/v2/user/revoke/service_terms", headers=bearer, data={"tags": "ads,age_14"}).json()
    assert answer == {"id": DAON.id, "revoked_service_terms": [{"tag": "ads", "agreed": False}]}
    left = terms.call("/v2/user/service_terms", token).json()["service_terms"]
    assert [term["tag"] for term in left] == ["age_14"]
    of_the_app = terms.call("/v2/user/service_terms?result=app_service_terms&tags=ads", token).json()["service_terms"]
    assert of_the_app == [{"tag": "ads", "required": False, "agreed": False, "revocable": False}]


@pytest.mark.parametrize("query", ["tags=x", "tags=ads,x", "result=all"])
def test_terms_that_the_app_does_not_have_are_refused(terms, query):
    answer = terms.call(f"/v2/user/service_terms?{query}", terms.sign_in()["access_token"])
    assert (answer.status_code, answer.json()["code"]) == (400, -2)


def test_terms_need_an_access_token(terms):
    assert terms.get("/v2/user/service_terms").status_code == 401
    assert terms.post("/v2/user/revoke/service_terms", data={"tags": "ads"}).status_code == 401


def test_parameters_with_html_are_escaped_in_the_page(kakao):
    hostile = "\"><script>alert(1)</script>'"
    for page in (
        kakao.authorize(state=hostile, nonce=hostile, login_hint=hostile),
        kakao.authorize(scope=hostile),
        kakao.authorize(redirect_uri=hostile),
        kakao.authorize(response_type=hostile),
        kakao.authorize(client_id=hostile),
    ):
        assert "text/html" in page.headers["Content-Type"]
        assert not [tag for tag, _ in Form(page.text).elements if tag == "script"]
        assert "alert(1)</" not in page.text


def test_an_unencoded_query_is_escaped_in_the_page(kakao):
    request = requests.Request("GET", kakao.base + "/oauth/authorize", params=asked({})).prepare()
    connection = http.client.HTTPConnection(urlsplit(kakao.base).netloc, timeout=60)
    connection.request("GET", request.path_url + '&x="><script>')
    page = connection.getresponse().read().decode()
    connection.close()
    assert Form(page).values("person")
    assert "<script" not in page


def test_pages_run_no_script_and_set_no_cookie(kakao):
    for page in (kakao.authorize(), kakao.authorize(client_id="x")):
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in page.headers
    stylesheet = re.search(r'href="([^"]+\.css)"', kakao.authorize().text)
    assert kakao.get(stylesheet[1]).headers["Content-Type"].startswith("text/css")


def test_a_registered_redirect_uri_is_used_unchanged(kakao):
    uri = "http://127.0.0.1:3001/%7Ecb?x=%2f~&y"
    kakao.post("/_stand-in/app", json={"redirect_uris": [uri]})
    location = kakao.decide(redirect_uri=uri, state=None).headers["Location"]
    kakao.post("/_stand-in/app", json={})
    assert location.startswith(f"{uri}&code=")


def test_the_form_keeps_the_parameters_of_the_request(kakao):
    page = kakao.authorize(state="a&b=c", nonce="n&n")
    (action,) = [each["action"] for tag, each in Form(page.text).elements if tag == "form"]
    answer = query(kakao.post(action, data={"person": BADA.id, "decision": "agree"}))
    assert answer["state"] == "a&b=c"
    assert kakao.claims(kakao.exchange(code=answer["code"]).json())["nonce"] == "n&n"


def test_a_cancelled_login_returns_access_denied(kakao):
    answer = kakao.decide(decision="cancel")
    assert answer.headers["Location"].startswith(ARRIVAL + "?")
    assert query(answer) == {
        "error": "access_denied",
        "error_description": "User denied access",
        "state": "the state",
    }


@pytest.mark.parametrize("form", [{}, {"person": "42", "decision": "agree"}, {"person": str(HANEUL.id)}])
def test_an_invalid_form_of_the_consent_page_is_refused(kakao, form):
    answer = kakao.post("/oauth/authorize", params=asked({}), data=form)
    assert answer.status_code == 400
    assert "KOE001" in answer.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "unknown"}, "KOE101"),
        ({"client_id": None}, "KOE101"),
        ({"redirect_uri": "https://evil.example/"}, "KOE006"),
        ({"redirect_uri": None}, "KOE006"),
        ({"redirect_uri": REDIRECT + "/"}, "KOE006"),
        ({"redirect_uri": REDIRECT + "?a=b"}, "KOE006"),
        ({"redirect_uri": DOMAIN + ".evil.example/oauth2/idpresponse"}, "KOE006"),
        ({"redirect_uri": REDIRECT.replace("x.auth", "y.auth")}, "KOE006"),
        ({"response_type": None}, "KOE201"),
        ({"response_type": "id_token"}, "KOE201"),
        ({"response_type": "token"}, "KOE202"),
        ({"scope": "openid email"}, "KOE205"),
        ({"scope": "openid,profile"}, "KOE205"),
        ({"code_challenge": "c" * 43, "code_challenge_method": "plain"}, "KOE001"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "KOE001"),
        ({"state": ["one", "two"]}, "KOE001"),
    ],
)
def test_a_wrong_request_shows_an_error_page_and_never_redirects(kakao, changes, code):
    for answer in (kakao.authorize(**changes), kakao.decide(**changes)):
        assert 400 <= answer.status_code < 500
        assert "Location" not in answer.headers
        assert code in answer.text


def test_the_page_of_koe205_names_the_disabled_item(kakao):
    assert "<code>email</code>" in kakao.authorize(scope="openid email").text


# Tokens


def test_a_code_is_exchanged_for_tokens_in_kakaos_format(kakao):
    response = kakao.exchange(code=kakao.code())
    token = response.json()
    assert response.headers["Cache-Control"] == "no-store"
    assert (token["token_type"], token["expires_in"], token["refresh_token_expires_in"]) == (
        *("bearer", 21599, 5183999),
    )
    assert set(token["scope"].split()) == {"openid", "account_email", "profile_nickname"}


def test_the_host_of_cognito_is_replaced_with_that_of_the_sandbox(kakao):
    answer = kakao.decide()
    assert answer.headers["Location"].startswith(ARRIVAL + "?code=")
    assert "id_token" in kakao.exchange(code=query(answer)["code"], redirect_uri=ARRIVAL).json()


def test_the_redirect_uri_may_be_registered_as_cognito_sends_it():
    registered = KakaoApp("key", "secret", 1, (REDIRECT,))
    with serve(0, registered, {DOMAIN: "http://127.0.0.1:3001"}) as base, Kakao(base) as kakao:
        assert kakao.authorize(client_id="key").status_code == 200


def test_a_code_works_once(kakao):
    code = kakao.code()
    assert kakao.exchange(code=code).ok
    assert refused(kakao.exchange(code=code), 400, "invalid_grant", "KOE320")


def test_of_concurrent_exchanges_of_one_code_one_succeeds(kakao):
    code = kakao.code()
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(Kakao(kakao.base).exchange(code=code).status_code), daemon=True)
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 7


def test_a_code_expires_after_ten_minutes(kakao, monkeypatch):
    code, now = kakao.code(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)
    assert refused(kakao.exchange(code=code), 400, "invalid_grant", "KOE320")


@pytest.mark.parametrize(
    ("changes", "status", "error", "koe"),
    [
        ({"redirect_uri": OTHER_REDIRECT}, 400, "invalid_grant", "KOE303"),
        ({"redirect_uri": ""}, 400, "invalid_grant", "KOE303"),
        ({"client_secret": "wrong"}, 401, "invalid_client", "KOE010"),
        ({"client_secret": "틀림"}, 401, "invalid_client", "KOE010"),
        ({"client_secret": None}, 401, "invalid_client", "KOE010"),
        ({"client_id": "unknown"}, 401, "invalid_client", "KOE101"),
        ({"client_id": None}, 401, "invalid_client", "KOE101"),
        ({"code": "unknown"}, 400, "invalid_grant", "KOE320"),
        ({"code": None}, 400, "invalid_request", "KOE001"),
        ({"grant_type": "password"}, 400, "invalid_request", "KOE310"),
        ({"grant_type": None}, 400, "invalid_request", "KOE310"),
        ({"code_verifier": "v" * 43}, 400, "invalid_request", "KOE001"),
    ],
)
def test_a_wrong_exchange_is_refused_with_kakaos_error_code(kakao, changes, status, error, koe):
    assert refused(kakao.exchange(**{"code": kakao.code()} | changes), status, error, koe)


def test_the_client_secret_is_accepted_in_the_form_only(kakao):
    header = kakao.post(
        "/oauth/token",
        auth=(APP.client_id, APP.client_secret),
        data={"grant_type": "authorization_code", "code": kakao.code(), "redirect_uri": REDIRECT},
    )
    assert header.status_code == 401
    in_query = kakao.post(
        "/oauth/token",
        params={"client_secret": APP.client_secret},
        data={
            "grant_type": "authorization_code",
            "client_id": APP.client_id,
            "code": kakao.code(),
            "redirect_uri": REDIRECT,
        },
    )
    assert refused(in_query, 401, "invalid_client", "KOE010")


def test_a_refusal_contains_neither_the_code_nor_the_secret(kakao):
    code = kakao.code()
    answer = kakao.exchange(code=code, client_secret="a-wrong-secret").text
    answer += kakao.exchange(code="an-unknown-code").text
    assert not any(secret in answer for secret in (code, "a-wrong-secret", "an-unknown-code"))


def test_a_challenge_is_checked_against_the_verifier(kakao):
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = {
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    code = kakao.code(**challenge)
    assert refused(kakao.exchange(code=code, code_verifier="w" * 43), 400, "invalid_grant", "KOE320")
    assert refused(kakao.exchange(code=code), 400, "invalid_request", "KOE001")
    assert kakao.exchange(code=code, code_verifier=verifier).ok


def test_a_challenge_without_a_method_is_treated_as_s256(kakao):
    verifier = "v" * 43
    assert not kakao.exchange(code=kakao.code(code_challenge=verifier), code_verifier=verifier).ok


def test_a_refresh_returns_new_tokens_and_keeps_the_refresh_token(kakao):
    first = kakao.sign_in()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = kakao.exchange(**form).json()
    assert second["access_token"] != first["access_token"]
    assert "refresh_token" not in second
    assert kakao.claims(second)["sub"] == str(HANEUL.id)
    assert kakao.exchange(**form).ok


def test_a_refreshed_id_token_has_no_nonce(kakao):
    first = kakao.sign_in(nonce="the nonce")
    second = kakao.exchange(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert kakao.claims(first)["nonce"] == "the nonce"
    assert "nonce" not in kakao.claims(second)


@pytest.mark.parametrize(
    ("changes", "status", "error", "koe"),
    [
        ({"refresh_token": "unknown"}, 400, "invalid_grant", "KOE322"),
        ({"refresh_token": None}, 400, "invalid_grant", "KOE319"),
        ({"refresh_token": ""}, 400, "invalid_grant", "KOE319"),
        ({"client_secret": "wrong"}, 401, "invalid_client", "KOE010"),
    ],
)
def test_a_wrong_refresh_is_refused_with_kakaos_error_code(kakao, changes, status, error, koe):
    form = {"grant_type": "refresh_token", "refresh_token": kakao.sign_in()["refresh_token"]}
    assert refused(kakao.exchange(**form | changes), status, error, koe)


def test_a_refresh_token_of_another_app_is_refused(kakao):
    other = kakao.post("/_stand-in/token", json={"person": HANEUL.id, "client_id": "other"}).json()
    answer = kakao.exchange(grant_type="refresh_token", refresh_token=other["refresh_token"])
    assert refused(answer, 400, "invalid_grant", "KOE322")


# What an app learns of a user


def test_the_id_token_has_the_user_the_issuer_the_audience_and_the_times(kakao):
    claims = kakao.claims(kakao.sign_in(nonce="the nonce"))
    assert (claims["iss"], claims["aud"], claims["sub"]) == (kakao.base, APP.client_id, str(HANEUL.id))
    assert claims["nonce"] == "the nonce"
    assert claims["auth_time"] <= claims["iat"] < claims["exp"]
    assert (claims["nickname"], claims["email"]) == (HANEUL.nickname, HANEUL.email)


def test_the_id_token_has_the_same_claims_as_kakaos(kakao):
    claims = set(kakao.claims(kakao.sign_in()))
    assert claims == {"iss", "aud", "sub", "iat", "exp", "auth_time", "nickname", "email"}


@pytest.mark.parametrize(("person", "verified"), [(HANEUL, True), (GUREUM, False)])
def test_only_userinfo_and_me_say_whether_the_email_is_verified(kakao, person, verified):
    token = kakao.sign_in(person=person)
    assert "email_verified" not in kakao.claims(token)
    assert kakao.call("/v1/oidc/userinfo", token["access_token"]).json()["email_verified"] is verified
    account = kakao.call("/v2/user/me", token["access_token"]).json()["kakao_account"]
    assert account["is_email_valid"] is True
    assert account["is_email_verified"] is verified


def me(kakao, person, *consents, query=""):
    """Return /v2/user/me for a user at an app that has every consent item enabled."""
    kakao.post("/_stand-in/app", json={"scopes": ["openid", *CONSENT_ITEMS]})
    asked = {"person": person.id, "scope": " ".join(["openid", *consents])}
    token = kakao.post("/_stand-in/token", json=asked).json()["access_token"]
    kakao.post("/_stand-in/app", json={})
    return kakao.call(f"/v2/user/me{query}", token).json()["kakao_account"]


def test_me_has_each_consent_in_kakaos_format(kakao):
    account = me(kakao, HANEUL, *CONSENT_ITEMS)
    told = {name: account[name] for name in ("name", "gender", "age_range", "birthyear", "birthday", "phone_number")}
    assert told == {
        "name": "김하늘",
        "gender": "female",
        "age_range": "20~29",
        "birthyear": "2000",
        "birthday": "0229",
        "phone_number": "+82 10-0000-0001",
    }
    assert (account["birthday_type"], account["is_leap_month"]) == ("SOLAR", False)
    assert account["ci"]
    assert account["ci_authenticated_at"]
    assert not [name for name, needed in account.items() if name.endswith("_needs_agreement") and needed]


def test_for_a_withheld_consent_me_has_only_the_needs_agreement_flag(kakao):
    account = me(kakao, HANEUL)
    flags = {f"{item.flag}_needs_agreement" for item in CONSENT_ITEMS.values()}
    assert account == dict.fromkeys(flags, True) | {"has_email": True}


def test_a_birthday_may_be_in_the_lunar_calendar(kakao):
    account = me(kakao, BADA, "birthyear", "birthday")
    assert (account["birthday"], account["birthday_type"], account["is_leap_month"]) == ("0415", "LUNAR", True)


@pytest.mark.parametrize(("query", "scheme"), [("", "http"), ("?secure_resource=true", "https")])
def test_image_addresses_use_https_only_with_secure_resource(kakao, query, scheme):
    profile = me(kakao, HANEUL, "profile_image", query=query)["profile"]
    assert {profile["profile_image_url"], profile["thumbnail_image_url"]} == {f"{scheme}://img.example.com/haneul.jpg"}


def test_the_latest_requests_are_listed_once_without_their_contents(kakao):
    kakao.get("/_stand-in/calls")
    token = kakao.sign_in()["access_token"]
    kakao.call("/v2/user/me?secure_resource=true", token)
    assert kakao.get("/_stand-in/calls").json() == ["POST /oauth/authorize", "POST /oauth/token", "GET /v2/user/me"]
    assert kakao.get("/_stand-in/calls").json() == []


def test_a_withheld_email_is_in_no_response(kakao):
    token = kakao.sign_in(consent=["profile_nickname"])
    access_token = token["access_token"]
    me = kakao.call("/v2/user/me", access_token)
    assert me.json()["kakao_account"]["email_needs_agreement"] is True
    assert me.json()["kakao_account"]["has_email"] is True
    assert "account_email" not in token["scope"]
    assert "nickname" in kakao.claims(token)
    for told in (kakao.claims(token), kakao.call("/v1/oidc/userinfo", access_token).json(), me.json()):
        assert "email_verified" not in told
        assert HANEUL.email not in str(told)


def test_a_withheld_nickname_is_in_no_response(kakao):
    token = kakao.sign_in(consent=["account_email"])
    me = kakao.call("/v2/user/me", token["access_token"]).json()
    assert me["kakao_account"]["profile_nickname_needs_agreement"] is True
    for told in (kakao.claims(token), kakao.call("/v1/oidc/userinfo", token["access_token"]).json(), me):
        assert HANEUL.nickname not in str(told)


def test_consent_to_an_item_that_was_not_requested_is_ignored(kakao):
    assert kakao.sign_in(scope="openid", consent=["account_email"])["scope"] == "openid"


def test_a_user_without_an_email_signs_in_without_one(kakao):
    token = kakao.sign_in(person=DAON)
    account = kakao.call("/v2/user/me", token["access_token"]).json()["kakao_account"]
    assert account["has_email"] is False
    assert "email" not in account
    assert not {"email", "email_verified"} & set(kakao.claims(token))


def test_without_openid_there_is_no_id_token_and_no_userinfo(kakao):
    token = kakao.sign_in(scope="account_email")
    assert "id_token" not in token
    answer = kakao.call("/v1/oidc/userinfo", token["access_token"])
    assert (answer.status_code, answer.json()["code"]) == (403, -402)
    assert answer.json()["required_scopes"] == ["openid"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_and_me_accept_get_and_post(kakao, method):
    token = kakao.sign_in()["access_token"]
    assert kakao.call("/v1/oidc/userinfo", token, method).json()["sub"] == str(HANEUL.id)
    assert kakao.call("/v2/user/me", token, method).json()["id"] == HANEUL.id


def test_access_token_info_has_the_app_of_the_token(kakao):
    own = kakao.call("/v1/user/access_token_info", kakao.sign_in()["access_token"]).json()
    assert (own["id"], own["app_id"]) == (HANEUL.id, APP.app_id)
    assert 21500 < own["expires_in"] <= 21599
    other = kakao.post("/_stand-in/token", json={"person": HANEUL.id, "app_id": 999}).json()
    assert kakao.call("/v1/user/access_token_info", other["access_token"]).json()["app_id"] == 999


# The end of a token

APIS = [
    ("GET", "/v1/oidc/userinfo"),
    ("GET", "/v2/user/me"),
    ("GET", "/v1/user/access_token_info"),
    ("POST", "/v1/user/logout"),
    ("POST", "/v1/user/unlink"),
]


@pytest.mark.parametrize(("method", "path"), APIS)
def test_an_api_without_a_valid_token_answers_401_with_code_minus_401(kakao, method, path):
    for headers in ({}, {"Authorization": "Bearer unknown"}, {"Authorization": "Basic eDp5"}, {"Authorization": "x"}):
        answer = kakao.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, -401)


def test_an_access_token_is_accepted_only_as_a_bearer_token(kakao):
    token = kakao.sign_in()["access_token"]
    assert kakao.get("/v2/user/me", headers={"Authorization": f"KakaoAK {token}"}).status_code == 401
    assert kakao.get("/v2/user/me", params={"access_token": token}).status_code == 401


def test_an_access_token_expires(kakao, monkeypatch):
    token, now = kakao.sign_in()["access_token"], time.time()
    monkeypatch.setattr(time, "time", lambda: now + 21_600)
    assert kakao.call("/v2/user/me", token).status_code == 401


def test_logout_ends_one_login_and_no_other(kakao):
    first, second = kakao.sign_in(), kakao.sign_in()
    assert kakao.call("/v1/user/logout", first["access_token"], "POST").json() == {"id": HANEUL.id}
    assert kakao.call("/v2/user/me", first["access_token"]).status_code == 401
    ended = kakao.exchange(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(ended, 400, "invalid_grant", "KOE322")
    assert kakao.call("/v2/user/me", second["access_token"]).ok


def test_unlink_ends_every_login_of_the_user_at_the_app(kakao):
    first, second, other_user = kakao.sign_in(), kakao.sign_in(), kakao.sign_in(person=BADA)
    other_app = kakao.post("/_stand-in/token", json={"person": HANEUL.id, "app_id": 999}).json()
    assert kakao.call("/v1/user/unlink", first["access_token"], "POST").json() == {"id": HANEUL.id}
    assert kakao.call("/v2/user/me", second["access_token"]).status_code == 401
    assert not kakao.exchange(grant_type="refresh_token", refresh_token=second["refresh_token"]).ok
    assert kakao.call("/v2/user/me", other_user["access_token"]).ok
    assert kakao.call("/v2/user/me", other_app["access_token"]).ok


def test_account_logout_returns_to_a_registered_address_only(kakao):
    def logout(**changes):
        wanted = {"client_id": APP.client_id, "logout_redirect_uri": SITE, "state": "s t"} | changes
        return kakao.get("/oauth/logout", params=wanted)

    assert logout().headers["Location"] == SITE + "?state=s+t"
    assert logout(state=None).headers["Location"] == SITE
    for changes, code in (
        ({"logout_redirect_uri": "https://evil.example/"}, "KOE007"),
        ({"logout_redirect_uri": None}, "KOE007"),
        ({"client_id": "unknown"}, "KOE101"),
    ):
        answer = logout(**changes)
        assert code in answer.text
        assert "Location" not in answer.headers


# The stand-in's own endpoints


@pytest.mark.parametrize(
    ("app", "code"),
    [
        ({"client_id": "another"}, "KOE101"),
        ({"login_activated": False}, "KOE004"),
        ({"redirect_uris": [OTHER_REDIRECT]}, "KOE006"),
        ({"scopes": ["account_email", "profile_nickname"]}, "KOE205"),
    ],
)
def test_the_app_can_be_changed_and_reset_as_in_kakaos_console(kakao, app, code):
    kakao.post("/_stand-in/app", json=app)
    assert code in kakao.authorize().text
    kakao.post("/_stand-in/app", json={})
    assert kakao.authorize().ok


def test_a_mobile_app_gets_tokens_without_a_browser(kakao):
    token = kakao.post("/_stand-in/token", json={"person": BADA.id, "client_id": "native", "scope": "openid"}).json()
    assert set(kakao.claims(token)) == {"iss", "aud", "sub", "iat", "exp", "auth_time"}
    assert kakao.claims(token)["aud"] == "native"


def test_expired_tokens_can_be_requested(kakao):
    token = kakao.post("/_stand-in/token", json={"person": BADA.id, "expires_in": -60}).json()
    assert kakao.call("/v1/user/access_token_info", token["access_token"]).status_code == 401
    assert kakao.claims(token)["exp"] < time.time()


def test_the_signing_key_can_be_rotated(kakao):
    kakao.sign_in()
    before = kakao.get("/.well-known/jwks.json").json()["keys"]
    assert kakao.post("/_stand-in/keys").status_code == 204
    (key,) = kakao.get("/.well-known/jwks.json").json()["keys"]
    assert key not in before
    assert kakao.claims(kakao.sign_in())["sub"] == str(HANEUL.id)


@pytest.mark.parametrize(
    ("path", "body"), [("token", {"person": 42}), ("token", {}), ("mode", {"mode": "off"}), ("app", {"colour": 1})]
)
def test_a_switch_that_does_not_exist_is_refused(kakao, path, body):
    answer = kakao.post(f"/_stand-in/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, -2)


@pytest.mark.parametrize(
    ("kind", "body"), [("application/json", "{"), ("application/json", "[]"), ("text/plain", "{}")]
)
@pytest.mark.parametrize("path", ["token", "mode", "app"])
def test_a_switch_accepts_only_a_json_object(kakao, path, kind, body):
    answer = kakao.post(f"/_stand-in/{path}", data=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (400, -2)


def test_mode_down_answers_503_everywhere_until_mode_up(kakao):
    kakao.post("/_stand-in/mode", json={"mode": "down"})
    for answer in (kakao.authorize(), kakao.exchange(), kakao.get("/v2/user/me")):
        assert (answer.status_code, answer.json()["code"]) == (503, -9798)
    kakao.post("/_stand-in/mode", json={"mode": "up"})
    assert kakao.authorize().ok


def test_a_mode_can_be_limited_to_an_endpoint(kakao):
    kakao.post("/_stand-in/mode", json={"mode": "down", "endpoints": ["/oauth/token"]})
    assert kakao.exchange(code=kakao.code()).status_code == 503


def test_a_mode_can_start_after_a_number_of_requests(kakao):
    kakao.post("/_stand-in/mode", json={"mode": "down", "endpoints": ["/v2/user/me"], "after": 2})
    kakao.get("/v1/oidc/userinfo")
    assert [kakao.get("/v2/user/me").status_code for _ in range(4)] == [401, 401, 503, 503]


def test_mode_garbage_answers_200_without_json(kakao):
    kakao.post("/_stand-in/mode", json={"mode": "garbage"})
    answer = kakao.exchange()
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(("mode", "answered"), [("broken", (500, -1)), ("throttled", (429, -10))])
def test_modes_broken_and_throttled_answer_500_and_429(kakao, mode, answered):
    kakao.post("/_stand-in/mode", json={"mode": mode})
    answer = kakao.get("/v2/user/me")
    assert (answer.status_code, answer.json()["code"]) == answered


def test_mode_refusing_closes_the_connection_without_a_response(kakao):
    kakao.post("/_stand-in/mode", json={"mode": "refusing", "endpoints": ["/oauth/token"]})
    with pytest.raises(requests.ConnectionError):
        kakao.exchange()
    kakao.post("/_stand-in/mode", json={"mode": "up"})
    assert kakao.sign_in()


def test_mode_slow_answers_late_but_correctly(kakao):
    kakao.post("/_stand-in/mode", json={"mode": "slow", "seconds": 0.2, "endpoints": ["/oauth/token"]})
    code, before = kakao.code(), time.monotonic()
    assert kakao.exchange(code=code).ok
    assert time.monotonic() - before >= 0.2


# Starting and stopping


@pytest.fixture
def held() -> Iterator[tuple[Kakao, threading.Thread]]:
    """A separate stand-in, and a request that it holds for a minute."""
    with serve(0, APP, {}) as base, Kakao(base) as kakao:
        kakao.post("/_stand-in/mode", json={"mode": "slow", "seconds": 60})
        waiting = threading.Thread(target=requests.get, args=[f"{base}/.well-known/jwks.json"], daemon=True)
        waiting.start()
        time.sleep(0.1)
        yield kakao, waiting
    waiting.join(30)
    assert not waiting.is_alive()


def test_a_held_request_does_not_delay_the_shutdown(held):
    """The fixture ends the stand-in, and then checks the request."""


def test_a_held_request_is_answered_after_mode_up(held):
    kakao, waiting = held
    kakao.post("/_stand-in/mode", json={"mode": "up"})
    waiting.join(30)
    assert not waiting.is_alive()


def test_open_connections_are_closed_at_the_shutdown():
    with requests.Session() as session:
        with serve(0, APP, {}) as base:
            session.get(base)
        with pytest.raises(requests.ConnectionError):
            session.get(base)


def test_a_port_in_use_is_an_error_that_names_the_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Kakao stand-in cannot use port {port}"), serve(port, APP, {}):
            pass


def test_the_stand_in_frees_its_port_and_its_sockets_at_the_end():
    with serve(0, APP, {}) as base:
        pass
    gc.collect()  # an open socket would warn
    with serve(urlsplit(base).port or 0, APP, {}) as again:
        assert again == base


def test_the_stand_in_logs_no_request(kakao, caplog):
    with caplog.at_level(logging.DEBUG):
        kakao.sign_in()
        kakao.get("/nothing")
    assert not [record for record in caplog.records if record.name.startswith("aiohttp")]


def test_the_repr_of_an_app_hides_the_secret():
    assert APP.client_secret not in repr(APP)
