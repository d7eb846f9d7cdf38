"""Who may open a connection: people with an ID token of ours, whose account is still there.

API Gateway asks before `$connect` (Lambda REQUEST authorizer) and takes an IAM policy for an answer. What `context`
holds it hands to each later event of the same connection, and to nobody else.
"""

import json
import logging
import os
import re
import traceback
from collections.abc import Mapping
from typing import Any

from handlers import bugs, web
from handlers.jwks import Jwks
from handlers.tokens import IdTokens, InvalidTokenError

log = logging.getLogger(__name__)

Event = Mapping[str, Any]
Policy = dict[str, Any]

ORIGINS: list[str] = json.loads(os.environ["SITE_ORIGINS"])
USER_POOL_ID = os.environ["USER_POOL_ID"]
CHECKS_USER = os.environ["CONNECT_CHECKS_USER"] == "true"
ID_COOKIE = "__Host-id"
BEARER = re.compile(r"[Bb]earer +(\S+)")
MAX_NICKNAME = 256  # characters: API Gateway takes 8 KB from an authorizer, and Cognito keeps 2,048 characters

tokens = IdTokens(
    issuer=os.environ["ISSUER"],
    audiences=[os.environ["CLIENT_ID"]],
    jwks=Jwks(os.environ["JWKS_URL"]),
    expected={"token_use": "id"},
)


class RefusedError(Exception):
    """Nobody connects. The text says why in our words and may be logged."""


@bugs.hidden(log)
def handler(event: Event, _context: object) -> Policy:
    """Allow or deny the one connection that is asked for; whatever goes wrong is a denial that the log tells of."""
    try:
        claims = tokens.claims(_token(event))
        person = _person(claims)
        if CHECKS_USER:
            _check_account(person["username"], person["sub"])
    except (RefusedError, InvalidTokenError) as refusal:
        log.info("refused", extra={"reason": str(refusal)})
    except Exception as error:  # noqa: BLE001 - the last resort; its text may hold a token
        frame = traceback.extract_tb(error.__traceback__)[-1]
        log.error("unexpected", extra={"reason": type(error).__name__, "at": f"{frame.name}:{frame.lineno}"})
    else:
        log.info("allowed", extra={"sub": person["sub"]})
        return _policy("Allow", event, principal=person["sub"]) | {"context": person}
    return _policy("Deny", event, principal="nobody")


def _policy(effect: str, event: Event, *, principal: str) -> Policy:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _token(event: Event) -> str:
    """Return the bearer token, or that of the cookie where `Origin`, which browsers set themselves, is the site."""
    headers = _headers(event)
    if authorization := headers["authorization"]:
        bearer = BEARER.fullmatch(authorization[0])
        if len(authorization) > 1 or not bearer:
            raise RefusedError("not one bearer token")
        return bearer[1]
    cookies = web.parse_cookies(headers["cookie"]).get(ID_COOKIE, [])
    if len(cookies) != 1:
        raise RefusedError("no token" if not cookies else "several cookies")
    origins = headers["origin"]
    if len(origins) != 1 or origins[0] not in ORIGINS:
        raise RefusedError("not from the site")
    return cookies[0]


def _headers(event: Event) -> dict[str, list[str]]:
    """Return every value of the headers that matter, however their names are written."""
    found: dict[str, list[str]] = {"authorization": [], "cookie": [], "origin": []}
    several = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    for name, values in several.items():
        if (lower := name.lower()) in found:
            found[lower] += values
    return found


def _person(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return what the connection has to know; API Gateway takes nothing but text here."""
    username, nickname, identities = claims["cognito:username"], claims.get("nickname"), claims.get("identities")
    if not isinstance(username, str) or not username:
        raise RefusedError("a token without a user name")
    person = {
        "sub": claims["sub"],
        "username": username,
        "provider": identities[0]["providerName"] if identities else "Cognito",
        "exp": str(claims["exp"]),
    }
    return person | ({"nickname": nickname[:MAX_NICKNAME]} if isinstance(nickname, str) and nickname else {})


# The account


def _check_account(username: str, sub: str) -> None:
    """Refuse where the account is gone or disabled since, and where Cognito does not say that it is neither.

    AdminGetUser finds a name, which another account may bear by now; no two have the same `sub`.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # of Lambda's runtime, not of the package

    try:
        user = cognito.admin_get_user(UserPoolId=USER_POOL_ID, Username=username)
    except cognito.exceptions.UserNotFoundException:
        raise RefusedError("the account is gone") from None
    except (BotoCoreError, ClientError) as error:
        reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        log.error("account_unchecked", extra={"reason": reason})
        raise RefusedError("Cognito does not answer") from None
    if {"Name": "sub", "Value": sub} not in user["UserAttributes"]:
        raise RefusedError("the account is another one")
    if user["Enabled"] is not True:
        raise RefusedError("the account is disabled")


def _cognito() -> Any:
    import boto3  # of Lambda's runtime, not of the package
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("cognito-idp", config=config)


# Now, and not at the first connection: a function starts on a faster processor than it then runs on.
cognito: Any = _cognito() if CHECKS_USER else None
