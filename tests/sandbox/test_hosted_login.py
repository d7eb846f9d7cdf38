"""What Cognito's hosted login does and the emulator alone would not."""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from sandbox import hosted_login
from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox

pytestmark = pytest.mark.sandbox

VERIFIER = secrets.token_urlsafe(48)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def get(url: str, **parameters: str) -> requests.Response:
    return requests.get(f"{url}?{urlencode(parameters)}" if parameters else url, allow_redirects=False, timeout=10)


def parameters(response: requests.Response) -> dict[str, str]:
    return {key: value for key, (value,) in parse_qs(urlsplit(response.headers["Location"]).query).items()}


class App:
    """The app at the other end of the hosted login."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.login = sandbox.hosted_login
        self.callback = f"{sandbox.site}/api/auth/callback"
        self.client_id = sandbox.exports["clientId"]

    def authorize(self, **more: str) -> requests.Response:
        known = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.callback,
            "scope": "openid email profile",
            "state": "the-apps-state",
            "identity_provider": "Kakao",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return get(f"{self.login}/oauth2/authorize", **known | more)

    def consent(self, decision: str = "agree", **more: str) -> requests.Response:
        """Go to Kakao, decide there, and come back to the hosted login; return its answer."""
        at_kakao = self.authorize(**more).headers["Location"]
        form = {"person": PEOPLE[0].id, "consent": ["account_email", "profile_nickname"], "decision": decision}
        decided = requests.post(at_kakao, data=form, allow_redirects=False, timeout=10)
        return get(decided.headers["Location"])

    def code(self, **more: str) -> str:
        return parameters(self.consent(**more))["code"]

    def token(self, **form: str) -> requests.Response:
        known = {"client_id": self.client_id, "redirect_uri": self.callback}
        return requests.post(f"{self.login}/oauth2/token", data=known | form, timeout=10)

    def redeem(self, code: str, **form: str) -> requests.Response:
        return self.token(grant_type="authorization_code", code=code, **form)

    def revoke(self, **form: str) -> requests.Response:
        return requests.post(f"{self.login}/oauth2/revoke", data=form, timeout=10)


@pytest.fixture
def app(sandbox: Sandbox) -> App:
    return App(sandbox)


@pytest.fixture
def kakao(sandbox: Sandbox) -> Iterator[Any]:
    def switch(mode: str) -> None:
        body = {"mode": mode, "endpoints": ["/oauth/token"], "seconds": 2}
        requests.post(f"{sandbox.kakao}/_stand-in/mode", json=body, timeout=5).raise_for_status()

    yield switch
    switch("up")


def test_a_code_is_good_once_with_its_verifier(app: App) -> None:
    code = app.code()
    assert set(app.redeem(code, code_verifier=VERIFIER).json()) >= {"id_token", "access_token", "refresh_token"}
    assert app.redeem(code, code_verifier=VERIFIER).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("wrong", [{}, {"code_verifier": ""}, {"code_verifier": "A" * 64}])
def test_a_code_without_its_verifier_is_refused_and_spent(app: App, wrong: dict[str, str]) -> None:
    code = app.code()
    for attempt in (wrong, {"code_verifier": VERIFIER}):
        answer = app.redeem(code, **attempt)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_plain_challenge_is_refused(app: App) -> None:
    back = app.authorize(code_challenge=VERIFIER, code_challenge_method="plain")
    assert back.headers["Location"].startswith(app.callback)
    assert parameters(back)["error"] == "invalid_request"


def test_the_apps_state_comes_back(app: App) -> None:
    assert parameters(app.consent())["state"] == "the-apps-state"
    assert parameters(app.consent("cancel"))["state"] == "the-apps-state"


def test_a_cancelled_consent_goes_back_to_the_app(app: App) -> None:
    back = app.consent("cancel")
    assert back.headers["Location"].startswith(f"{app.callback}?")
    assert parameters(back)["error"] == "access_denied"


@pytest.mark.parametrize(
    ("mode", "description"),
    [
        ("down", "Kakao Error - 503 error getting token"),
        ("garbage", "Kakao Error - 200 error getting token"),
        ("slow", "Timeout occurred in calling IdP token endpoint"),
    ],
)
def test_a_failing_kakao_goes_back_to_the_app_in_cognitos_words(
    app: App, kakao: Any, mode: str, description: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted_login, "PROVIDER_SECONDS", 0.3)
    kakao(mode)
    back = parameters(app.consent())
    assert (back["error"], back["error_description"]) == ("invalid_request", description)


@pytest.mark.parametrize(
    "wrong", [{"client_id": "unknown"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": ""}]
)
def test_an_app_that_is_not_registered_is_never_redirected_to(app: App, wrong: dict[str, str]) -> None:
    answer = app.authorize(**wrong)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_provider_answer_that_nobody_asked_for_leads_nowhere(app: App) -> None:
    for query in ({"code": "c", "state": "unknown"}, {"error": "access_denied"}, {"code": "c"}):
        answer = get(f"{app.login}/oauth2/idpresponse", **query)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_a_revoked_refresh_token_gives_nothing_more(app: App) -> None:
    refresh_token = app.redeem(app.code(), code_verifier=VERIFIER).json()["refresh_token"]
    refresh = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    assert app.token(**refresh).status_code == 200
    revoked = app.revoke(token=refresh_token, client_id=app.client_id)
    assert (revoked.status_code, revoked.text) == (200, "")
    assert app.token(**refresh).json()["error"] == "invalid_grant"


def test_a_revocation_without_token_or_client_is_invalid(app: App) -> None:
    for form in ({}, {"token": "t"}, {"client_id": app.client_id}):
        answer = app.revoke(**form)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


@pytest.mark.parametrize("path", ["/", "/health", "/_ministack/reset", "/admin", "/2015-03-31/functions"])
def test_nothing_of_the_emulator_but_the_hosted_login_is_reached(app: App, path: str) -> None:
    assert get(app.login + path).status_code == 404


def test_the_id_token_tells_what_the_person_agreed_to(app: App) -> None:
    tokens = app.redeem(app.code(nonce="the-nonce"), code_verifier=VERIFIER).json()
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["nonce"] == "the-nonce"
    assert claims["cognito:username"] == f"Kakao_{PEOPLE[0].id}"
    assert (claims["email"], claims["nickname"]) == (PEOPLE[0].email, PEOPLE[0].nickname)
    assert claims["email_verified"] in (True, "true")
