"""Whether an ID token is one that an issuer made for us (RFC 7519, RFC 8725; OpenID Connect Core 3.1.3.7)."""

import base64
import json
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import jwt

from handlers.jwks import Jwks, JwksError

LEEWAY = 30  # seconds by which clocks may differ
LONGEST = 8192
SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # three parts, and no padding (RFC 7515)
decoder = jwt.PyJWT({"require": ["aud", "exp", "iat", "iss", "sub"], "verify_aud": False})


class InvalidTokenError(Exception):
    """The token is not to be believed. The text says why in our words: nothing of the token is in it."""


class UnknownKeyError(InvalidTokenError):
    """The token names a key that is not at hand; `failure` is why the keys could not be fetched, if they could not."""

    def __init__(self, failure: JwksError | None) -> None:
        super().__init__("signed with an unknown key")
        self.failure = failure


class IdTokens:
    """Tells the ID tokens that `issuer` signed for one of `audiences` from everything else.

    `expected` are further claims with the values that they have to have.
    """

    def __init__(
        self, *, issuer: str, audiences: Collection[str], jwks: Jwks, expected: Mapping[str, str] | None = None
    ) -> None:
        self._issuer = issuer
        self._audiences = tuple(audiences)
        self._jwks = jwks
        self._expected = expected or {}

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token, of which `sub` is text, `exp` and `iat` are integers.

        Raises InvalidTokenError, and nothing else, for whatever is wrong.
        """
        if not isinstance(token, str) or len(token) > LONGEST or not SHAPE.fullmatch(token):
            raise InvalidTokenError("not a JWT")
        key = self._jwks.key(_kid(token.partition(".")[0]))
        if key is None:
            raise UnknownKeyError(self._jwks.failure)
        try:
            claims = decoder.decode(token, key, algorithms=["RS256"], issuer=self._issuer, leeway=LEEWAY)
        except (jwt.PyJWTError, ValueError) as error:
            raise InvalidTokenError(type(error).__name__) from None
        if claims["aud"] not in self._audiences:  # one of ours, and no list with ours in it
            raise InvalidTokenError("a token for another app")
        if any(claims.get(name) != value for name, value in self._expected.items()):
            raise InvalidTokenError("a token for something else")
        if type(claims["exp"]) is not int or type(claims["iat"]) is not int:  # PyJWT takes "1", 1.5 and true as well
            raise InvalidTokenError("times that are no integers")
        if not claims["sub"]:
            raise InvalidTokenError("a token for nobody")
        return claims


@lru_cache(maxsize=8)  # all tokens of one key have one header
def _kid(header: str) -> str:
    """Return the name of the key, for which PyJWT would parse all of the token; the rest of the header it judges."""
    try:
        kid = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidTokenError("no header with a key's name") from None
    if not isinstance(kid, str):
        raise InvalidTokenError("a key's name that is no text")
    return kid
