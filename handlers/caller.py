"""Who calls: the user of an HTTP request or of a WebSocket event, as API Gateway has verified it."""

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from handlers import contract
from handlers.errors import HttpError

# See `User names` in docs/decisions.md. ASCII only: U+212A lower-cases to k.
KAKAO_USERNAME = re.compile(rf"{contract.PROVIDER}[-_]{contract.KAKAO_ID_PATTERN}", re.ASCII | re.IGNORECASE)


class Caller(NamedTuple):
    """The user. `sub` never changes and belongs to one user alone, so it is the key for the user's data.

    `groups` are those of the setting `groups` that the user is in.
    """

    sub: str
    user_name: str
    provider: str
    groups: tuple[str, ...]


def caller(event: Mapping[str, Any]) -> Caller:
    """Return the user of an event.

    Raises HttpError (401) where a public route is called without a user, and for a WebSocket message after the token's
    expiry: API Gateway keeps the context of `$connect` for as long as the connection, up to two hours.
    """
    authorizer = event["requestContext"].get("authorizer") or {}
    claims = (authorizer.get("jwt") or {}).get("claims")
    if claims:
        name = claims.get(contract.USERNAME_CLAIM) or claims["username"]
        identities = claims.get("identities")
        return Caller(claims["sub"], name, provider_of(name, identities), groups_in(claims.get(contract.GROUPS_CLAIM)))
    if contract.CONTEXT_SUB in authorizer:
        if is_expired_message(event):
            raise HttpError(401, "unauthorized", "The token has expired. Connect again with a new one.")
        return Caller(
            authorizer[contract.CONTEXT_SUB],
            authorizer[contract.CONTEXT_USERNAME],
            authorizer[contract.CONTEXT_PROVIDER],
            groups_in(authorizer.get(contract.CONTEXT_GROUPS)),
        )
    raise HttpError(401, "unauthorized", "Sign in first.")


def is_expired_message(event: Mapping[str, Any]) -> bool:
    """Whether an event is a WebSocket message after the token's expiry. `$disconnect` always runs, to tidy up."""
    context = event["requestContext"]
    return (
        context.get("eventType") == "MESSAGE" and int(context["authorizer"][contract.CONTEXT_EXPIRES_AT]) <= time.time()
    )


def provider_of(user_name: str, identities: str | None) -> str:
    """Return the provider of the first identity. Without one, as in every access token, the user name tells it.

    The attribute is a JSON list. As a claim it arrives in API Gateway's own notation of lists and maps. Where users
    sign in at Kakao itself, no profile has an identity.
    """
    found = re.search(r'providerName"?[:=]\s*"?([^\s",\]}]+)', identities or "")
    if found:
        return found[1]
    return contract.PROVIDER if KAKAO_USERNAME.fullmatch(user_name) else contract.NATIVE_PROVIDER


def groups_in(claim: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the groups of the setting `groups` that are in the claim, in the setting's order.

    The claim is a list in a token. An HTTP API passes it as `[admin editor]`, the WebSocket's authorizer as
    `admin editor`. Commas separate nothing: a group that the team makes in Cognito itself, outside the setting, may be
    named `viewers,admin`. No group's name has a space (CreateGroup: GroupName). Cognito's own groups, such as
    `<pool>_Kakao`, are not in the setting.
    """
    if not claim:
        return ()
    found = set(claim.removeprefix("[").removesuffix("]").split(" ") if isinstance(claim, str) else claim)
    return tuple(name for name in declared_groups() if name in found)


def declared_groups() -> list[str]:
    """Return the names of the setting `groups`; the variable is absent where the setting is empty."""
    names: list[str] = json.loads(os.environ.get(contract.ENV_GROUPS, "[]"))
    return names
