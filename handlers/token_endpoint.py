"""Cognito's token and revocation endpoints (RFC 6749, RFC 7009), asked by a public client.

Nothing here is repeated by itself: a code and, where tokens rotate, a refresh token are good for one try.
"""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

from handlers.outgoing import exchange

CONNECT_SECONDS = 2.0
SECONDS = 5.0  # for all of it
LARGEST = 64 * 1024
LEEWAY = 30  # seconds by which clocks may differ


class TokenError(Exception):
    """Cognito gave no tokens. The text is ours, never Cognito's: it may be logged."""


class GrantRefusedError(TokenError):
    """The code or the refresh token is not, or no longer, good (RFC 6749 section 5.2, invalid_grant)."""


class ThrottledError(TokenError):
    """Cognito asks to come back later."""


class UnavailableError(TokenError):
    """Cognito is down, or its answer makes no sense."""


class TooSlowError(TokenError):
    """Cognito did not answer in time."""


@dataclass(frozen=True)
class Tokens:
    """What a grant gave; `refresh_token` is None where the old one stays good."""

    id_token: str
    refresh_token: str | None
    claims: Mapping[str, Any]
    access_token: str | None = None

    @property
    def seconds_left(self) -> int:
        """Seconds until the ID token expires."""
        return int(self.claims["exp"]) - int(time.time())

    def as_body(self, *, unless_rotated: str | None = None) -> dict[str, Any]:
        """Return them under the names of Cognito's own API; `unless_rotated` is the refresh token that stays good."""
        return {
            "AccessToken": self.access_token,
            "IdToken": self.id_token,
            "RefreshToken": self.refresh_token or unless_rotated,
            "ExpiresIn": self.seconds_left,
            "TokenType": "Bearer",
        }


class TokenEndpoint:
    """The endpoints at `hosted_login`, for this client; tokens must come from this issuer."""

    def __init__(self, *, hosted_login: str, client_id: str, issuer: str) -> None:
        self._hosted_login = hosted_login
        self._client_id = client_id
        self._issuer = issuer

    def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> Tokens:
        """Exchange an authorization code for tokens, a refresh token among them."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        tokens = self._tokens(form | {"redirect_uri": redirect_uri})
        if not tokens.refresh_token:
            raise UnavailableError("no refresh token")
        return tokens

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens."""
        return self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def revoke(self, refresh_token: str) -> None:
        """End a refresh token and all that came of it."""
        self._post("/oauth2/revoke", {"token": refresh_token})

    def _tokens(self, form: Mapping[str, str]) -> Tokens:
        body = self._post("/oauth2/token", form)
        try:
            answer = _object(body)
            id_token, refresh_token = answer["id_token"], answer.get("refresh_token")
            access_token = answer.get("access_token")
            if not (
                isinstance(id_token, str) and all(isinstance(t, str | None) for t in (refresh_token, access_token))
            ):
                raise TypeError("tokens are strings")
            claims = payload(id_token)
            self._check(claims)
        except (ValueError, TypeError, KeyError):
            raise UnavailableError("the answer makes no sense") from None
        return Tokens(id_token, refresh_token, claims, access_token)

    def _check(self, claims: Mapping[str, Any]) -> None:
        """OpenID Connect Core 3.1.3.7, but for the signature: TLS to the endpoint vouches for it (item 6)."""
        expected = {"iss": self._issuer, "aud": self._client_id, "token_use": "id"}
        if any(claims[name] != value for name, value in expected.items()):
            raise ValueError("a token for somebody else")
        if not isinstance(claims["exp"], int) or claims["exp"] + LEEWAY <= time.time():
            raise ValueError("an expired token")
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise ValueError("a token for nobody")

    def _post(self, path: str, form: Mapping[str, str]) -> bytes:
        body = urlencode({**form, "client_id": self._client_id})
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        try:
            status, answer = exchange(
                "POST",
                self._hosted_login + path,
                headers=headers,
                body=body,
                connect_seconds=CONNECT_SECONDS,
                seconds=SECONDS,
                largest=LARGEST,
            )
        except TimeoutError:
            raise TooSlowError("no answer in time") from None
        except (OSError, HTTPException) as error:
            raise UnavailableError(type(error).__name__) from None
        if status != 200:
            raise _refusal(status, answer)
        return answer


def _refusal(status: int, body: bytes) -> TokenError:
    if status == 429:
        return ThrottledError("status 429")
    try:
        if status in (400, 401) and _object(body).get("error") == "invalid_grant":
            return GrantRefusedError("invalid_grant")
    except ValueError:
        pass
    return UnavailableError(f"status {status}")


def payload(token: str) -> dict[str, Any]:
    """Return the claims of a token whose sender is known; raise ValueError where it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a JWT")
    return _object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
