"""The tokens of one sign-in or refresh."""

import base64
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from handlers.json_text import json_object as json_object


class TokenSet(NamedTuple):
    """The tokens that Cognito issued. `refresh_token` is None where the old one stays valid.

    `claims` are those of the ID token.
    """

    id_token: str
    refresh_token: str | None
    claims: Mapping[str, Any]
    access_token: str | None = None

    @property
    def seconds_left(self) -> int:
        """Seconds until the ID token expires."""
        return int(self.claims["exp"]) - int(time.time())

    def as_json(self, *, old_refresh_token: str | None = None) -> dict[str, Any]:
        """Return the tokens under the names of Cognito's API; `old_refresh_token` is used where there is no new one."""
        return {
            "AccessToken": self.access_token,
            "IdToken": self.id_token,
            "RefreshToken": self.refresh_token or old_refresh_token,
            "ExpiresIn": self.seconds_left,
            "TokenType": "Bearer",
        }


def unverified_claims(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without a look at its signature; raise ValueError where it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a JWT")
    return json_object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
