"""Whether an ID token is one that our pool made for our client (RFC 7519, RFC 8725; OpenID Connect Core 3.1.3.7)."""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jwt

from handlers.jwks import Jwks

LEEWAY = 30  # seconds by which clocks may differ
LONGEST = 8192
SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # three parts, and no padding (RFC 7515)
decoder = jwt.PyJWT({"require": ["exp", "iat", "sub"], "strict_aud": True})


class InvalidTokenError(Exception):
    """The token is not to be believed. The text says why in our words: nothing of the token is in it."""


class IdTokens:
    """Tells the ID tokens that `issuer` signed for `client_id` from everything else."""

    def __init__(self, *, issuer: str, client_id: str, jwks: Jwks) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._jwks = jwks

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token, of which `sub` is text, `exp` and `iat` are integers.

        Raises InvalidTokenError, and nothing else, for whatever is wrong.
        """
        if not isinstance(token, str) or len(token) > LONGEST or not SHAPE.fullmatch(token):
            raise InvalidTokenError("not a JWT")
        key = self._jwks.key(_kid(token.partition(".")[0]))
        if key is None:
            raise InvalidTokenError("signed with an unknown key")
        try:
            claims = decoder.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._client_id,
                issuer=self._issuer,
                leeway=LEEWAY,
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise InvalidTokenError(type(error).__name__) from None
        if claims.get("token_use") != "id":
            raise InvalidTokenError("not an ID token")
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
