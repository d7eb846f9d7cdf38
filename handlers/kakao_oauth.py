"""Kakao's authorization server for the web: the consent screen, and the code that comes back from it.

Source: https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api and /kakaologin/trouble-shooting; the discovery
document at https://kauth.kakao.com/.well-known/openid-configuration names client_secret_post and S256.
"""

import re
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import quote, urlencode

from handlers import http_client
from handlers.errors import SignInFailedError
from handlers.token_set import json_object

CONNECT_TIMEOUT_SECONDS = 2.0
MAX_RESPONSE_BYTES = 64 * 1024
KOE_PATTERN = re.compile(r"KOE[0-9]{3}")

# Kakao's code of an error → the page. Any other code is "unavailable", with the code in the log.
KINDS: Mapping[str, str] = {
    "KOE004": "misconfigured_kakao",  # Kakao Login is off
    "KOE005": "misconfigured_kakao",  # a test app, and the user is no member of it
    "KOE006": "misconfigured_redirect",
    "KOE008": "misconfigured_secret",  # another kind of key
    "KOE010": "misconfigured_secret",
    "KOE101": "misconfigured_secret",
    "KOE237": "throttled",  # too many tokens for one user
    "KOE303": "misconfigured_redirect",
    "KOE320": "login_expired",  # the code is used, expired or unknown, or the verifier is another one
}


class KakaoTokens(NamedTuple):
    """What Kakao gives for a code. The ID token is unverified."""

    access_token: str
    id_token: str


class KakaoOauth(NamedTuple):
    """The endpoints for one app, whose REST API key and secret these are. `scopes` are separated by spaces."""

    authorize_endpoint: str
    token_endpoint: str
    client_id: str
    client_secret: str
    scopes: str

    def authorize_url(self, request: Mapping[str, str]) -> str:
        """Return the address of the consent screen for a request with state, nonce and PKCE."""
        parameters = {**request, "client_id": self.client_id, "scope": self.scopes}
        return f"{self.authorize_endpoint}?{urlencode(parameters, quote_via=quote)}"

    def redeem(self, code: str, *, verifier: str, redirect_uri: str, deadline: float) -> KakaoTokens:
        """POST /oauth/token: exchange a code, once. `deadline` is of `time.monotonic()`. Raises SignInFailedError."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uri": redirect_uri,
            "code": code,
            "code_verifier": verifier,
        }
        try:
            status, body = http_client.request(
                "POST",
                self.token_endpoint,
                headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
                body=urlencode(form),
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                timeout=deadline - time.monotonic(),
                max_bytes=MAX_RESPONSE_BYTES,
            )
        except TimeoutError:
            raise SignInFailedError("too_slow", "no answer of Kakao in time") from None
        except (OSError, HTTPException) as error:
            raise SignInFailedError("unavailable", type(error).__name__) from None
        try:
            response = json_object(body)
        except ValueError:
            response = {}
        if status != 200:
            raise _failure(status, response)
        access_token, id_token = response.get("access_token"), response.get("id_token")
        if not isinstance(access_token, str):
            raise SignInFailedError("unavailable", "the answer makes no sense")
        if not isinstance(id_token, str):
            raise SignInFailedError("misconfigured_openid")
        return KakaoTokens(access_token, id_token)


def _failure(status: int, response: Mapping[str, object]) -> SignInFailedError:
    code = response.get("error_code")
    if isinstance(code, str) and KOE_PATTERN.fullmatch(code):
        return SignInFailedError(KINDS.get(code, "unavailable"), code)
    if status == 429:
        return SignInFailedError("throttled", "status 429")
    if status in (400, 401) and response.get("error") == "invalid_grant":  # RFC 6749 section 5.2
        return SignInFailedError("login_expired", "invalid_grant")
    return SignInFailedError("unavailable", f"status {status}")
