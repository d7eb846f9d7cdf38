"""Whose a Kakao token is, and what it tells of the user: an access token by Kakao's API, an ID token by its claims."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from handlers import contract, kakao_attributes
from handlers.errors import (
    InvalidKakaoTokenError,
    InvalidTokenError,
    JwksTooSlowError,
    KakaoTooSlowError,
    KakaoUnavailableError,
    UnknownKeyError,
)
from handlers.id_token import IdTokenVerifier
from handlers.json_text import json_object
from handlers.kakao_attributes import Claims
from handlers.kakao_client import KakaoClient, checked_id

# Kakao's ID tokens expire after hours, and Kakao has no API that tells whether one has been revoked.
MAX_ID_TOKEN_AGE_SECONDS = 300


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
            fields = json_object(text if isinstance(text, str) else "")
        except ValueError:
            raise InvalidKakaoTokenError from None
        if not set(fields) <= {"access_token", "id_token", "nonce"}:
            raise InvalidKakaoTokenError
        if not all(isinstance(value, str) for value in fields.values()):
            raise InvalidKakaoTokenError
        return cls(**fields)


class KakaoApi:
    """The user API of Kakao at `url`, for the app `app_id`. `id_tokens` verifies ID tokens of the app.

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
        self._client = KakaoClient(url)
        self._app_id = app_id
        self._id_tokens = id_tokens
        self._max_id_token_age = max_id_token_age

    def user_id(self, credential: Credential, *, deadline: float) -> str:
        """Return the Kakao ID, in decimal digits, of the user whose token it is; raise KakaoError.

        An access token: GET /v1/user/access_token_info, which names the app too. An ID token: its claims.
        """
        match credential:
            case Credential(access_token=str(token), id_token=None, nonce=None):
                return self._client.token_user_id(token, app_id=self._app_id, deadline=deadline)
            case Credential(access_token=None, id_token=str(token)):
                claims = self._id_token_claims(token)
                if credential.nonce is not None and claims.get("nonce") != credential.nonce:
                    raise InvalidKakaoTokenError
                return checked_id(claims["sub"])
        raise InvalidKakaoTokenError

    def claims(self, credential: Credential, consents: Iterable[str] = (), *, deadline: float) -> Claims:
        """Return the claims about the user of a token that `user_id` has accepted; raise KakaoError.

        An access token: GET /v2/user/me. An ID token does not say whether its e-mail is verified, so the e-mail is
        ignored, and it has none of `consents`.
        """
        if credential.id_token is None:
            user = self._client.user(credential.access_token or "", deadline=deadline)
            return kakao_attributes.claims(user, consents)
        claims = self._id_token_claims(credential.id_token)
        nickname = kakao_attributes.nickname(claims.get("nickname"))
        return {"sub": claims["sub"]} | ({"nickname": nickname} if nickname else {})

    def _id_token_claims(self, id_token: str) -> Mapping[str, Any]:
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
