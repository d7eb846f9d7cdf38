"""GET /api/userinfo: the profile of the user who calls, from the claims that API Gateway has verified.

200 {"name": user name, "email", "email_verified", "nickname", "provider": "Kakao" or "Cognito"}; null where withheld.
An ID token holds all of it. An access token holds no profile, so the handler calls AdminGetUser.
"""

import logging
import os
import re
import time
from collections.abc import Mapping

from handlers import contract
from handlers.errors import HttpError
from handlers.web import Event, Response, head_response, is_head, json_response, respond

log = logging.getLogger(__name__)

USER_POOL_ID = os.environ[contract.ENV_USER_POOL_ID]


def handler(event: Event, _context: object) -> Response:
    """Answer one request whose token API Gateway has verified."""
    response = respond(lambda: user_info(event), log=log)
    return head_response(response) if is_head(event) else response


def user_info(event: Event) -> Response:
    """Return the profile of the token's user, and in a header the seconds until the token expires."""
    claims: Mapping[str, str] = event["requestContext"]["authorizer"]["jwt"]["claims"]
    token_use = claims.get(contract.TOKEN_USE_CLAIM)
    if token_use == contract.TOKEN_USE_ID:
        profile = to_profile(claims[contract.USERNAME_CLAIM], claims)
    elif token_use == contract.TOKEN_USE_ACCESS:
        profile = fetch_profile(claims["username"], claims["sub"])
    else:
        raise HttpError(401, "unauthorized", "Send an ID token or an access token.")
    seconds = max(0, int(float(claims["exp"])) - int(time.time()))
    return json_response(200, profile, headers={contract.SESSION_EXPIRES_IN: str(seconds)})


def to_profile(username: str, attributes: Mapping[str, str]) -> dict[str, str | bool | None]:
    """Return the profile in user attributes, or in the claims of the same names; empty means withheld."""
    return {
        "name": username,
        "email": attributes.get("email") or None,
        "email_verified": attributes.get("email_verified") == "true",
        "nickname": attributes.get("nickname") or None,
        "provider": provider(attributes.get("identities")),
    }


def provider(identities: str | None) -> str:
    """Return the provider of the first identity, or `Cognito` where there is none.

    The attribute is a JSON list. As a claim it arrives in API Gateway's own notation of lists and maps.
    """
    found = re.search(r'providerName"?[:=]\s*"?([^\s",\]}]+)', identities or "")
    return found[1] if found else contract.NATIVE_PROVIDER


def fetch_profile(username: str, sub: str) -> dict[str, str | bool | None]:
    """AdminGetUser: return the profile; raise HttpError (401) where the account is gone or disabled.

    A user name can belong to another account once the first one is deleted. No two accounts have the same `sub`.
    """
    from handlers import cognito, cognito_responses  # only here: an ID token needs no call of AWS
    from handlers.errors import CognitoError, CognitoResponseError

    try:
        user = cognito.call("admin_get_user", limits=cognito.READ, UserPoolId=USER_POOL_ID, Username=username)
    except CognitoError as error:
        code = error.code if isinstance(error, CognitoResponseError) else None
        if code == "UserNotFoundException":
            raise _account_gone() from None
        if code == "TooManyRequestsException":
            raise cognito_responses.throttled(retry_after=1) from None
        log.error("cognito_failed", extra={"reason": str(error)})
        raise cognito_responses.unavailable() from None
    if not user["Enabled"]:
        raise HttpError(401, "signed_out", "The account is disabled.")
    attributes = cognito.user_attributes(user)
    if attributes["sub"] != sub:
        raise _account_gone()
    return to_profile(user["Username"], attributes)


def _account_gone() -> HttpError:
    return HttpError(401, "signed_out", "The account is gone. Sign in again.")
