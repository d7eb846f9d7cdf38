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
    """AdminGetUser: return the profile; raise HttpError (401) where the account is gone or disabled."""
    from handlers import cognito, cognito_responses  # only here: an ID token needs no call of AWS
    from handlers.errors import AccountDisabledError, CognitoError, CognitoResponseError, InactiveAccountError

    try:
        user = cognito.active_user(username, sub, user_pool_id=USER_POOL_ID)
    except AccountDisabledError:
        raise HttpError(401, "signed_out", "The account is disabled.") from None
    except InactiveAccountError:
        raise HttpError(401, "signed_out", "The account is gone. Sign in again.") from None
    except CognitoError as error:
        if isinstance(error, CognitoResponseError) and error.code == "TooManyRequestsException":
            raise cognito_responses.throttled(retry_after=1) from None
        log.error("cognito_failed", extra={"reason": str(error)})
        raise cognito_responses.unavailable() from None
    return to_profile(user["Username"], cognito.user_attributes(user))
