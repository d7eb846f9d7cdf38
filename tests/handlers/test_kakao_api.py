"""The user of a Kakao token. Kakao's API and its keys are stand-ins whose responses a test sets."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import pytest

from handlers import errors, kakao_client
from tests.handlers import user_pool
from tests.handlers.user_pool import JwksEndpoint, jwks_endpoint

APP, PERSON = 42, 1000000001
KAKAO_ISSUER = "https://kauth.example"
WELL = {"id": PERSON, "expires_in": 7199, "app_id": APP}
EMAIL = "haneul@example.com"
VERIFIED = {"is_email_valid": True, "is_email_verified": True, "email": EMAIL}


@pytest.fixture(scope="module")
def kakao_api(kakao_sign_in: ModuleType) -> ModuleType:
    from handlers import kakao_api

    return kakao_api


@pytest.fixture(scope="module")
def _api() -> Iterator[JwksEndpoint]:
    with jwks_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def api(_api: JwksEndpoint) -> JwksEndpoint:
    """Kakao's API: one answer for all of its paths."""
    _api.reset()
    say(_api, WELL)
    return _api


def say(api: JwksEndpoint, body: Any, status: int = 200) -> None:
    api.status, api.body = status, body if isinstance(body, bytes) else json.dumps(body).encode()


Whose = Callable[..., str]
Claims = Callable[..., dict[str, Any]]


@pytest.fixture
def asked_kakao(kakao_api: ModuleType, api: JwksEndpoint, endpoint: JwksEndpoint) -> Any:
    from handlers.id_token import IdTokenVerifier
    from handlers.jwks import Jwks

    keys = ["rest-api-key", "native-app-key"]
    id_tokens = IdTokenVerifier(issuer=KAKAO_ISSUER, audiences=keys, jwks=Jwks(endpoint.url))
    return kakao_api.KakaoApi(api.url.partition("/pool/")[0], app_id=APP, id_tokens=id_tokens)


@pytest.fixture
def whose(kakao_api: ModuleType, asked_kakao: Any) -> Whose:
    def whose(seconds: float = 5, **credential: str) -> str:
        person: str = asked_kakao.user_id(kakao_api.Credential(**credential), deadline=time.monotonic() + seconds)
        return person

    return whose


@pytest.fixture
def claims(kakao_api: ModuleType, asked_kakao: Any) -> Claims:
    def claims(**credential: str) -> Any:
        return asked_kakao.claims(kakao_api.Credential(**credential), deadline=time.monotonic() + 5)

    return claims


def id_token(**claims: Any) -> str:
    """An ID token of Kakao's; a claim that is `...` is left out."""
    kakaos = {"iss": KAKAO_ISSUER, "aud": "rest-api-key", "sub": str(PERSON), "token_use": ...}
    return user_pool.token(**kakaos | claims)


# Access tokens


def test_an_access_token_of_our_app_gives_the_id_of_its_user(whose: Whose, api: JwksEndpoint) -> None:
    assert whose(access_token="token") == str(PERSON)
    assert api.asked == ["/v1/user/access_token_info"]
    assert (api.received["authorization"], api.received["accept"]) == ("Bearer token", "application/json")


def test_a_user_id_may_be_a_64_bit_integer(whose: Whose, api: JwksEndpoint) -> None:
    say(api, WELL | {"id": 2**63 - 1})
    assert whose(access_token="token") == str(2**63 - 1)


def test_an_access_token_of_another_app_is_refused(whose: Whose, api: JwksEndpoint, kakao_api: ModuleType) -> None:
    say(api, WELL | {"app_id": APP + 1})
    with pytest.raises(errors.InvalidKakaoTokenError):
        whose(access_token="token")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"msg": "this access token does not exist", "code": -401}, "invalid_token"),
        (401, b"", "invalid_token"),
        (400, {"msg": "NotRegisteredUserException", "code": -101}, "invalid_token"),
        (400, {"msg": "not existing user", "code": -103}, "invalid_token"),
        (400, {"msg": "API limit has been exceeded.", "code": -10}, "kakao_throttled"),
        (400, {"msg": "too many", "code": -11}, "kakao_throttled"),
        (429, b"", "kakao_throttled"),
        (400, {"msg": "a code that Kakao has not had so far", "code": -9999}, "kakao_unavailable"),
        (401, {"msg": "a code that Kakao has not had so far", "code": -9999}, "invalid_token"),
        (429, {"msg": "a code that Kakao has not had so far", "code": -9999}, "kakao_throttled"),
        (400, {"msg": "no number", "code": "-401"}, "kakao_unavailable"),
        (400, {"msg": "no integer", "code": -401.0}, "kakao_unavailable"),
        (400, {"msg": "no integer", "code": True}, "kakao_unavailable"),
        (400, {"msg": "no number", "code": [-401]}, "kakao_unavailable"),
        (401, {"msg": ["ip mismatched"], "code": -401}, "invalid_token"),
        (302, WELL, "kakao_unavailable"),
        (200, b"<!doctype html>", "kakao_unavailable"),
        (200, b"[" * 50_000, "kakao_unavailable"),
        (200, b"x" * 70_000, "kakao_unavailable"),
        (200, [WELL], "kakao_unavailable"),
        (200, {}, "kakao_unavailable"),
        (200, WELL | {"id": str(PERSON)}, "kakao_unavailable"),
        (200, WELL | {"id": True}, "kakao_unavailable"),
        (200, WELL | {"id": 0}, "kakao_unavailable"),
        (200, WELL | {"id": -1}, "kakao_unavailable"),
        (200, WELL | {"id": 2**63}, "kakao_unavailable"),
        (200, WELL | {"app_id": str(APP)}, "kakao_unavailable"),
        (200, WELL | {"app_id": float(APP)}, "kakao_unavailable"),
        (200, {"id": PERSON}, "kakao_unavailable"),
    ],
    ids=lambda value: None if isinstance(value, (bytes, dict, list)) else str(value),
)
def test_an_error_or_unreadable_response_of_kakao_gives_a_reason_and_no_id(
    whose: Whose, api: JwksEndpoint, kakao_api: ModuleType, status: int, body: Any, code: str
) -> None:
    say(api, body, status)
    with pytest.raises(errors.KakaoError) as failed:
        whose(access_token="token")
    assert failed.value.code == code


# Kakao's own table, common and Kakao Login: https://developers.kakao.com/docs/latest/ko/rest-api/error-code and
# /kakaologin/trouble-shooting. Its codes for images, messages and payments do not apply to the requests here.
KAKAOS_CODES = {
    -1: (400, "kakao_unavailable"),
    -2: (400, "invalid_token"),
    -3: (403, "kakao_misconfigured"),
    -4: (403, "kakao_account_restricted"),
    -5: (403, "kakao_misconfigured"),
    -6: (403, "kakao_misconfigured"),
    -7: (400, "kakao_unavailable"),
    -8: (400, "invalid_token"),
    -9: (400, "kakao_misconfigured"),
    -10: (400, "kakao_throttled"),
    -11: (400, "kakao_throttled"),
    -12: (403, "kakao_misconfigured"),
    -101: (400, "invalid_token"),
    -102: (400, "kakao_misconfigured"),
    -103: (400, "invalid_token"),
    -201: (400, "kakao_misconfigured"),
    -401: (401, "invalid_token"),
    -402: (403, "kakao_consent_required"),
    -405: (401, "kakao_under_age"),
    -406: (401, "kakao_under_age"),
    -603: (400, "kakao_too_slow"),
    -903: (400, "invalid_token"),
    -9798: (503, "kakao_unavailable"),
}


@pytest.mark.parametrize("number", KAKAOS_CODES)
def test_each_error_code_of_kakao_has_one_error_and_a_refused_app_is_ours_only_after_kakao_named_it(
    whose: Whose,
    claims: Claims,
    api: JwksEndpoint,
    kakao_api: ModuleType,
    number: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    status, code = KAKAOS_CODES[number]
    say(api, {"msg": "canary", "code": number}, status)
    refuses_app = code == "kakao_misconfigured"
    for ask, expected, level in ((whose, "invalid_token", "WARNING"), (claims, code, "ERROR")):
        caplog.clear()
        with pytest.raises(errors.KakaoError) as failed:
            ask(access_token="token")
        assert failed.value.code == (expected if refuses_app else code)
        logged = [vars(record) for record in caplog.records]
        assert [(line["levelname"], line["kakao"]) for line in logged] == ([(level, number)] if refuses_app else [])
        assert "canary" not in repr(logged)


def test_the_table_shows_every_error_code_that_is_handled() -> None:
    assert {code: error.code for code, error in kakao_client.ERRORS.items()} == {
        code: answer for code, (_, answer) in KAKAOS_CODES.items()
    }


def test_an_ip_restriction_is_a_logged_misconfiguration_and_a_warning_until_kakao_has_named_our_app(
    whose: Whose, claims: Claims, api: JwksEndpoint, kakao_api: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    say(api, {"msg": "ip mismatched! callerIp=192.0.2.1. check out registered ips.", "code": -401}, 401)
    with pytest.raises(errors.InvalidKakaoTokenError):
        whose(access_token="token")
    with pytest.raises(errors.KakaoMisconfiguredError):  # after the app has been found to be ours
        claims(access_token="token")
    for line, level in zip(caplog.records, ("WARNING", "ERROR"), strict=True):
        assert (line.levelname, line.message, vars(line)["reason"]) == (level, "kakao_misconfigured", "ip_mismatched")
        assert "192.0.2.1" not in repr(vars(line))


def test_a_timeout_of_kakao_is_kakao_too_slow(whose: Whose, api: JwksEndpoint, kakao_api: ModuleType) -> None:
    api.silent = True
    with pytest.raises(errors.KakaoTooSlowError):
        whose(seconds=0.1, access_token="token")


def test_after_the_deadline_no_request_is_sent_to_kakao(whose: Whose, api: JwksEndpoint, kakao_api: ModuleType) -> None:
    with pytest.raises(errors.KakaoTooSlowError):
        whose(seconds=0, access_token="token")
    assert api.asked == []


def test_an_https_address_is_requested_over_tls(kakao_api: ModuleType, api: JwksEndpoint) -> None:
    at = api.url.replace("http:", "https:").partition("/pool/")[0]
    with pytest.raises(errors.KakaoUnavailableError):
        kakao_api.KakaoApi(at, app_id=APP, id_tokens=None).user_id(
            kakao_api.Credential(access_token="token"), deadline=time.monotonic() + 5
        )
    assert api.asked == []


def test_a_refused_connection_to_kakao_is_kakao_unavailable(kakao_api: ModuleType) -> None:
    nowhere = kakao_api.KakaoApi("http://127.0.0.1:1", app_id=APP, id_tokens=None)
    with pytest.raises(errors.KakaoUnavailableError):
        nowhere.user_id(kakao_api.Credential(access_token="token"), deadline=time.monotonic() + 5)


@pytest.mark.parametrize("token", ["", "two words", "line\r\nhost: evil.example", "토큰", "=", "a,b"])
def test_a_malformed_access_token_is_not_sent_to_kakao(
    whose: Whose, api: JwksEndpoint, kakao_api: ModuleType, token: str
) -> None:
    with pytest.raises(errors.InvalidKakaoTokenError):
        whose(access_token=token)
    assert api.asked == []


# ID tokens


@pytest.mark.parametrize("key", ["rest-api-key", "native-app-key"])
def test_an_id_token_of_one_of_our_keys_gives_its_user_without_a_request_to_the_api(
    whose: Whose, api: JwksEndpoint, key: str
) -> None:
    assert whose(id_token=id_token(aud=key)) == str(PERSON)
    assert api.asked == []


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "key-of-another-app"},
        {"aud": ["rest-api-key"]},
        {"aud": ...},
        {"iss": "https://kauth.kakao.com.evil.example"},
        {"iss": ...},
        {"exp": 1},
        {"exp": ...},
        {"nonce": "the nonce", "iat": ...},
        {"sub": ...},
        {"sub": ""},
    ],
    ids=lambda claims: "-".join(claims),
)
def test_an_id_token_of_another_app_or_an_expired_one_is_refused(
    whose: Whose, kakao_api: ModuleType, claims: dict[str, Any]
) -> None:
    with pytest.raises(errors.InvalidKakaoTokenError):
        whose(id_token=id_token(**claims))


@pytest.mark.parametrize(("age", "counts"), [(0, True), (300, True), (325, True), (335, False), (6 * 3600, False)])
def test_an_id_token_is_accepted_for_five_minutes_after_its_issue(
    whose: Whose, claims: Claims, kakao_api: ModuleType, age: int, counts: bool
) -> None:
    """Clocks may differ by another 30 seconds. Kakao sets an expiry of hours, and has no API to check a token."""
    token = id_token(iat=int(time.time()) - age, exp=int(time.time()) + 3600)
    for asked in (whose, claims):
        with nullcontext() if counts else pytest.raises(errors.InvalidKakaoTokenError):
            asked(id_token=token)


def test_a_forged_id_token_is_refused(whose: Whose, kakao_api: ModuleType) -> None:
    token = id_token()
    head, body, _ = token.split(".")
    _, _, anothers = id_token(sub="2").split(".")
    for forged in (f"{head}.{body}.{anothers}", f"{head}.{body}.", token[:-6], "garbage"):
        with pytest.raises(errors.InvalidKakaoTokenError):
            whose(id_token=forged)


def test_an_id_token_with_an_unknown_key_id_is_invalid(whose: Whose, kakao_api: ModuleType) -> None:
    with pytest.raises(errors.InvalidKakaoTokenError):
        whose(id_token=user_pool.token("unknown", aud="rest-api-key"))


@pytest.mark.parametrize("status", [404, 500])
def test_an_id_token_is_refused_with_kakao_unavailable_while_kakaos_keys_are_missing(
    whose: Whose, endpoint: JwksEndpoint, kakao_api: ModuleType, status: int
) -> None:
    endpoint.status = status
    with pytest.raises(errors.KakaoUnavailableError):
        whose(id_token=id_token())


def test_a_timeout_of_kakaos_keys_is_kakao_too_slow(
    whose: Whose, endpoint: JwksEndpoint, kakao_api: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handlers import jwks

    monkeypatch.setattr(jwks, "TIMEOUT_SECONDS", 0.1)
    endpoint.silent = True
    with pytest.raises(errors.KakaoTooSlowError):
        whose(id_token=id_token())


def test_the_nonce_of_the_request_must_be_the_one_of_the_id_token(whose: Whose, kakao_api: ModuleType) -> None:
    assert whose(id_token=id_token(nonce="n"), nonce="n") == str(PERSON)
    assert whose(id_token=id_token(nonce="n")) == str(PERSON)
    for token in (id_token(nonce="another"), id_token()):
        with pytest.raises(errors.InvalidKakaoTokenError):
            whose(id_token=token, nonce="n")


def test_an_id_token_whose_sub_is_not_a_number_is_kakao_unavailable(whose: Whose, kakao_api: ModuleType) -> None:
    for sub in ("haneul", "01", "-1", "1.0", "1" * 20, "１"):
        with pytest.raises(errors.KakaoUnavailableError):
            whose(id_token=id_token(sub=sub))


def test_a_request_must_contain_exactly_one_token(whose: Whose, api: JwksEndpoint, kakao_api: ModuleType) -> None:
    both = {"access_token": "a", "id_token": id_token()}
    for credential in ({}, both, {"access_token": "a", "nonce": "n"}, {"nonce": "n"}):
        with pytest.raises(errors.InvalidKakaoTokenError):
            whose(**credential)
    assert api.asked == []


# The claims


def test_the_claims_of_an_access_token_come_from_kakaos_user_api(claims: Claims, api: JwksEndpoint) -> None:
    say(api, {"id": PERSON, "kakao_account": {"profile": {"nickname": "김하늘"}, **VERIFIED}})
    verified = {"email": EMAIL, "email_verified": True}
    assert claims(access_token="token") == {"sub": str(PERSON), "nickname": "김하늘"} | verified
    assert api.asked == ["/v2/user/me?secure_resource=true"]


@pytest.mark.parametrize("user", [{}, {"id": str(PERSON)}, {"id": True}, {"id": 0}, {"id": 2**63}], ids=str)
def test_a_user_without_a_valid_id_is_kakao_unavailable(
    claims: Claims, api: JwksEndpoint, user: dict[str, Any]
) -> None:
    say(api, user)
    with pytest.raises(errors.KakaoUnavailableError):
        claims(access_token="token")


def test_an_id_token_gives_a_nickname_and_no_e_mail(claims: Claims, api: JwksEndpoint) -> None:
    found = claims(id_token=id_token(nickname="김하늘", email=EMAIL))
    assert found == {"sub": str(PERSON), "nickname": "김하늘"}
    assert claims(id_token=id_token(nickname="")) == {"sub": str(PERSON)}
    assert api.asked == []


# The answer to the challenge


def test_a_credential_can_be_written_and_read_again_and_its_repr_hides_the_token(kakao_api: ModuleType) -> None:
    tokens: list[dict[str, str]] = [{"access_token": "canary"}, {"id_token": "canary", "nonce": "canary"}]
    for credential in [kakao_api.Credential(**token) for token in [*tokens, tokens[0] | tokens[1]]]:
        assert kakao_api.Credential.from_text(credential.as_text()) == credential
        assert "canary" not in repr(credential)


@pytest.mark.parametrize(
    "answer", [None, "", "token", "[]", "[" * 100_000, '{"access_token": 1}', '{"password": "p"}', b"{}"]
)
def test_an_invalid_answer_to_the_challenge_is_refused(kakao_api: ModuleType, answer: Any) -> None:
    with pytest.raises(errors.InvalidKakaoTokenError):
        kakao_api.Credential.from_text(answer)
