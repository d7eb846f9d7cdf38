"""The Lambda authorizer of `$connect`: it opens a WebSocket for a user with a valid ID token and an active account.

API Gateway calls it before `$connect` (REQUEST authorizer) and takes an IAM policy for an answer. API Gateway passes
`context` on with each later event of the connection.
"""

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from handlers import bugs, cognito, contract, web
from handlers.caller import groups_in, provider_of
from handlers.errors import CognitoError, ConnectionDeniedError, InactiveAccountError, InvalidTokenError
from handlers.id_token import IdTokenVerifier
from handlers.jwks import Jwks

log = logging.getLogger(__name__)

Event = Mapping[str, Any]
Policy = dict[str, Any]

ORIGINS: list[str] = json.loads(os.environ[contract.ENV_SITE_ORIGINS])
USER_POOL_ID = os.environ[contract.ENV_USER_POOL_ID]
CHECKS_USER = os.environ[contract.ENV_CONNECT_CHECKS_USER] == "true"
BEARER_PATTERN = re.compile(r"[Bb]earer +(\S+)")
MAX_NICKNAME_LENGTH = 256  # API Gateway takes 8 KB from an authorizer; Cognito stores up to 2,048 characters

id_tokens = IdTokenVerifier(
    issuer=os.environ[contract.ENV_ISSUER],
    audiences=[os.environ[name] for name in (contract.ENV_CLIENT_ID, contract.ENV_APP_CLIENT_ID) if name in os.environ],
    jwks=Jwks(os.environ[contract.ENV_JWKS_URL]),
    expected={contract.TOKEN_USE_CLAIM: contract.TOKEN_USE_ID},
)

# Make the client before the first event: Lambda gives a function more CPU while it starts.
if CHECKS_USER:
    cognito.make_client(cognito.READ)


@bugs.hide(log)
def handler(event: Event, _context: object) -> Policy:
    """Allow or deny the connection. Every error denies, and a log line names it."""
    try:
        claims = id_tokens.verify(_token(event))
        context = _context_of(claims)
        if CHECKS_USER:
            _check_account(context[contract.CONTEXT_USERNAME], claims["sub"])
    except (ConnectionDeniedError, InvalidTokenError) as error:
        log.info(contract.LOG_REFUSED, extra={"reason": str(error)})
    except Exception as error:  # noqa: BLE001 - the last resort: API Gateway gets a denial, not an error
        bugs.log_bug(log, error)
    else:
        log.info("allowed", extra={"sub": claims["sub"]})
        return _policy("Allow", event, principal=claims["sub"]) | {"context": context}
    return _policy("Deny", event, principal="nobody")


def _policy(effect: str, event: Event, *, principal: str) -> Policy:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _token(event: Event) -> str:
    """Return the bearer token, or the ID cookie where `Origin`, which no page can set, is the site."""
    headers = _headers(event)
    if authorization := headers["authorization"]:
        bearer = BEARER_PATTERN.fullmatch(authorization[0])
        if len(authorization) > 1 or not bearer:
            raise ConnectionDeniedError("not one bearer token")
        return bearer[1]
    cookies = web.parse_cookies(headers["cookie"]).get(contract.ID_COOKIE, [])
    if len(cookies) != 1:
        raise ConnectionDeniedError("no token" if not cookies else "several cookies")
    origins = headers["origin"]
    if len(origins) != 1 or origins[0] not in ORIGINS:
        raise ConnectionDeniedError("not from the site")
    return cookies[0]


def _headers(event: Event) -> dict[str, list[str]]:
    """Return all values of three headers, by name in lower case."""
    headers: dict[str, list[str]] = {"authorization": [], "cookie": [], "origin": []}
    received = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    for name, values in received.items():
        if (lower := name.lower()) in headers:
            headers[lower] += values
    return headers


def _context_of(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the context of the connection; API Gateway takes text alone."""
    username, nickname, identities = claims[contract.USERNAME_CLAIM], claims.get("nickname"), claims.get("identities")
    if not isinstance(username, str) or not username:
        raise ConnectionDeniedError("a token without a user name")
    context = {
        contract.CONTEXT_SUB: claims["sub"],
        contract.CONTEXT_USERNAME: username,
        contract.CONTEXT_PROVIDER: identities[0]["providerName"] if identities else provider_of(username, None),
        contract.CONTEXT_EXPIRES_AT: str(claims["exp"]),
    }
    if groups := groups_in(claims.get(contract.GROUPS_CLAIM)):
        context[contract.CONTEXT_GROUPS] = " ".join(groups)
    if isinstance(nickname, str) and nickname:
        context[contract.CONTEXT_NICKNAME] = nickname[:MAX_NICKNAME_LENGTH]
    return context


def _check_account(username: str, sub: str) -> None:
    """AdminGetUser: deny where the account is gone, disabled or another one, and where Cognito does not answer."""
    try:
        cognito.active_user(username, sub, user_pool_id=USER_POOL_ID)
    except InactiveAccountError as error:
        raise ConnectionDeniedError(str(error)) from None
    except CognitoError as error:
        log.error("account_unchecked", extra={"reason": str(error)})
        raise ConnectionDeniedError("Cognito does not answer") from None
