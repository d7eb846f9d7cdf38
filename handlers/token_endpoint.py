"""Cognito's token endpoint and revocation endpoint (RFC 6749, RFC 7009), for a client with or without a secret.

No request is sent twice: an authorization code, and a refresh token that rotates, are valid once.
"""

import base64
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote_plus, urlencode

from handlers import contract, http_client
from handlers.errors import InvalidGrantError, TokenError, TokenThrottledError, TokenTooSlowError, TokenUnavailableError
from handlers.token_set import TokenSet, json_object, unverified_claims

CONNECT_TIMEOUT_SECONDS = 2.0
TIMEOUT_SECONDS = 5.0  # for everything
MAX_RESPONSE_BYTES = 64 * 1024


class TokenEndpoint:
    """The endpoints at `hosted_login` for one app client. Tokens have to be issued by `issuer`.

    `client_secret` is empty for a public client.
    """

    def __init__(self, *, hosted_login: str, client_id: str, client_secret: str = "", issuer: str) -> None:
        self._hosted_login = hosted_login
        self._client_id = client_id
        self._issuer = issuer
        self._headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        self._form: dict[str, str] = {}
        if client_secret:
            self._headers["authorization"] = _basic(client_id, client_secret)
        else:
            self._form["client_id"] = client_id

    def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> TokenSet:
        """Exchange an authorization code for tokens, a refresh token among them. Raises TokenError."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        tokens = self._request_tokens(form | {"redirect_uri": redirect_uri})
        if not tokens.refresh_token:
            raise TokenUnavailableError("no refresh token")
        return tokens

    def refresh(self, refresh_token: str) -> TokenSet:
        """Exchange a refresh token for new tokens. Raises TokenError."""
        return self._request_tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def revoke(self, refresh_token: str) -> None:
        """Revoke a refresh token and all tokens that were issued for it. Raises TokenError."""
        self._post(contract.REVOKE_PATH, {"token": refresh_token})

    def _request_tokens(self, form: Mapping[str, str]) -> TokenSet:
        body = self._post(contract.TOKEN_PATH, form)
        try:
            response = json_object(body)
        except ValueError:
            raise TokenUnavailableError("the answer makes no sense") from None
        return checked_tokens(response, issuer=self._issuer, client_id=self._client_id)

    def _post(self, path: str, form: Mapping[str, str]) -> bytes:
        status, body = post(self._hosted_login + path, headers=self._headers, body=urlencode({**form, **self._form}))
        if status != 200:
            raise _error(status, body)
        return body


def post(url: str, *, headers: Mapping[str, str], body: str) -> tuple[int, bytes]:
    """Return status and body of Cognito's response. Raises TokenTooSlowError or TokenUnavailableError."""
    try:
        return http_client.request(
            "POST",
            url,
            headers=headers,
            body=body,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            timeout=TIMEOUT_SECONDS,
            max_bytes=MAX_RESPONSE_BYTES,
        )
    except TimeoutError:
        raise TokenTooSlowError("no answer in time") from None
    except (OSError, HTTPException) as error:
        raise TokenUnavailableError(type(error).__name__) from None


def checked_tokens(response: Mapping[str, Any], *, issuer: str, client_id: str) -> TokenSet:
    """Return the tokens in a response, under the names of RFC 6749 section 5.1; raise TokenUnavailableError."""
    try:
        id_token, refresh_token = response["id_token"], response.get("refresh_token")
        access_token = response.get("access_token")
        if not (
            isinstance(id_token, str) and all(isinstance(token, str | None) for token in (refresh_token, access_token))
        ):
            raise TypeError("a token is not text")
        claims = unverified_claims(id_token)
        _check(claims, issuer=issuer, client_id=client_id)
    except (ValueError, TypeError, KeyError):
        raise TokenUnavailableError("the answer makes no sense") from None
    return TokenSet(id_token, refresh_token, claims, access_token)


def _check(claims: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    """Check the claims by OpenID Connect Core 3.1.3.7. TLS stands in for the signature (item 6)."""
    expected = {"iss": issuer, "aud": client_id, contract.TOKEN_USE_CLAIM: contract.TOKEN_USE_ID}
    if any(claims[name] != value for name, value in expected.items()):
        raise ValueError("a token of another issuer, client or kind")
    if not isinstance(claims["exp"], int) or claims["exp"] + contract.CLOCK_SKEW_SECONDS <= time.time():
        raise ValueError("an expired token")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise ValueError("a token without a user")


def _basic(client_id: str, client_secret: str) -> str:
    """Return the Authorization header of a client with a secret: both are form-encoded first (RFC 6749, 2.3.1)."""
    credentials = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _error(status: int, body: bytes) -> TokenError:
    if status == 429:
        return TokenThrottledError("status 429")
    try:
        if status in (400, 401) and json_object(body).get("error") == "invalid_grant":
            return InvalidGrantError("invalid_grant")
    except ValueError:
        pass
    return TokenUnavailableError(f"status {status}")
