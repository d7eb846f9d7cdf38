"""A client for the Kakao API: it asks whose a Kakao token is, and what Kakao tells of the user.

Source: https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api, /kakaologin/trouble-shooting and
/rest-api/error-code.
"""

import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from handlers import contract, http_client
from handlers.email_address import is_email
from handlers.errors import (
    InvalidKakaoTokenError,
    InvalidTokenError,
    JwksTooSlowError,
    KakaoConsentError,
    KakaoError,
    KakaoMisconfiguredError,
    KakaoRestrictedError,
    KakaoThrottledError,
    KakaoTooSlowError,
    KakaoUnavailableError,
    KakaoUnderAgeError,
    UnknownKeyError,
)
from handlers.id_token import IdTokenVerifier
from handlers.web import LONE_SURROGATE

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 1.0
MAX_RESPONSE_BYTES = 64 * 1024
BEARER_PATTERN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
ID_PATTERN = re.compile(r"[1-9][0-9]{0,18}")
MAX_ID = 2**63 - 1
# Kakao allows about 20 characters. With 128 an ID token fits into a cookie, however Cognito writes the nickname.
MAX_NICKNAME_LENGTH = 128
# Kakao's ID tokens expire after hours, and Kakao has no API that tells whether one has been revoked.
MAX_ID_TOKEN_AGE_SECONDS = 300

# Kakao's error code → the error. Codes of APIs that are not called here, such as messages, are left out.
ERRORS: Mapping[int, type[KakaoError]] = {
    -1: KakaoUnavailableError,  # an error inside Kakao
    -2: InvalidKakaoTokenError,  # a parameter of another shape; the token is the only parameter
    -3: KakaoMisconfiguredError,  # a feature that is not switched on
    -4: KakaoRestrictedError,
    -5: KakaoMisconfiguredError,  # no permission for the API
    -6: KakaoMisconfiguredError,  # an action that Kakao does not allow
    -7: KakaoUnavailableError,  # maintenance
    -8: InvalidKakaoTokenError,  # a header of another shape; the token's is the only one that varies
    -9: KakaoMisconfiguredError,  # an API that has ended
    -10: KakaoThrottledError,  # quota
    -11: KakaoThrottledError,  # daily or monthly limit
    -12: KakaoMisconfiguredError,  # the app or its developer is suspended
    -101: InvalidKakaoTokenError,  # not connected to our app
    -102: KakaoMisconfiguredError,  # connected already: an answer to the sign-up API alone
    -103: InvalidKakaoTokenError,  # dormant, or no account any more
    -201: KakaoMisconfiguredError,  # an unknown user property
    -401: InvalidKakaoTokenError,
    -402: KakaoConsentError,
    -405: KakaoUnderAgeError,  # the age has to be shown first (in the constants of Kakao's older Android SDK)
    -406: KakaoUnderAgeError,
    -603: KakaoTooSlowError,  # a time-out inside Kakao
    -903: InvalidKakaoTokenError,  # the token of an app whose developer is not registered
    -9798: KakaoUnavailableError,  # maintenance
}
# Where the error code is unknown.
ERRORS_BY_STATUS: Mapping[int, type[KakaoError]] = {401: InvalidKakaoTokenError, 429: KakaoThrottledError}
# If the app has a list of allowed IP addresses, Kakao says so under the code of a token that does not exist.
IP_MISMATCH = "ip mismatched"


@dataclass(frozen=True, repr=False)
class Credential:
    """A token that an app received from Kakao: an access token, or an ID token with the nonce that it must have."""

    access_token: str | None = None
    id_token: str | None = None
    nonce: str | None = None

    def as_text(self) -> str:
        """Return the answer to Cognito's challenge, as JSON."""
        return json.dumps({name: value for name, value in vars(self).items() if value is not None})

    @classmethod
    def from_text(cls, text: object) -> "Credential":
        """Read an answer to Cognito's challenge; raise InvalidKakaoTokenError where `as_text` cannot have made it."""
        try:
            fields = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict) or not set(fields) <= {"access_token", "id_token", "nonce"}:
            raise InvalidKakaoTokenError
        if not all(isinstance(value, str) for value in fields.values()):
            raise InvalidKakaoTokenError
        return cls(**fields)


@dataclass(frozen=True)
class Profile:
    """What Kakao tells of a user. `email` is None where Kakao does not call it valid and verified."""

    nickname: str | None = None
    email: str | None = None


class KakaoApi:
    """The Kakao API at `url`, for the app `app_id`. `id_tokens` verifies ID tokens of the app.

    A deadline is a moment of `time.monotonic()`. Keys that have to be fetched have two seconds of their own. An ID
    token is accepted for `max_id_token_age` seconds from its `iat`.
    """

    def __init__(
        self,
        url: str,
        *,
        app_id: int,
        id_tokens: IdTokenVerifier,
        max_id_token_age: int = MAX_ID_TOKEN_AGE_SECONDS,
    ) -> None:
        self._url = url
        self._app_id = app_id
        self._id_tokens = id_tokens
        self._max_id_token_age = max_id_token_age

    def user_id(self, credential: Credential, *, deadline: float) -> str:
        """Return the Kakao ID, in decimal digits, of the user whose token it is; raise KakaoError.

        An access token: GET /v1/user/access_token_info, which names the app too. An ID token: its claims.
        """
        match credential:
            case Credential(access_token=str(token), id_token=None, nonce=None):
                info = self._get("/v1/user/access_token_info", token, deadline)
                if not (type(info.get("id")) is int and type(info.get("app_id")) is int):
                    raise KakaoUnavailableError
                if info["app_id"] != self._app_id:
                    raise InvalidKakaoTokenError
                return _checked_id(str(info["id"]))
            case Credential(access_token=None, id_token=str(token)):
                claims = self._claims(token)
                if credential.nonce is not None and claims.get("nonce") != credential.nonce:
                    raise InvalidKakaoTokenError
                return _checked_id(claims["sub"])
        raise InvalidKakaoTokenError

    def profile(self, credential: Credential, *, deadline: float) -> Profile:
        """Return the profile of the user of a token that `user_id` has accepted; raise KakaoError.

        An access token: GET /v2/user/me. An ID token does not say whether its e-mail is verified, so the e-mail is
        ignored.
        """
        if credential.id_token is not None:
            return Profile(nickname=_nickname(self._claims(credential.id_token).get("nickname")))
        account = self._get("/v2/user/me", credential.access_token or "", deadline).get("kakao_account")
        if not isinstance(account, dict):
            return Profile()
        profile = account.get("profile")
        nickname = _nickname(profile.get("nickname")) if isinstance(profile, dict) else None
        trusted = account.get("is_email_valid") is True and account.get("is_email_verified") is True
        email = account.get("email") if trusted else None
        return Profile(nickname, email if isinstance(email, str) and is_email(email) else None)

    def _claims(self, id_token: str) -> Mapping[str, Any]:
        try:
            claims = self._id_tokens.verify(id_token)
        except UnknownKeyError as error:
            if error.failure is None:
                raise InvalidKakaoTokenError from None
            too_slow = isinstance(error.failure, JwksTooSlowError)
            raise (KakaoTooSlowError if too_slow else KakaoUnavailableError) from None
        except InvalidTokenError:
            raise InvalidKakaoTokenError from None
        if time.time() - claims["iat"] > self._max_id_token_age + contract.CLOCK_SKEW_SECONDS:
            raise InvalidKakaoTokenError
        return claims

    def _get(self, path: str, access_token: str, deadline: float) -> dict[str, Any]:
        if not BEARER_PATTERN.fullmatch(access_token):
            raise InvalidKakaoTokenError
        try:
            status, body = http_client.request(
                "GET",
                self._url + path,
                headers={"authorization": f"Bearer {access_token}", "accept": "application/json"},
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                timeout=deadline - time.monotonic(),
                max_bytes=MAX_RESPONSE_BYTES,
            )
        except TimeoutError:
            raise KakaoTooSlowError from None
        except (OSError, HTTPException):
            raise KakaoUnavailableError from None
        try:
            response = json.loads(body)
        except (ValueError, RecursionError):
            response = None
        if status != 200 or not isinstance(response, dict):
            raise _error(status, response if isinstance(response, dict) else {})
        return response


def _error(status: int, response: Mapping[str, Any]) -> KakaoError:
    """Return the error that a response of Kakao means; log one that only the team can end."""
    code, message = response.get("code"), response.get("msg")
    if code == -401 and isinstance(message, str) and IP_MISMATCH in message:
        log.error("kakao_misconfigured", extra={"reason": "ip_mismatched", "kakao": code})
        return KakaoMisconfiguredError()
    known = ERRORS.get(code) if type(code) is int else None
    if known is KakaoMisconfiguredError:
        log.error("kakao_misconfigured", extra={"reason": "refused", "kakao": code})
    return (known or ERRORS_BY_STATUS.get(status, KakaoUnavailableError))()


def _checked_id(text: str) -> str:
    """Return the Kakao ID; raise KakaoUnavailableError where it is none. Only Kakao itself can have written it."""
    if not ID_PATTERN.fullmatch(text) or int(text) > MAX_ID:
        raise KakaoUnavailableError
    return text


def _nickname(value: object) -> str | None:
    """Return the nickname, or None where Cognito cannot store it."""
    valid = isinstance(value, str) and 0 < len(value) <= MAX_NICKNAME_LENGTH and not LONE_SURROGATE.search(value)
    return str(value) if valid else None
