"""GET /api/kakao/userinfo. Kakao's API is a stand-in whose responses a test sets."""

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from handlers import contract, kakao_client
from tests.handlers.user_pool import JwksEndpoint, jwks_endpoint

ID, APP = 1000000001, 42
EMAIL = "haneul@example.com"
# The stand-in has one response for all paths: that of access_token_info and that of /v2/user/me in one.
USER = {
    "id": ID,
    "app_id": APP,
    "kakao_account": {
        "profile": {"nickname": "김하늘"},
        "is_email_valid": True,
        "is_email_verified": False,
        "email": EMAIL,
        "phone_number": "+82 10-1234-5678",
        "ci": "the ci",
    },
}
INFO, ME = "/v1/user/access_token_info", "/v2/user/me?secure_resource=true"

Ask = Callable[..., tuple[int, dict[str, Any], dict[str, str]]]


@pytest.fixture(scope="module")
def _api() -> Iterator[JwksEndpoint]:
    with jwks_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def api(_api: JwksEndpoint, kakao_user_info: ModuleType, monkeypatch: pytest.MonkeyPatch) -> JwksEndpoint:
    _api.reset()
    say(_api, USER)
    client = kakao_client.KakaoClient(_api.url.partition("/pool/")[0])
    monkeypatch.setattr(kakao_user_info, "KAKAO", client)
    return _api


@pytest.fixture
def ask(kakao_user_info: ModuleType, api: JwksEndpoint) -> Ask:
    def ask(authorization: str | None = "Bearer token", method: str = "GET") -> Any:
        headers = {} if authorization is None else {"authorization": authorization}
        answer = kakao_user_info.handler({"routeKey": f"{method} /api/kakao/userinfo", "headers": headers}, None)
        assert answer["cookies"] == []
        return answer["statusCode"], json.loads(answer["body"] or "{}"), answer["headers"]

    return ask


def say(api: JwksEndpoint, body: Any, status: int = 200) -> None:
    api.status, api.body = status, json.dumps(body).encode()


def test_the_claims_come_from_kakaos_user_api(ask: Ask, api: JwksEndpoint) -> None:
    status, claims, headers = ask()
    assert status == 200
    assert claims == {"sub": str(ID), "nickname": "김하늘", "email": EMAIL, "email_verified": False}
    assert headers["cache-control"] == "no-store"
    assert api.asked == [INFO, ME]
    assert api.received["authorization"] == "Bearer token"


def test_an_e_mail_that_is_not_valid_sets_email_verified_to_false(ask: Ask, api: JwksEndpoint) -> None:
    account = {"is_email_valid": False, "is_email_verified": True, "email": "ha***@example.com"}
    say(api, USER | {"kakao_account": account})
    assert ask()[1] == {"sub": str(ID), "email_verified": False}


def test_only_mapped_consents_are_claims(
    ask: Ask, kakao_user_info: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kakao_user_info, "CONSENTS", ["phone_number"])
    claims = ask()[1]
    assert claims["phone_number"] == "+821012345678"
    assert "ci" not in claims


def test_without_the_id_of_the_app_kakao_gets_one_request(
    ask: Ask, api: JwksEndpoint, kakao_user_info: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kakao_user_info, "APP_ID", None)
    assert ask()[0] == 200
    assert api.asked == [ME]


def test_a_head_request_is_answered_without_a_body(ask: Ask) -> None:
    assert ask(method="HEAD")[:2] == (200, {})


# Refusals


def test_a_token_of_another_app_is_refused_before_its_user_is_requested(ask: Ask, api: JwksEndpoint) -> None:
    say(api, USER | {"app_id": APP + 1})
    status, body, headers = ask()
    assert (status, body["error"]) == (401, "invalid_token")
    assert headers["www-authenticate"] == 'Bearer realm="kakao", error="invalid_token"'
    assert api.asked == [INFO]
    assert EMAIL not in json.dumps(body)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "token"])
def test_a_request_without_a_token_gets_a_bearer_challenge(
    ask: Ask, api: JwksEndpoint, authorization: str | None
) -> None:
    """RFC 6750 section 3.1: without a token there is no error code in the challenge."""
    status, _, headers = ask(authorization)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="kakao"')
    assert api.asked == []


@pytest.mark.parametrize(
    "token",
    [
        *("two words", "a,b", "토큰", "=", "x\r\nhost: evil.example", "x" * (contract.MAX_TOKEN_LENGTH + 1)),
        *("eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl", "eyJhbGciOiJub25lIn0.e30."),  # the ID token of our session
    ],
)
def test_a_malformed_token_is_not_sent_to_kakao(ask: Ask, api: JwksEndpoint, token: str) -> None:
    status, _, headers = ask(f"Bearer {token}")
    assert status == 401
    assert headers["www-authenticate"].endswith('error="invalid_token"')
    assert api.asked == []


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, -401, (401, "invalid_token")),
        (400, -10, (429, "kakao_throttled")),
        (503, -9798, (502, "kakao_unavailable")),
        (401, -406, (403, "kakao_under_age")),
        (400, -603, (504, "kakao_too_slow")),
    ],
)
def test_each_error_of_kakao_has_its_status(
    ask: Ask, api: JwksEndpoint, status: int, code: int, expected: tuple[int, str]
) -> None:
    say(api, {"msg": "canary", "code": code}, status)
    got, body, headers = ask()
    assert (got, body["error"]) == expected
    assert ("retry-after" in headers) == (got == 429)
    assert "canary" not in json.dumps(body)


IP_MISMATCH = "ip mismatched! callerIp=192.0.2.1. check out registered ips."


@pytest.mark.parametrize("app_id", [str(APP), None])
@pytest.mark.parametrize(("status", "code", "message"), [(403, -5, ""), (403, -12, ""), (401, -401, IP_MISMATCH)])
def test_a_refused_app_that_may_not_be_ours_raises_no_alarm(
    ask: Ask,
    api: JwksEndpoint,
    kakao_user_info: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    app_id: str | None,
    status: int,
    code: int,
    message: str,
) -> None:
    monkeypatch.setattr(kakao_user_info, "APP_ID", app_id)
    say(api, {"msg": message, "code": code}, status)
    got, body, headers = ask()
    assert (got, body["error"]) == (401, "invalid_token")
    assert headers["www-authenticate"].endswith('error="invalid_token"')
    (line,) = [record for record in caplog.records if record.message == "kakao_misconfigured"]
    assert (line.levelname, vars(line)["kakao"]) == ("WARNING", code)
    assert "192.0.2.1" not in repr(vars(line))


@pytest.mark.parametrize(("status", "code", "message"), [(403, -5, ""), (401, -401, IP_MISMATCH)])
def test_a_refusal_of_our_own_app_is_a_502_and_an_error_log_line(
    ask: Ask,
    api: JwksEndpoint,
    kakao_user_info: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
    code: int,
    message: str,
) -> None:
    def our_app(*_token: Any, **_more: Any) -> str:
        say(api, {"msg": message, "code": code}, status)  # of the request after this one
        return str(ID)

    monkeypatch.setattr(kakao_user_info.KAKAO, "token_user_id", our_app)
    got, body, _ = ask()
    assert (got, body["error"]) == (502, "kakao_misconfigured")
    assert ("ERROR", "kakao_misconfigured") in [(record.levelname, record.message) for record in caplog.records]


def test_a_slow_kakao_is_a_504(
    ask: Ask, api: JwksEndpoint, kakao_user_info: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kakao_user_info, "TIMEOUT_SECONDS", 0.1)
    api.silent = True
    assert ask()[0] == 504


def test_the_timeout_for_kakao_is_below_cognitos_five_seconds(kakao_user_info: ModuleType) -> None:
    assert kakao_user_info.TIMEOUT_SECONDS <= 2.5
