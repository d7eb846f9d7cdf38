"""Sign-in at Kakao itself, between a stand-in for Kakao's endpoints and a user pool that records the calls.

test_session.py has the tests of both modes.
"""

import json
import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import cognito, errors, http_client
from handlers.errors import CognitoResponseError, CognitoTooSlowError, CognitoUnavailableError
from tests.handlers import test_kakao_sign_in as token_sign_in
from tests.handlers.conftest import KAKAO_CLIENT_ID, KAKAO_SECRET, SITE, Cognito
from tests.handlers.test_kakao_sign_in import EMAIL, NATIVE, CrashError, Pool, profile
from tests.handlers.user_pool import JwksEndpoint, token
from tests.handlers.web_client import Answer, Client

LOGIN, CALLBACK = "GET /api/auth/login", "GET /api/auth/callback"
SESSION = {"__Host-id", "__Host-person", "__Secure-refresh"}
STEPS = ["admin_get_user", "admin_create_user", "admin_initiate_auth", "admin_respond_to_auth_challenge"]


@dataclass
class DirectPool(Pool):
    """A pool without an identity provider: it knows no links."""

    needs_link: bool = False

    def admin_get_user(self, UserPoolId: str, Username: str) -> dict[str, Any]:  # noqa: N803
        attributes = self._found(Username)["attributes"]
        listed = [{"Name": name, "Value": value} for name, value in attributes.items()]
        return super().admin_get_user(UserPoolId, Username) | {"UserAttributes": listed}

    def admin_update_user_attributes(
        self,
        UserPoolId: str,  # noqa: N803
        Username: str,  # noqa: N803
        UserAttributes: list[dict[str, str]],  # noqa: N803
    ) -> dict[str, Any]:
        self._found(Username)["attributes"] |= {one["Name"]: one["Value"] for one in UserAttributes}
        return {}


@pytest.fixture
def pool(kakao_web_sign_in: ModuleType, monkeypatch: pytest.MonkeyPatch) -> DirectPool:
    pool = DirectPool()
    monkeypatch.setattr(cognito, "call", pool.call)
    monkeypatch.setattr(kakao_web_sign_in.kakao_profile, "DIRECT", True)
    return pool


@pytest.fixture
def kakao(kakao_web_sign_in: ModuleType, monkeypatch: pytest.MonkeyPatch) -> token_sign_in.Kakao:
    """Kakao's user API. The real code verifies its ID token."""
    kakao = token_sign_in.Kakao()
    monkeypatch.setattr(kakao_web_sign_in.KAKAO, TELLS, getattr(kakao, TELLS))
    return kakao


@pytest.fixture
def client(
    kakao_web_sign_in: ModuleType,
    cognito: Cognito,
    endpoint: JwksEndpoint,
    pool: DirectPool,
    kakao: token_sign_in.Kakao,
    monkeypatch: pytest.MonkeyPatch,
) -> Client:
    jwks = kakao_web_sign_in.KAKAO._id_tokens._jwks
    monkeypatch.setattr(jwks, "_url", endpoint.url)
    monkeypatch.setattr(jwks, "_keys", {})
    monkeypatch.setattr(jwks, "_paused_until", 0.0)
    monkeypatch.setattr(kakao_web_sign_in.KAKAO._id_tokens, "_audiences", (KAKAO_CLIENT_ID,))
    return Client(kakao_web_sign_in.handler)


TELLS = "claims"  # the method of KakaoApi that asks /v2/user/me


def begin(client: Client, **parameters: str) -> dict[str, str]:
    location = client.send(LOGIN, {"provider": "Kakao", **parameters})["headers"]["location"]
    return {key: value for key, (value,) in parse_qs(urlsplit(location).query).items()}


def kakaos(asked: dict[str, str], **claims: Any) -> dict[str, Any]:
    """Kakao's answer to the code of this login."""
    known = {
        "iss": "https://kauth.example",
        "aud": KAKAO_CLIENT_ID,
        "sub": "1",
        "nonce": asked["nonce"],
        "token_use": ...,
    }
    return {"access_token": "kakao-access", "id_token": token(**known | claims), "token_type": "bearer"}


def finish(client: Client, cognito: Cognito, asked: dict[str, str] | None = None, **claims: Any) -> Answer:
    asked = asked or begin(client)
    cognito.body = kakaos(asked, **claims)
    return client.send(CALLBACK, {"code": "the-code", "state": asked["state"]})


def expect_page(answer: Answer, status: int, words: str, client: Client) -> None:
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in answer["body"]
    assert client.cookies == {}


# To Kakao and back


def test_the_browser_is_sent_straight_to_kakao(client: Client) -> None:
    location = client.send(LOGIN, {"provider": "Kakao"})["headers"]["location"]
    assert location.startswith("https://kauth.example/oauth/authorize?")
    assert "scope=openid%20account_email" in location
    asked = begin(client)
    assert (asked["client_id"], asked["response_type"]) == (KAKAO_CLIENT_ID, "code")
    assert asked["redirect_uri"] == f"{SITE}/api/auth/callback"
    assert "secret" not in location


def test_kakaos_parameters_of_a_login_link_are_passed_on_and_change_no_other(client: Client) -> None:
    asked = begin(client, prompt="select_account", login_hint="haneul", client_id="theirs", nonce="n", scope="x")
    assert (asked["prompt"], asked["login_hint"]) == ("select_account", "haneul")
    assert (asked["client_id"], asked["scope"]) == (KAKAO_CLIENT_ID, "openid account_email")
    assert asked["nonce"] != "n"


def test_the_code_is_redeemed_once_at_kakao_with_the_secret_of_the_app(client: Client, cognito: Cognito) -> None:
    finish(client, cognito)
    ((path, form, headers),) = cognito.asked
    assert path == "/oauth/token"
    verifier = form.pop("code_verifier")
    assert 43 <= len(verifier) <= 128
    assert form == {
        "grant_type": "authorization_code",
        "client_id": KAKAO_CLIENT_ID,
        "client_secret": KAKAO_SECRET,
        "redirect_uri": f"{SITE}/api/auth/callback",
        "code": "the-code",
    }
    assert "authorization" not in {name.lower() for name in headers}


def test_a_first_sign_in_creates_the_profile_of_the_kakao_user_and_a_session(
    client: Client, cognito: Cognito, pool: DirectPool
) -> None:
    answer = finish(client, cognito, begin(client, return_to="/board/7"))
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/board/7")
    assert set(client.cookies) == SESSION
    assert client.cookies["__Secure-refresh"] == "refresh"
    assert pool.asked == STEPS
    assert pool.profiles[NATIVE]["attributes"] == {"nickname": "김하늘", "email": EMAIL, "email_verified": "true"}


def test_the_answer_to_cognitos_challenge_is_the_id_token_and_its_nonce(
    client: Client, cognito: Cognito, pool: DirectPool
) -> None:
    asked = begin(client)
    finish(client, cognito, asked)
    sent = json.loads(pool.sent[-1]["ChallengeResponses"]["ANSWER"])
    assert sent == {"id_token": cognito.body["id_token"], "nonce": asked["nonce"]}


# One user, one profile


def test_the_next_sign_in_uses_the_same_profile_and_requests_the_user_again(
    client: Client, cognito: Cognito, pool: DirectPool, kakao: token_sign_in.Kakao
) -> None:
    """Kakao unlinks users for whom no app calls the user API within a day."""
    finish(client, cognito)
    pool.asked.clear()
    kakao.asked.clear()
    assert finish(client, cognito)["statusCode"] == 302
    assert pool.asked == ["admin_get_user", "admin_initiate_auth", "admin_respond_to_auth_challenge"]
    assert kakao.asked == [TELLS]
    assert pool.people() == [NATIVE]


def test_the_next_sign_in_updates_the_profile_with_changes_at_kakao(
    client: Client, cognito: Cognito, pool: DirectPool, kakao: token_sign_in.Kakao
) -> None:
    finish(client, cognito)
    kakao.nickname, kakao.email = "하늘", "new@example.com"
    pool.sent.clear()
    finish(client, cognito)
    assert pool.profiles[NATIVE]["attributes"] == {
        "nickname": "하늘",
        "email": "new@example.com",
        "email_verified": "true",
    }
    (changed,) = [sent["UserAttributes"] for sent in pool.sent if "UserAttributes" in sent]
    assert {"Name": "email_verified", "Value": "true"} in changed  # else Cognito would mail a code


def test_a_consent_withdrawn_at_kakao_leaves_the_profile_unchanged(
    client: Client, cognito: Cognito, pool: DirectPool, kakao: token_sign_in.Kakao
) -> None:
    finish(client, cognito)
    before = dict(pool.profiles[NATIVE]["attributes"])
    kakao.nickname = kakao.email = kakao.verified = None
    assert finish(client, cognito)["statusCode"] == 302
    assert pool.profiles[NATIVE]["attributes"] == before


def written(pool: DirectPool) -> list[dict[str, str]]:
    """The attributes of each AdminUpdateUserAttributes."""
    sent = [sent["UserAttributes"] for sent in pool.sent if "UserAttributes" in sent and "MessageAction" not in sent]
    return [{one["Name"]: one["Value"] for one in attributes} for attributes in sent]


@pytest.mark.parametrize("email", [EMAIL, None], ids=["not verified", "not valid"])
def test_an_e_mail_that_kakao_no_longer_verifies_becomes_unverified(
    client: Client, cognito: Cognito, pool: DirectPool, kakao: token_sign_in.Kakao, email: str | None
) -> None:
    finish(client, cognito)
    kakao.email, kakao.verified = email, False
    for _ in range(2):
        finish(client, cognito)
    told = {"nickname": "김하늘", "email": EMAIL, "email_verified": "false"}
    assert pool.profiles[NATIVE]["attributes"] == told
    assert written(pool) == [{"email_verified": "false"}]  # with the e-mail, Cognito might mail a code


def test_an_e_mail_that_kakao_verifies_again_is_written_with_email_verified(
    client: Client, cognito: Cognito, pool: DirectPool
) -> None:
    """Alone, `email_verified` would verify an e-mail that was changed between the two requests."""
    finish(client, cognito)
    pool.profiles[NATIVE]["attributes"]["email_verified"] = "false"
    finish(client, cognito)
    assert written(pool) == [{"email": EMAIL, "email_verified": "true"}]


def test_a_profile_without_a_verified_e_mail_is_not_updated_at_each_sign_in(
    client: Client, cognito: Cognito, pool: DirectPool, kakao: token_sign_in.Kakao
) -> None:
    kakao.email, kakao.verified = None, False
    for _ in range(2):
        finish(client, cognito)
    assert pool.profiles[NATIVE]["attributes"] == {"nickname": "김하늘"}
    assert written(pool) == []


@pytest.mark.parametrize(
    "error", [CognitoResponseError("InvalidParameterException"), CognitoTooSlowError("ReadTimeoutError")]
)
def test_a_failed_profile_update_does_not_stop_the_sign_in(
    client: Client,
    cognito: Cognito,
    pool: DirectPool,
    kakao: token_sign_in.Kakao,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    finish(client, cognito)
    kakao.nickname = "하늘"
    pool.says["admin_update_user_attributes"] = error  # type: ignore[assignment]
    assert finish(client, cognito)["statusCode"] == 302
    assert "profile_not_updated" in [record.message for record in caplog.records]


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_a_first_sign_in_interrupted_at_any_step_is_completed_by_the_next_one(
    client: Client, cognito: Cognito, pool: DirectPool, step: int
) -> None:
    pool.crash_at = step
    with pytest.raises(CrashError):
        finish(client, cognito)
    pool.crash_at = 99
    assert finish(client, cognito)["statusCode"] == 302
    assert pool.people() == [NATIVE]


@pytest.mark.parametrize("step", STEPS[1:])
def test_two_concurrent_first_sign_ins_use_one_profile(
    client: Client, kakao_web_sign_in: ModuleType, cognito: Cognito, pool: DirectPool, step: str
) -> None:
    other = Client(kakao_web_sign_in.handler)
    pool.before[step] = lambda: finish(other, cognito)
    assert finish(client, cognito)["statusCode"] == 302
    assert set(other.cookies) >= SESSION
    assert pool.people() == [NATIVE]


def test_a_hosted_profile_of_the_same_user_is_not_changed(client: Client, cognito: Cognito, pool: DirectPool) -> None:
    """It is from before the stack signed in at Kakao itself."""
    pool.profiles["kakao_1"] = profile()
    assert finish(client, cognito)["statusCode"] == 302
    assert pool.profiles["kakao_1"] == profile()
    assert not {"admin_link_provider_for_user", "admin_delete_user"} & set(pool.asked)


def test_a_disabled_profile_gets_an_error_page(client: Client, cognito: Cognito, pool: DirectPool) -> None:
    pool.profiles[NATIVE] = profile() | {"enabled": False}
    expect_page(finish(client, cognito), 403, "사용할 수 없는", client)
    assert "admin_initiate_auth" not in pool.asked


def test_a_profile_that_cognito_refuses_gets_an_error_page(client: Client, cognito: Cognito, pool: DirectPool) -> None:
    pool.says["admin_initiate_auth"] = CognitoResponseError("NotAuthorizedException")
    expect_page(finish(client, cognito), 403, "사용할 수 없는", client)


# Invalid tokens


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"nonce": "another"}, 400),
        ({"nonce": ...}, 400),
        ({"nonce": ["list"]}, 400),
        ({"iss": "https://kauth.kakao.example"}, 502),
        ({"iss": ...}, 502),
        ({"aud": "native-app-key"}, 502),
        ({"aud": [KAKAO_CLIENT_ID]}, 502),
        ({"aud": ...}, 502),
        ({"exp": -31}, 502),
        ({"exp": ...}, 502),
        ({"iat": -331}, 502),
        ({"iat": 300}, 502),
        ({"iat": ...}, 502),
        ({"sub": ...}, 502),
        ({"sub": "kakao-1"}, 502),
        ({"sub": "0"}, 502),
    ],
)
def test_an_id_token_of_another_login_app_or_time_makes_no_session(
    client: Client, cognito: Cognito, pool: DirectPool, claims: dict[str, Any], status: int
) -> None:
    """`iat` and `exp` in seconds from now."""
    now = int(time.time())
    claims = {
        name: now + value if name in ("iat", "exp") and value is not ... else value for name, value in claims.items()
    }
    answer = finish(client, cognito, **claims)
    assert (answer["statusCode"], client.cookies, pool.asked) == (status, {}, [])


def test_an_id_token_with_a_foreign_signature_makes_no_session(
    client: Client, cognito: Cognito, pool: DirectPool, endpoint: JwksEndpoint
) -> None:
    asked = begin(client)
    cognito.body = kakaos(asked)
    head, _, _ = cognito.body["id_token"].split(".")
    cognito.body["id_token"] = ".".join([head, *token("other", nonce=asked["nonce"]).split(".")[1:]])
    assert client.send(CALLBACK, {"code": "c", "state": asked["state"]})["statusCode"] == 502
    assert pool.asked == []


def test_tokens_of_two_different_users_in_one_response_make_no_session(
    client: Client, cognito: Cognito, pool: DirectPool, kakao: token_sign_in.Kakao
) -> None:
    kakao.who = "2"
    expect_page(finish(client, cognito), 502, "카카오에 연결하지 못했어요", client)
    assert pool.asked == []


def test_mapped_consents_are_in_the_profile(
    client: Client, kakao_web_sign_in: ModuleType, cognito: Cognito, pool: DirectPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kakao_web_sign_in, "ATTRIBUTES", {"phone_number": "phone_number", "ci": "custom:ci"})
    finish(client, cognito)
    attributes = pool.profiles[NATIVE]["attributes"]
    assert (attributes["phone_number"], attributes["custom:ci"]) == ("the phone_number", "the ci")


def test_without_kakaos_keys_no_session_is_made(client: Client, cognito: Cognito, endpoint: JwksEndpoint) -> None:
    endpoint.status = 503
    expect_page(finish(client, cognito), 502, "카카오에 연결하지 못했어요", client)


# Errors of Kakao


@pytest.mark.parametrize(
    ("status", "code", "answered", "words"),
    [
        (400, "KOE320", 400, "다시 시작"),
        (400, "KOE303", 502, "설정"),
        (401, "KOE010", 502, "설정"),
        (401, "KOE101", 502, "설정"),
        (400, "KOE237", 429, "몰려"),
        (400, "KOE001", 502, "카카오에 연결하지 못했어요"),
        (400, "<script>", 502, "카카오에 연결하지 못했어요"),
    ],
)
def test_each_error_of_kakaos_token_endpoint_has_its_error_page(
    client: Client, cognito: Cognito, pool: DirectPool, status: int, code: str, answered: int, words: str
) -> None:
    asked = begin(client)
    cognito.status, cognito.body = status, {"error": "e", "error_description": "canary", "error_code": code}
    answer = client.send(CALLBACK, {"code": "c", "state": asked["state"]})
    expect_page(answer, answered, words, client)
    assert "canary" not in answer["body"]
    assert pool.asked == []


def test_a_kakao_app_without_openid_connect_is_an_error_log_line(
    client: Client, cognito: Cognito, caplog: pytest.LogCaptureFixture
) -> None:
    asked = begin(client)
    cognito.body = {"access_token": "kakao-access"}
    expect_page(client.send(CALLBACK, {"code": "c", "state": asked["state"]}), 502, "설정", client)
    assert "OpenID Connect" in vars(caplog.records[-1])["reason"]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("KakaoUnderAgeError", 403, "로그인하지 못했어요"),
        ("KakaoRestrictedError", 403, "로그인하지 못했어요"),
        ("KakaoConsentError", 403, "동의"),
        ("KakaoThrottledError", 429, "몰려"),
        ("KakaoUnavailableError", 502, "카카오에 연결하지 못했어요"),
        ("KakaoMisconfiguredError", 502, "설정"),
        ("KakaoTooSlowError", 504, "늦어요"),
    ],
)
def test_each_error_of_kakaos_user_api_has_its_error_page(
    client: Client,
    kakao_web_sign_in: ModuleType,
    cognito: Cognito,
    pool: DirectPool,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    status: int,
    words: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise getattr(errors, error)

    monkeypatch.setattr(kakao_web_sign_in.KAKAO, TELLS, fail)
    expect_page(finish(client, cognito), status, words, client)
    assert "admin_create_user" not in pool.asked


def test_each_error_of_kakao_has_an_error_page(kakao_web_sign_in: ModuleType) -> None:
    assert {error.code for error in errors.KakaoError.__subclasses__()} == set(kakao_web_sign_in.KINDS)


def test_the_timeout_for_kakao_leaves_time_for_the_error_page(
    client: Client, kakao_web_sign_in: ModuleType, cognito: Cognito, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests to Kakao share one deadline: API Gateway waits 30 seconds, and Lambda 15."""
    asked: list[float] = []

    def request(*_: object, timeout: float, **__: object) -> tuple[int, bytes]:
        asked.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(http_client, "request", request)
    expect_page(finish(client, cognito), 504, "늦어요", client)
    (timeout,) = asked
    assert timeout <= kakao_web_sign_in.TIMEOUT_SECONDS < 10


# Errors of Cognito


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CognitoResponseError("TooManyRequestsException"), 429),
        (CognitoResponseError("InternalErrorException"), 502),
        (CognitoResponseError("UserLambdaValidationException", "PreSignUp failed with error internal_error."), 502),
        (CognitoTooSlowError("ReadTimeoutError"), 504),
        (CognitoUnavailableError("EndpointConnectionError"), 502),
    ],
    ids=["throttled", "broken", "crash of a trigger", "slow", "down"],
)
def test_a_failure_of_cognito_at_any_step_is_an_error_page_and_the_next_sign_in_works(
    client: Client, cognito: Cognito, pool: DirectPool, step: str, error: Any, status: int
) -> None:
    pool.says[step] = error
    answer = finish(client, cognito)
    assert (answer["statusCode"], client.cookies, pool.asked[-1]) == (status, {}, step)
    assert "<html" in answer["body"]
    pool.says.clear()
    assert finish(client, cognito)["statusCode"] == 302


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("VerifyAuthChallengeResponse failed with error kakao_too_slow.", 504),
        ("VerifyAuthChallengeResponse failed with error kakao_unavailable.", 502),
    ],
)
def test_a_failure_of_kakao_at_the_challenge_is_an_error_page(
    client: Client, cognito: Cognito, pool: DirectPool, message: str, status: int
) -> None:
    pool.says["admin_respond_to_auth_challenge"] = CognitoResponseError("UserLambdaValidationException", message)
    assert finish(client, cognito)["statusCode"] == status


def test_a_failed_challenge_makes_no_session(client: Client, cognito: Cognito, pool: DirectPool) -> None:
    pool.right = False
    expect_page(finish(client, cognito), 400, "다시 시작", client)


def test_malformed_tokens_make_no_session(
    client: Client, cognito: Cognito, pool: DirectPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        pool, "admin_respond_to_auth_challenge", lambda **_: {"AuthenticationResult": {"IdToken": "a.b.c"}}
    )
    expect_page(finish(client, cognito), 502, "카카오에 연결하지 못했어요", client)


def test_no_password_is_set_at_any_step(client: Client, cognito: Cognito, pool: DirectPool) -> None:
    finish(client, cognito)
    for parameters in pool.sent:
        assert not [name for name in parameters if "Password" in name]


def test_no_personal_data_or_secret_is_logged(
    client: Client, cognito: Cognito, pool: DirectPool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    asked = begin(client, return_to="/canary-path", login_hint="canary@example.com")
    finish(client, cognito, asked, nickname="canary-nickname", email="canary@example.com")
    for status in (400, 500):
        again = begin(client)
        cognito.status, cognito.body = (
            status,
            {"error": "canary", "error_description": "canary", "error_code": "canary"},
        )
        client.send(CALLBACK, {"code": "canary-code", "state": again["state"]})
    written = repr([record.__dict__ for record in caplog.records])
    assert "signed_in" in written
    for secret in ("canary", KAKAO_SECRET, "kakao-access", EMAIL, "김하늘", asked["state"], asked["nonce"]):
        assert secret not in written
