"""Errors of Cognito at the callback, and the page for each.

The texts are those that users of Cognito have reported, as far as they can occur with Kakao.
"""

import json
import logging
import re
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import pages
from sandbox.program import ROOT
from tests.handlers.web_client import Client

INVALID, DENIED = "invalid_request", "access_denied"
SAID: list[tuple[str, str, str]] = [
    # The user
    (DENIED, "User denied access", "cancelled"),
    (INVALID, "User is not enabled", "disabled"),
    (DENIED, "User is disabled", "disabled"),
    (INVALID, "User is disabled.", "disabled"),
    (INVALID, "User is not confirmed.", "not_confirmed"),
    (INVALID, "Already found an entry for username kakao_1000000001", "again"),
    (INVALID, "attributes required: [email]", "consent_missing"),
    (INVALID, "Invalid user attributes: email: The attribute is required", "consent_missing"),
    (INVALID, "Invalid user attributes: email: Invalid email address format.", "profile_refused"),
    (INVALID, "nickname: Attribute value length must not be longer than 2048", "profile_refused"),
    ("consent_required", "", "consent_missing"),
    ("consent_required", "user consent required.", "consent_missing"),
    (INVALID, "Kakao Error - 400 consent_required user consent required.", "consent_missing"),
    (INVALID, "Kakao Error - 400 login_required", "login_expired"),
    (INVALID, "Kakao Error - 400 access_denied User denied access", "cancelled"),
    ("interaction_required", "", "consent_missing"),
    ("login_required", "", "login_expired"),
    (INVALID, "Kakao Error - 400 invalid_grant authorization code not found", "login_expired"),
    # Triggers
    (INVALID, "PreSignUp failed with error no.", "refused"),
    (DENIED, "PreSignUp failed with error someone@example.com is not invited.", "refused"),
    (INVALID, "PreAuthentication failed with error no.", "refused"),
    (INVALID, "PreTokenGeneration failed with error not_allowed.", "refused"),
    (INVALID, "Kakao Error - 403 error getting userInfo", "refused"),
    (INVALID, "PreSignUp invocation failed due to error AccessDeniedException.", "misconfigured_trigger"),
    (INVALID, "PostConfirmation invocation failed due to error ResourceNotFoundException.", "misconfigured_trigger"),
    (INVALID, "PreSignUp invocation failed due to error Socket timeout while invoking Lambda function.", "too_slow"),
    (INVALID, "Invalid lambda function output : Invalid JSON", "misconfigured_trigger"),
    (INVALID, "Unrecognizable lambda output", "misconfigured_trigger"),
    # Load
    (INVALID, "TooManyRequestsException", "throttled"),
    (INVALID, "Rate exceeded", "throttled"),
    (INVALID, "Too many requests", "throttled"),
    (INVALID, "Kakao Error - 400 token request rate limit exceeded", "throttled"),
    (INVALID, "Kakao Error - 429 error getting userInfo", "throttled"),
    # Kakao does not answer
    (INVALID, "Kakao Error - 503 error getting token", "unavailable"),
    (INVALID, "Kakao Error - 200 error getting token", "unavailable"),
    (INVALID, "Kakao Error - 502 error getting userInfo", "unavailable"),
    (INVALID, "Kakao Error - 504 error getting userInfo", "too_slow"),
    (INVALID, "Kakao Error - 500 internal_server_error", "unavailable"),
    (INVALID, "Connection reset", "unavailable"),
    (INVALID, "Connection refused", "unavailable"),
    (INVALID, "Exception processing authorization code", "unavailable"),
    (INVALID, "Unable to contact well-known endpoint", "unavailable"),
    ("server_error", "", "unavailable"),
    ("server_error", "Internal error", "unavailable"),
    ("temporarily_unavailable", "", "unavailable"),
    (INVALID, "Timeout occurred in calling IdP token endpoint", "too_slow"),
    (INVALID, "Timeout in calling jwks uri", "too_slow"),
    (INVALID, "Read timed out", "too_slow"),
    # The sign-in is set up wrongly
    (INVALID, "Kakao Error - 401 invalid_client Unauthorized", "misconfigured_secret"),
    (INVALID, "Kakao Error - 401 Bad client credentials", "misconfigured_secret"),
    (INVALID, "Kakao Error - 401 error getting token", "misconfigured_secret"),
    (INVALID, "Kakao Error - 401 error getting userInfo", "misconfigured_user_info"),
    (INVALID, "Bad id_token issuer https://kauth.kakao.com/", "misconfigured_issuer"),
    (INVALID, "Bad id_token audience", "misconfigured_issuer"),
    (INVALID, "Kakao Error - 400 invalid_grant Redirect URI mismatch.", "misconfigured_redirect"),
    ("redirect_mismatch", "", "misconfigured_redirect"),
    (INVALID, "user.email: Attribute cannot be updated.\n", "misconfigured_attribute"),
    (INVALID, "Invalid ProviderName/Username combination. Please check again", "misconfigured_link"),
    ("unauthorized_client", "", "misconfigured_client"),
    ("invalid_scope", "", "misconfigured_client"),
    ("unsupported_response_type", "", "misconfigured_client"),
    # Whatever else
    ("access_denied_by_another_name", "", "failed"),
    (INVALID, "", "failed"),
    (INVALID, "<script>alert(1)</script>", "failed"),
    ("", "", "failed"),
]
STATUS = {
    "again": 409,
    "cancelled": 403,
    "consent_missing": 403,
    "disabled": 403,
    "failed": 400,
    "login_expired": 400,
    "not_confirmed": 403,
    "profile_refused": 400,
    "refused": 403,
    "throttled": 429,
    "too_slow": 504,
    "unavailable": 502,
}


@pytest.mark.parametrize(("error", "description", "kind"), SAID)
def test_each_known_error_of_cognito_has_its_page_and_status(
    session: ModuleType, caplog: pytest.LogCaptureFixture, error: str, description: str, kind: str
) -> None:
    caplog.set_level(logging.INFO)
    client = Client(session.handler)
    location = client.send("GET /api/auth/login", {"provider": "Kakao"})["headers"]["location"]
    (state,) = parse_qs(urlsplit(location).query)["state"]
    asked = {"error": error, "error_description": description, "state": state}
    head = client.send("HEAD /api/auth/callback", asked)
    answer = client.send("GET /api/auth/callback", asked)
    assert answer["statusCode"] == head["statusCode"] == STATUS.get(kind, 502), "an alarm counts 5xx"
    assert answer["body"] == pages.error(kind)["body"]
    assert client.cookies == {}
    *_, line = caplog.records
    assert (line.levelno >= logging.ERROR) is kind.startswith("misconfigured"), "the dashboard shows errors"
    assert line.__dict__["outcome"] == kind
    assert not description or len(description) < 5 or description not in json.dumps(line.__dict__, default=str)
    assert not kind.startswith("misconfigured") or line.__dict__["reason"] == pages.PAGES[kind].cause


def test_each_error_page_is_reached_by_a_reported_error() -> None:
    others = {"bad_link", "not_found", "token_too_large", "unexpected"}
    others |= {
        "misconfigured_kakao",
        "misconfigured_openid",
    }  # of a sign-in at Kakao itself, without errors of Cognito
    assert {kind for *_, kind in SAID} == set(pages.PAGES) - others
    assert len({description for _, description, _ in SAID}) >= 15


def test_each_error_page_is_korean_and_english_links_home_and_has_no_status_500_or_503() -> None:
    for kind, page in pages.PAGES.items():
        body = pages.error(kind)["body"]
        assert re.search("[가-힣]", page.title)
        assert re.search("[가-힣]", page.korean)
        assert f'<p lang="en">{page.english}</p>' in body
        assert page.english.isascii()
        assert '<a href="/">' in body
        # The distribution shows a page of its own in place of these (infra/site.py, ERROR_RESPONSES).
        assert kind == "unexpected" or page.status not in (500, 503)


def test_the_error_description_of_a_link_reaches_no_page_and_no_log(
    session: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for said in ("someone@example.com User is not enabled", "Bad id_token issuer someone@example.com"):
        client = Client(session.handler)
        location = client.send("GET /api/auth/login")["headers"]["location"]
        (state,) = parse_qs(urlsplit(location).query)["state"]
        asked = {"error": INVALID, "error_description": said, "state": state}
        assert "someone" not in json.dumps(client.send("GET /api/auth/callback", asked))
    assert "someone" not in "".join(json.dumps(record.__dict__, default=str) for record in caplog.records)


def test_faults_md_lists_each_error_text_of_cognito() -> None:
    rows = (ROOT / "docs" / "reference" / "faults.md").read_text()
    for _, description, _ in SAID:
        words = description.strip().rstrip(".")
        quoted = re.sub(r" (kakao_1000000001|no|not_allowed|https://\S+|someone@\S+ is not invited)$", "", words)
        assert f"`{quoted}`" in rows or quoted in ("", "<script>alert(1)</script>"), quoted
