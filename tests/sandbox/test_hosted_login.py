"""The hosted login behaves as Cognito's, where the emulator differs."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox import hosted_login
from tests.sandbox.conftest import CALLBACK, PKCE, PROVIDER, VERIFIER
from tests.sandbox.deployed import Switch, switches

pytestmark = pytest.mark.sandbox


def parameters(response: requests.Response) -> dict[str, str]:
    """The query of the address that a response leads to."""
    return {name: value for name, (value,) in parse_qs(urlsplit(response.headers["Location"]).query).items()}


@pytest.fixture
def switch(pool: Any) -> Iterator[Switch]:
    """Makes the hosted login fail, and work again afterwards."""
    with switches(pool.login) as switch:
        yield switch


def test_a_sign_in_through_a_provider_returns_tokens(pool: Any, provider: Any) -> None:
    assert parameters(pool.return_from_provider())["state"] == "of-the-app"
    assert pool.redeem(pool.code()).status_code == 200


def test_a_provider_may_return_with_a_form_post(pool: Any, provider: Any) -> None:
    back = pool.post("/oauth2/idpresponse", {"code": "c", "state": parameters(pool.authorize())["state"]})
    assert pool.redeem(parameters(back)["code"]).status_code == 200


@pytest.mark.parametrize("wrong", ["", "A" * 64, "가" * 43])
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_a_wrong_verifier_is_refused_with_any_content_type_and_uses_up_the_code(
    pool: Any, provider: Any, wrong: str, content_type: str
) -> None:
    form = {"grant_type": "authorization_code", "client_id": pool.client_id, "redirect_uri": CALLBACK}
    code = pool.code(**PKCE)
    for verifier in (wrong, VERIFIER):  # the right one comes too late
        asked = form | {"code": code, "code_verifier": verifier}
        answer = pool.post("/oauth2/token", asked, **{"Content-Type": content_type})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("wrong", [{"redirect_uri": ""}, {"redirect_uri": "https://other.example/"}])
def test_a_code_is_bound_to_its_redirect_uri(pool: Any, provider: Any, wrong: dict[str, str]) -> None:
    assert pool.redeem(pool.code(), **wrong).json()["error"] == "invalid_grant"


def test_a_verifier_without_a_challenge_is_accepted(pool: Any, provider: Any) -> None:
    assert pool.redeem(pool.code(), code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize(
    "pkce",
    [
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": VERIFIER},
        {"code_challenge_method": "S256"},
    ],
)
@pytest.mark.parametrize("through", [PROVIDER, ""])
def test_a_challenge_with_another_method_than_s256_is_refused(pool: Any, pkce: dict[str, str], through: str) -> None:
    back = parameters(pool.authorize(identity_provider=through, **pkce))
    assert (back["error"], back["state"]) == ("invalid_request", "of-the-app")


@pytest.mark.parametrize(
    ("answer", "description"),
    [
        ((401, ""), f"{PROVIDER} Error - 401 invalid_client Bad client credentials"),
        ((200, "{}"), f"{PROVIDER} Error - 200 error getting token"),
        ((200, "no JSON"), f"{PROVIDER} Error - 200 error getting token"),
        ((200, '{"id_token": "no token"}'), f"{PROVIDER} Error - 200 error getting token"),
    ],
)
def test_a_provider_without_a_token_is_named_in_the_error(
    pool: Any, provider: Any, answer: tuple[int, str], description: str
) -> None:
    provider.answer = lambda: answer
    back = pool.return_from_provider()
    assert back.headers["Location"].startswith(f"{CALLBACK}?")
    assert parameters(back) == {"error": "invalid_request", "error_description": description, "state": "of-the-app"}


def attributes(pool: Any, account: Any, subject: str) -> dict[str, str]:
    with closing(account.client("cognito-idp")) as cognito:
        user = cognito.admin_get_user(UserPoolId=pool.id, Username=f"{PROVIDER}_{subject}")
    return {each["Name"]: each["Value"] for each in user["UserAttributes"]}


def test_mapped_claims_of_the_providers_userinfo_become_attributes(pool: Any, provider: Any, account: Any) -> None:
    provider.subject = "with-claims"
    provider.claims = {"plan": "gold", "email_verified": True, "picture": "https://img.example.com/a.jpg"}
    assert "code" in parameters(pool.return_from_provider())
    assert provider.asked == ["/userinfo Bearer the access token"]
    found = attributes(pool, account, "with-claims")
    assert {name: found.get(name) for name in ("nickname", "email_verified", "custom:plan")} == {
        "nickname": "of the token",
        "email_verified": "true",
        "custom:plan": "gold",
    }
    assert not {"picture", "hidden"} & found.keys()


def test_a_claim_of_userinfo_overrides_that_of_the_id_token(pool: Any, provider: Any, account: Any) -> None:
    provider.subject, provider.claims = "two-names", {"nickname": "of userinfo"}
    pool.return_from_provider()
    assert attributes(pool, account, "two-names")["nickname"] == "of userinfo"


@pytest.mark.parametrize(
    "answer", [(401, ""), (429, "{}"), (502, "{}"), (200, "no JSON"), (200, "[]"), (200, "{}"), (200, '{"sub": "2"}')]
)
def test_without_a_valid_userinfo_response_no_user_signs_in(pool: Any, provider: Any, answer: tuple[int, str]) -> None:
    provider.userinfo = lambda: answer
    assert parameters(pool.return_from_provider()) == {
        "error": "invalid_request",
        "error_description": f"{PROVIDER} Error - {answer[0]} error getting userInfo",
        "state": "of-the-app",
    }


def test_an_id_token_that_crashes_the_emulator_is_a_server_error(pool: Any, provider: Any) -> None:
    provider.answer = lambda: (200, json.dumps({"id_token": "e30.W10.x"}))  # its claims are a list
    assert parameters(pool.return_from_provider())["error"] == "server_error"


def test_a_slow_provider_times_out(pool: Any, provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted_login, "PROVIDER_TIMEOUT_SECONDS", 0.1)
    done = threading.Event()
    provider.answer = lambda: (done.wait(5), provider.well())[1]
    description = parameters(pool.return_from_provider())["error_description"]
    done.set()
    assert description == "Timeout occurred in calling IdP token endpoint"


def test_a_provider_that_closes_the_connection_has_its_own_error(pool: Any, provider: Any) -> None:
    def hang_up() -> tuple[int, str]:
        raise ConnectionResetError

    provider.answer = hang_up
    assert parameters(pool.return_from_provider())["error_description"] == "Connection reset"


def test_a_refusal_of_a_trigger_is_reported_in_cognitos_format(pool: Any, provider: Any, account: Any) -> None:
    arn = account.function("refuse", 'raise ValueError("no guests")')
    provider.subject = "a guest"
    with closing(account.client("cognito-idp")) as cognito:
        cognito.update_user_pool(UserPoolId=pool.id, LambdaConfig={"PreSignUp": arn})
        back = parameters(pool.return_from_provider())
        cognito.update_user_pool(UserPoolId=pool.id, LambdaConfig={})
    assert (back["error"], back["error_description"]) == (
        "invalid_request",
        "PreSignUp failed with error no guests.",
    )


def test_an_error_of_the_provider_is_passed_on_to_the_app_once(pool: Any) -> None:
    state = parameters(pool.authorize())["state"]
    said = {"error": "access_denied", "error_description": "User denied access"}
    assert parameters(pool.get("/oauth2/idpresponse", state=state, **said)) == said | {"state": "of-the-app"}
    again = pool.get("/oauth2/idpresponse", state=state, **said)
    assert (again.status_code, "Something went wrong" in again.text) == (400, True)


def test_an_expired_sign_in_is_cognitos_error_page(pool: Any, provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted_login, "LOGIN_TIMEOUT_SECONDS", 0)
    late = pool.return_from_provider()
    assert (late.status_code, "Location" in late.headers) == (400, False)


def test_the_state_of_the_app_does_not_continue_a_sign_in(pool: Any) -> None:
    assert parameters(pool.authorize(scope="unknown"))["error_description"] == "invalid_scope"
    assert pool.get("/oauth2/idpresponse", code="c", state="of-the-app").status_code == 400


@pytest.mark.parametrize(
    "wrong", [{"identity_provider": "Unknown"}, {"identity_provider": "", "response_type": "token"}]
)
def test_a_wrong_request_is_redirected_to_a_registered_app_with_the_error(pool: Any, wrong: dict[str, str]) -> None:
    back = pool.authorize(**wrong)
    assert back.headers["Location"].startswith(f"{CALLBACK}?error=")
    assert parameters(back)["state"] == "of-the-app"


@pytest.mark.parametrize("wrong", [{"client_id": "unknown"}, {"redirect_uri": "https://evil.example/"}])
@pytest.mark.parametrize("more", [{}, {"identity_provider": "Unknown"}, {"response_type": "token"}])
def test_a_request_of_an_unknown_app_or_redirect_uri_is_not_redirected(
    pool: Any, wrong: dict[str, str], more: dict[str, str]
) -> None:
    answer = pool.authorize(**{"identity_provider": ""} | more | wrong)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "evil.example" not in answer.text


def test_a_request_without_a_redirect_uri_is_not_redirected(pool: Any) -> None:
    answer = pool.authorize(redirect_uri="", identity_provider="Unknown")
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_over_the_limit_the_oldest_sign_ins_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted_login, "MAX_PENDING", 2)
    logins, login = hosted_login.Logins(), hosted_login.Login(PROVIDER, CALLBACK, "", "")
    for key in "abc":
        logins.add(key, login)
    assert [logins.get(key) for key in "abc"] == [None, login, login]


def test_sign_out_and_userinfo_are_forwarded_to_the_emulator(pool: Any, provider: Any) -> None:
    out = pool.get("/logout", client_id=pool.client_id, logout_uri="https://app.example/")
    assert (out.status_code, out.headers["Location"]) == (302, "https://app.example/")
    bearer = {"Authorization": f"Bearer {pool.redeem(pool.code()).json()['access_token']}"}
    assert requests.get(f"{pool.login}/oauth2/userInfo", headers=bearer, timeout=60).status_code == 200
    assert pool.get("/oauth2/userInfo").status_code == 401


def test_only_a_refresh_token_of_that_client_can_be_revoked(pool: Any, provider: Any) -> None:
    tokens = pool.redeem(pool.code()).json()
    for error, token, client_id in (
        ("invalid_request", "no token", pool.client_id),
        ("unsupported_token_type", tokens["access_token"], pool.client_id),
        ("invalid_client", tokens["refresh_token"], "another"),
    ):
        answer = pool.post("/oauth2/revoke", {"token": token, "client_id": client_id})
        assert (answer.status_code, answer.json()) == (400, {"error": error})
    refresh = {"grant_type": "refresh_token", "client_id": pool.client_id, "refresh_token": tokens["refresh_token"]}
    assert pool.post("/oauth2/token", refresh).status_code == 200


@pytest.mark.parametrize(("mode", "status"), [("down", 503), ("broken", 500), ("throttled", 429), ("garbage", 200)])
def test_the_hosted_login_can_be_made_to_fail_at_an_endpoint(
    pool: Any, provider: Any, switch: Switch, mode: str, status: int
) -> None:
    switch(mode, "/oauth2/token")
    code = pool.code()
    answer = pool.redeem(code)
    assert (answer.status_code, "id_token" in answer.text) == (status, False)
    switch("up")
    assert pool.redeem(code).status_code == 200


def test_the_hosted_login_can_be_made_to_refuse_connections(pool: Any, switch: Switch) -> None:
    switch("refusing")
    with pytest.raises(requests.ConnectionError):
        pool.get("/oauth2/userInfo")


def test_the_hosted_login_can_be_made_slow_until_it_is_up_again(pool: Any, provider: Any, switch: Switch) -> None:
    code = pool.code()
    switch("slow", seconds=0.1)
    assert pool.redeem(code).status_code == 200
    switch("slow", seconds=60)
    waiting = threading.Thread(target=pool.get, args=["/oauth2/userInfo"], daemon=True)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    switch("up")
    waiting.join(30)
    assert not waiting.is_alive()


def test_a_form_of_another_site_cannot_make_the_hosted_login_fail(pool: Any) -> None:
    plain = requests.post(f"{pool.login}/_stand-in/mode", '{"mode": "down"}', timeout=60)
    assert plain.status_code == 404
    assert pool.get("/oauth2/userInfo").status_code == 401


def test_a_mode_that_does_not_exist_is_refused(pool: Any) -> None:
    answer = requests.post(f"{pool.login}/_stand-in/mode", json={"mode": "off"}, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"error": "unknown_mode"})


def test_the_page_for_email_and_password_is_that_of_the_emulator(pool: Any) -> None:
    page = pool.authorize(identity_provider="", **PKCE)
    assert (page.status_code, 'action="/login"' in page.text) == (200, True)
    again = pool.post("/login", {"client_id": pool.client_id, "username": "nobody", "password": "wrong"})
    assert "Incorrect username or password" in again.text


@pytest.mark.parametrize("path", ["/", "/health", "/_ministack/reset", "/admin", "/2015-03-31/functions"])
def test_no_other_path_of_the_emulator_is_reachable(pool: Any, path: str) -> None:
    assert pool.get(path).status_code == 404
