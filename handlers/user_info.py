"""GET /api/userinfo: who is calling, from the claims that the gateway has verified.

200 {"name": user name, "email": …, "email_verified": …, "nickname": …, "provider": "Kakao" or "Cognito"}, null where
withheld. An ID token says it all by itself; an access token carries no profile, so Cognito is asked (AdminGetUser).
"""

import logging
import os
import re
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from handlers.web import Answer, Event, Refusal, guarded, head_answer, json_answer

log = logging.getLogger(__name__)

USER_POOL_ID = os.environ["USER_POOL_ID"]


def handler(event: Event, _context: object) -> Answer:
    """Answer one request that the gateway has let through."""
    answer = guarded(lambda: who_is_calling(event), log=log)
    return head_answer(answer) if event.get("routeKey", "").startswith("HEAD") else answer


def who_is_calling(event: Event) -> Answer:
    """Return the profile of the person whose token came, and for how long the token is good."""
    claims: Mapping[str, str] = event["requestContext"]["authorizer"]["jwt"]["claims"]
    match claims.get("token_use"):
        case "id":
            known = profile(claims["cognito:username"], claims)
        case "access":
            known = from_cognito(claims["username"], claims["sub"])
        case _:
            raise Refusal(401, "unauthorized", "Send an ID token or an access token.")
    seconds = max(0, int(float(claims["exp"])) - int(time.time()))
    return json_answer(200, known, headers={"session-expires-in": str(seconds)})


def profile(name: str, attributes: Mapping[str, str]) -> dict[str, str | bool | None]:
    """Return what the page shows of a person; an attribute that is empty counts as withheld."""
    return {
        "name": name,
        "email": attributes.get("email") or None,
        "email_verified": attributes.get("email_verified") == "true",
        "nickname": attributes.get("nickname") or None,
        "provider": provider(attributes.get("identities")),
    }


def provider(identities: str | None) -> str:
    """Return who vouches for a person: the provider of the first identity, `Cognito` where there is none.

    The attribute is a JSON list; as a claim it arrives as text in API Gateway's own writing of lists and maps.
    """
    found = re.search(r'providerName"?[:=]\s*"?([^\s",\]}]+)', identities or "")
    return found[1] if found else "Cognito"


def from_cognito(username: str, sub: str) -> dict[str, str | bool | None]:
    """Return the profile of a person of the pool, or refuse where there is none any more.

    AdminGetUser finds a name, which another account may bear once the first one is deleted; no two have the same `sub`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = _cognito()
    try:
        user = client.admin_get_user(UserPoolId=USER_POOL_ID, Username=username)
    except client.exceptions.UserNotFoundException:
        raise _gone() from None
    except client.exceptions.TooManyRequestsException:
        raise Refusal(429, "throttled", "Too many requests. Try again in a moment.", retry_after=1) from None
    except (BotoCoreError, ClientError) as error:
        log.error("cognito_unavailable", extra={"reason": type(error).__name__})
        raise Refusal(502, "cognito_unavailable", "The sign-in service is not available. Try again.") from None
    if not user["Enabled"]:
        raise Refusal(401, "signed_out", "The account is disabled.")
    attributes = {item["Name"]: item["Value"] for item in user["UserAttributes"]}
    if attributes["sub"] != sub:
        raise _gone()
    return profile(user["Username"], attributes)


def _gone() -> Refusal:
    return Refusal(401, "signed_out", "The account is gone. Sign in again.")


@cache
def _cognito() -> Any:
    import boto3  # only here, because an ID token needs no AWS call, and loading it costs more than the rest together
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("cognito-idp", config=config)
