"""Whether a Kakao token is one that Kakao gave to our app, and whose it is.

Source: https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api, /kakaologin/trouble-shooting and
/rest-api/error-code.
"""

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from handlers import contract
from handlers.email_address import is_email
from handlers.jwks import Jwks, JwksTooSlowError
from handlers.outgoing import exchange
from handlers.tokens import LEEWAY, IdTokens, InvalidTokenError, UnknownKeyError
from handlers.web import HALF_CHARACTER

log = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
LARGEST = 64 * 1024
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
ID = re.compile(r"[1-9][0-9]{0,18}")
LARGEST_ID = 2**63 - 1
PROVIDER = contract.PROVIDER
USER_NAME = re.compile(r"kakao-[1-9][0-9]{0,18}", re.ASCII | re.IGNORECASE)  # ASCII: U+212A is no K here
# Kakao allows about 20. However Cognito writes it into an ID token, the token stays below a cookie's 4,096 bytes.
LONGEST_NICKNAME = 128
MAX_ID_TOKEN_AGE = 300  # seconds; Kakao's ID tokens expire after hours, and it cannot be asked whether one still counts


class KakaoError(Exception):
    """Kakao does not vouch for the token. The text is a code of ours: it may be logged and shown."""

    code = "kakao_unavailable"

    def __init__(self) -> None:
        super().__init__(self.code)


class InvalidKakaoTokenError(KakaoError):
    """It is no token of our app's, or not any more."""

    code = "invalid_token"


class ThrottledError(KakaoError):
    """Our app has used up its quota at Kakao."""

    code = "kakao_throttled"


class UnavailableError(KakaoError):
    """Kakao is down, or its answer makes no sense."""


class MisconfiguredError(KakaoError):
    """Kakao refuses our app's calls until somebody changes the app's settings. A log line names the cause."""

    code = "kakao_misconfigured"


class UnderAgeError(KakaoError):
    """The app is closed to users under 14, or to users whose age Kakao does not know."""

    code = "kakao_under_age"


class RestrictedError(KakaoError):
    """Kakao has restricted the user's account."""

    code = "kakao_account_restricted"


class ConsentError(KakaoError):
    """The user has not agreed to a consent item that the app requires."""

    code = "kakao_consent_required"


class TooSlowError(KakaoError):
    """Kakao did not answer in time."""

    code = "kakao_too_slow"


# Kakao's codes for the API → what each means here. The others concern APIs that nobody calls here: images, messages.
ERRORS: Mapping[int, type[KakaoError]] = {
    -1: UnavailableError,  # an error inside Kakao
    -2: InvalidKakaoTokenError,  # a parameter of another shape; the token is the only one that we send
    -3: MisconfiguredError,  # a feature that is not switched on
    -4: RestrictedError,
    -5: MisconfiguredError,  # no permission for the API
    -6: MisconfiguredError,  # an action that Kakao does not allow
    -7: UnavailableError,  # maintenance
    -8: InvalidKakaoTokenError,  # a header of another shape; the token's is the only one of ours
    -9: MisconfiguredError,  # an API that has ended
    -10: ThrottledError,  # quota
    -11: ThrottledError,  # daily or monthly limit
    -12: MisconfiguredError,  # the app or its developer is suspended
    -101: InvalidKakaoTokenError,  # not connected to our app
    -102: MisconfiguredError,  # connected already: an answer to the sign-up API alone
    -103: InvalidKakaoTokenError,  # dormant, or no account any more
    -201: MisconfiguredError,  # an unknown user property
    -401: InvalidKakaoTokenError,
    -402: ConsentError,
    -405: UnderAgeError,  # the age has to be shown first (in the constants of Kakao's older Android SDK)
    -406: UnderAgeError,
    -603: TooSlowError,  # a time-out inside Kakao
    -903: InvalidKakaoTokenError,  # the token of an app whose developer is not registered
    -9798: UnavailableError,  # maintenance
}
BY_STATUS: Mapping[int, type[KakaoError]] = {401: InvalidKakaoTokenError, 429: ThrottledError}  # without a known code
# Kakao says so of an app with a list of allowed IP addresses, under the code of a token that does not exist.
IP_MISMATCH = "ip mismatched"


@dataclass(frozen=True, repr=False)
class Credential:
    """What an app received from Kakao: one of the two tokens, and the nonce that its ID token has to have, if any."""

    access_token: str | None = None
    id_token: str | None = None
    nonce: str | None = None

    def as_text(self) -> str:
        """Return it as the answer to Cognito's challenge."""
        return json.dumps({name: value for name, value in vars(self).items() if value is not None})

    @classmethod
    def from_text(cls, text: object) -> "Credential":
        """Return what an answer holds; raise InvalidKakaoTokenError where anybody else has made it up."""
        try:
            found = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not set(found) <= {"access_token", "id_token", "nonce"}:
            raise InvalidKakaoTokenError
        if not all(isinstance(value, str) for value in found.values()):
            raise InvalidKakaoTokenError
        return cls(**found)


@dataclass(frozen=True)
class Profile:
    """What Kakao tells of a person; None where it is withheld, or Kakao does not vouch for the e-mail."""

    nickname: str | None = None
    email: str | None = None


class Kakao:
    """Asks Kakao about tokens: its API at `api`, its OpenID Connect as `id_tokens` knows it.

    A deadline is a moment of `time.monotonic()`; keys that are not at hand have two seconds of their own. An ID token
    counts for `max_age` seconds after Kakao issued it.
    """

    def __init__(self, *, api: str, app_id: int, id_tokens: IdTokens, max_age: int = MAX_ID_TOKEN_AGE) -> None:
        self._api = api
        self._app_id = app_id
        self._id_tokens = id_tokens
        self._max_age = max_age

    def person(self, credential: Credential, *, deadline: float) -> str:
        """Return the id, in decimal digits, of whom Kakao gave the token to for our app; else raise KakaoError."""
        match credential:
            case Credential(access_token=str(token), id_token=None, nonce=None):
                info = self._ask("/v1/user/access_token_info", token, deadline)
                if not (type(info.get("id")) is int and type(info.get("app_id")) is int):
                    raise UnavailableError
                if info["app_id"] != self._app_id:
                    raise InvalidKakaoTokenError
                return _known_id(str(info["id"]))
            case Credential(access_token=None, id_token=str(token)):
                claims = self._claims(token)
                if credential.nonce is not None and claims.get("nonce") != credential.nonce:
                    raise InvalidKakaoTokenError
                return _known_id(claims["sub"])
        raise InvalidKakaoTokenError

    def profile(self, credential: Credential, *, deadline: float) -> Profile:
        """Return what a token that was proved ours tells of its person; else raise KakaoError.

        An ID token has no word on whether its e-mail is verified, so that none is taken from it.
        """
        if credential.id_token is not None:
            return Profile(nickname=_nickname(self._claims(credential.id_token).get("nickname")))
        account = self._ask("/v2/user/me", credential.access_token or "", deadline).get("kakao_account")
        if not isinstance(account, dict):
            return Profile()
        profile = account.get("profile")
        nickname = _nickname(profile.get("nickname")) if isinstance(profile, dict) else None
        vouched = account.get("is_email_valid") is True and account.get("is_email_verified") is True
        email = account.get("email") if vouched else None
        return Profile(nickname, email if isinstance(email, str) and is_email(email) else None)

    def _claims(self, id_token: str) -> Mapping[str, Any]:
        try:
            claims = self._id_tokens.claims(id_token)
        except UnknownKeyError as error:
            if error.failure is None:
                raise InvalidKakaoTokenError from None
            raise (TooSlowError if isinstance(error.failure, JwksTooSlowError) else UnavailableError) from None
        except InvalidTokenError:
            raise InvalidKakaoTokenError from None
        if time.time() - claims["iat"] > self._max_age + LEEWAY:
            raise InvalidKakaoTokenError
        return claims

    def _ask(self, path: str, access_token: str, deadline: float) -> dict[str, Any]:
        if not BEARER.fullmatch(access_token):
            raise InvalidKakaoTokenError
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/json"}
        try:
            status, body = exchange(
                "GET",
                self._api + path,
                headers=headers,
                connect_seconds=CONNECT_SECONDS,
                seconds=deadline - time.monotonic(),
                largest=LARGEST,
            )
        except TimeoutError:
            raise TooSlowError from None
        except (OSError, HTTPException):
            raise UnavailableError from None
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if status != 200 or not isinstance(answer, dict):
            raise _error(status, answer if isinstance(answer, dict) else {})
        return answer


def _error(status: int, answer: Mapping[str, Any]) -> KakaoError:
    """Return the error that an answer of Kakao's stands for; log one that only the app's owner can end."""
    code, message = answer.get("code"), answer.get("msg")
    if code == -401 and isinstance(message, str) and IP_MISMATCH in message:
        log.error("kakao_misconfigured", extra={"reason": "ip_mismatched", "kakao": code})
        return MisconfiguredError()
    known = ERRORS.get(code) if type(code) is int else None
    if known is MisconfiguredError:
        log.error("kakao_misconfigured", extra={"reason": "refused", "kakao": code})
    return (known or BY_STATUS.get(status, UnavailableError))()


def user_name(person: str) -> str:
    """Return the name of the profile of a person who came with a token first."""
    return f"kakao-{person}"


def is_user_name(name: object) -> bool:
    """Whether a profile can have this name because its user came with a token first."""
    return isinstance(name, str) and USER_NAME.fullmatch(name) is not None


def linked(identities: object, person: str) -> bool:
    """Whether the attribute `identities`, a JSON list, has this Kakao id in it, so that hosted sign-ins land there."""
    try:
        found = json.loads(identities) if isinstance(identities, str) else []
    except (ValueError, RecursionError):
        return False
    wanted = (PROVIDER, person)
    return isinstance(found, list) and any(
        isinstance(one, dict) and (one.get("providerName"), one.get("userId")) == wanted for one in found
    )


def from_environment(*, max_age: int = MAX_ID_TOKEN_AGE) -> Kakao:
    """Return Kakao as the function's environment describes it."""
    id_tokens = IdTokens(
        issuer=os.environ["KAKAO_ISSUER"],
        audiences=json.loads(os.environ["KAKAO_APP_KEYS"]),
        jwks=Jwks(os.environ["KAKAO_JWKS_URL"]),
    )
    app_id = int(os.environ["KAKAO_APP_ID"])
    return Kakao(api=os.environ["KAKAO_API"], app_id=app_id, id_tokens=id_tokens, max_age=max_age)


def _known_id(text: str) -> str:
    """Return the id; raise UnavailableError for what cannot be one, which only Kakao itself can have written."""
    if not ID.fullmatch(text) or int(text) > LARGEST_ID:
        raise UnavailableError
    return text


def _nickname(value: object) -> str | None:
    """Return what a profile can hold as a nickname; None for anything else."""
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_NICKNAME and not HALF_CHARACTER.search(value)
    return str(value) if fits else None
