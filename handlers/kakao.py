"""Whether a Kakao token is one that Kakao gave to our app, and whose it is.

Source: https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api and /rest-api/error-code.
"""

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from handlers.email_address import is_email
from handlers.jwks import Jwks, JwksTooSlowError
from handlers.outgoing import exchange
from handlers.tokens import IdTokens, InvalidTokenError, UnknownKeyError
from handlers.web import HALF_CHARACTER

CONNECT_SECONDS = 1.0
LARGEST = 64 * 1024
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
ID = re.compile(r"[1-9][0-9]{0,18}")
LARGEST_ID = 2**63 - 1
PROVIDER = os.environ["IDENTITY_PROVIDER"]
LONGEST_ATTRIBUTE = 2048  # Cognito's limit (AttributeValueType)

NOBODY = {-101, -103}  # not connected to our app; dormant, or no account any more
QUOTA = {-10, -11}


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


class TooSlowError(KakaoError):
    """Kakao did not answer in time."""

    code = "kakao_too_slow"


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

    A deadline is a moment of `time.monotonic()`; keys that are not at hand have two seconds of their own.
    """

    def __init__(self, *, api: str, app_id: int, id_tokens: IdTokens) -> None:
        self._api = api
        self._app_id = app_id
        self._id_tokens = id_tokens

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
            return Profile(nickname=_text(self._claims(credential.id_token).get("nickname")))
        account = self._ask("/v2/user/me", credential.access_token or "", deadline).get("kakao_account")
        if not isinstance(account, dict):
            return Profile()
        profile = account.get("profile")
        nickname = _text(profile.get("nickname")) if isinstance(profile, dict) else None
        vouched = account.get("is_email_valid") is True and account.get("is_email_verified") is True
        email = _text(account.get("email")) if vouched else None
        return Profile(nickname, email if email and is_email(email) else None)

    def _claims(self, id_token: str) -> Mapping[str, Any]:
        try:
            return self._id_tokens.claims(id_token)
        except UnknownKeyError as error:
            if error.failure is None:
                raise InvalidKakaoTokenError from None
            raise (TooSlowError if isinstance(error.failure, JwksTooSlowError) else UnavailableError) from None
        except InvalidTokenError:
            raise InvalidKakaoTokenError from None

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
        said = answer.get("code") if isinstance(answer, dict) else None
        if status == 429 or said in QUOTA:
            raise ThrottledError
        if status == 401 or said in NOBODY:
            raise InvalidKakaoTokenError
        if status != 200 or not isinstance(answer, dict):
            raise UnavailableError
        return answer


def user_name(person: str) -> str:
    """Return the name of the profile of a person who came with a token first."""
    return f"kakao-{person}"


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


def from_environment() -> Kakao:
    """Return Kakao as the function's environment describes it."""
    id_tokens = IdTokens(
        issuer=os.environ["KAKAO_ISSUER"],
        audiences=json.loads(os.environ["KAKAO_APP_KEYS"]),
        jwks=Jwks(os.environ["KAKAO_JWKS_URL"]),
    )
    return Kakao(api=os.environ["KAKAO_API"], app_id=int(os.environ["KAKAO_APP_ID"]), id_tokens=id_tokens)


def _known_id(text: str) -> str:
    """Return the id; raise UnavailableError for what cannot be one, which only Kakao itself can have written."""
    if not ID.fullmatch(text) or int(text) > LARGEST_ID:
        raise UnavailableError
    return text


def _text(value: object) -> str | None:
    """Return what Cognito takes as an attribute; None for anything else."""
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_ATTRIBUTE and not HALF_CHARACTER.search(value)
    return str(value) if fits else None
