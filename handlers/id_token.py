"""Verifies ID tokens (RFC 7519, RFC 8725; OpenID Connect Core 3.1.3.7)."""

import base64
import json
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import jwt

from handlers import contract
from handlers.errors import InvalidTokenError, UnknownKeyError
from handlers.jwks import Jwks

MAX_TOKEN_LENGTH = contract.MAX_TOKEN_LENGTH
JWT_PATTERN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # three parts, and no padding (RFC 7515)
decoder = jwt.PyJWT({"require": ["aud", "exp", "iat", "iss", "sub"], "verify_aud": False})


class IdTokenVerifier:
    """Verifies ID tokens that `issuer` signed for one of `audiences`.

    `expected` are further claims with the values that they have to have.
    """

    def __init__(
        self, *, issuer: str, audiences: Collection[str], jwks: Jwks, expected: Mapping[str, str] | None = None
    ) -> None:
        self._issuer = issuer
        self._audiences = tuple(audiences)
        self._jwks = jwks
        self._expected = expected or {}

    def verify(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token. `sub` is text that is not empty, `exp` and `iat` are integers.

        Raises InvalidTokenError, and nothing else, whatever the token is.
        """
        if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH or not JWT_PATTERN.fullmatch(token):
            raise InvalidTokenError("not a JWT")
        key = self._jwks.key(_key_id(token.partition(".")[0]))
        if key is None:
            raise UnknownKeyError(self._jwks.failure)
        leeway = contract.CLOCK_SKEW_SECONDS
        try:
            claims = decoder.decode(token, key, algorithms=["RS256"], issuer=self._issuer, leeway=leeway)
        except (jwt.PyJWTError, ValueError) as error:
            raise InvalidTokenError(type(error).__name__) from None
        if claims["aud"] not in self._audiences:  # text; a list is refused, also with our client in it
            raise InvalidTokenError("a token for another app")
        if any(claims.get(name) != value for name, value in self._expected.items()):
            raise InvalidTokenError("a token for something else")
        if type(claims["exp"]) is not int or type(claims["iat"]) is not int:  # PyJWT takes "1", 1.5 and true as well
            raise InvalidTokenError("a time is not an integer")
        if not claims["sub"]:
            raise InvalidTokenError("a token without a user")
        return claims


@lru_cache(maxsize=8)  # all tokens of one key have the same header
def _key_id(header: str) -> str:
    """Return the `kid` of a JWT's header. PyJWT would parse the whole token for it, and checks the rest later."""
    try:
        kid = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidTokenError("no header with a key ID") from None
    if not isinstance(kid, str):
        raise InvalidTokenError("the key ID is not text")
    return kid
