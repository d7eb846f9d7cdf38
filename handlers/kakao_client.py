"""A client for the user API of Kakao: whose an access token is, and what Kakao tells of the user.

Source: https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api, /kakaologin/trouble-shooting and
/rest-api/error-code.
"""

import logging
import re
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from handlers import contract, http_client
from handlers.errors import (
    InvalidKakaoTokenError,
    KakaoConsentError,
    KakaoError,
    KakaoMisconfiguredError,
    KakaoRestrictedError,
    KakaoThrottledError,
    KakaoTooSlowError,
    KakaoUnavailableError,
    KakaoUnderAgeError,
)
from handlers.json_text import json_object

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 1.0
MAX_RESPONSE_BYTES = 64 * 1024
BEARER_PATTERN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
ID_PATTERN = re.compile(contract.KAKAO_ID_PATTERN)
MAX_ID = 2**63 - 1

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


class KakaoClient:
    """The user API at `url`. A deadline is a moment of `time.monotonic()`. Every method raises KakaoError.

    A refusal of the token's app by Kakao does not name the app, and other Kakao apps can be restricted too. So until
    `token_user_id` has found our app, such a refusal is InvalidKakaoTokenError and a warning, and rings no alarm.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def token_user_id(self, access_token: str, *, app_id: int, deadline: float) -> str:
        """GET /v1/user/access_token_info: return the Kakao ID of the token's user, if it is a token of this app."""
        info = self._get("/v1/user/access_token_info", access_token, deadline, is_for_our_app=False)
        if not (type(info.get("id")) is int and type(info.get("app_id")) is int):
            raise KakaoUnavailableError
        if info["app_id"] != app_id:
            raise InvalidKakaoTokenError
        return checked_id(str(info["id"]))

    def user(self, access_token: str, *, deadline: float, is_for_our_app: bool = True) -> Mapping[str, Any]:
        """GET /v2/user/me: return what Kakao tells of the token's user. `handlers/kakao_attributes.py` reads it."""
        path = "/v2/user/me?secure_resource=true"  # addresses of pictures with https
        user = self._get(path, access_token, deadline, is_for_our_app)
        if type(user.get("id")) is not int:
            raise KakaoUnavailableError
        checked_id(str(user["id"]))
        return user

    def _get(self, path: str, access_token: str, deadline: float, is_for_our_app: bool) -> dict[str, Any]:
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
            response = json_object(body)
        except ValueError:
            raise _error(status, {}, is_for_our_app) from None
        if status != 200:
            raise _error(status, response, is_for_our_app)
        return response


def _error(status: int, response: Mapping[str, Any], is_for_our_app: bool) -> KakaoError:
    """Return the error that a response of Kakao means; log one that only the app's team can end."""
    code, message = response.get("code"), response.get("msg")
    known = ERRORS.get(code) if type(code) is int else None
    reason = "refused"
    if code == -401 and isinstance(message, str) and IP_MISMATCH in message:
        known, reason = KakaoMisconfiguredError, "ip_mismatched"
    if known is KakaoMisconfiguredError:
        if is_for_our_app:
            log.error(contract.LOG_KAKAO_MISCONFIGURED, extra={"reason": reason, "kakao": code})
            return KakaoMisconfiguredError()
        log.warning(contract.LOG_KAKAO_MISCONFIGURED, extra={"reason": reason, "kakao": code})
        return InvalidKakaoTokenError()
    return (known or ERRORS_BY_STATUS.get(status, KakaoUnavailableError))()


def checked_id(text: str) -> str:
    """Return the Kakao ID; raise KakaoUnavailableError where it is none. Only Kakao itself can have written it."""
    if not ID_PATTERN.fullmatch(text) or int(text) > MAX_ID:
        raise KakaoUnavailableError
    return text
