"""GET /api/userinfo: the profile of the user who calls, from the claims that API Gateway has verified.

200 {"name": user name, "email", "email_verified", "nickname", "provider": "Kakao" or "Cognito", "groups": […]}; null
where withheld. The groups are those of the token: a user who joins one has it after the next refresh.
An ID token holds all of it. An access token holds no profile, so the handler calls AdminGetUser.
"""

import logging
import os
import time
from collections.abc import Mapping

from handlers import contract
from handlers.caller import groups_in, provider_of
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
    profile["groups"] = [*groups_in(claims.get(contract.GROUPS_CLAIM))]
    seconds = max(0, int(float(claims["exp"])) - int(time.time()))
    return json_response(200, profile, headers={contract.SESSION_EXPIRES_IN: str(seconds)})


Profile = dict[str, str | bool | list[str] | None]


def to_profile(username: str, attributes: Mapping[str, str]) -> Profile:
    """Return the profile in user attributes, or in the claims of the same names; empty means withheld."""
    return {
        "name": username,
        "email": attributes.get("email") or None,
        "email_verified": attributes.get("email_verified") == "true",
        "nickname": attributes.get("nickname") or None,
        "provider": provider_of(username, attributes.get("identities")),
    }


def fetch_profile(username: str, sub: str) -> Profile:
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
