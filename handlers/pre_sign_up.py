"""Cognito's PreSignUp trigger: it refuses a sign-up with more than an e-mail, and confirms no user by itself.

The trigger trusts `triggerSource` and `callerContext.clientId`, which Cognito sets, and not `clientMetadata` or
`validationData`, which the caller sets. The caller of SignUp also chooses the user name and the address that gets the
code. Both have to be the same, so that no sign-up takes the user name of another user's e-mail or of a Kakao user.
"""

import logging
import os
from functools import lru_cache
from typing import Any

from handlers import bugs, contract
from handlers.email_address import is_email
from handlers.trigger_errors import SignUpRefusedError

log = logging.getLogger(__name__)

EMAIL_ACCOUNTS = os.environ.get(contract.ENV_EMAIL_ACCOUNTS, "true") == "true"
HAS_PUBLIC_CLIENT = contract.ENV_HAS_PUBLIC_CLIENT in os.environ
SOURCES_WITH_CLIENT = ("PreSignUp_SignUp", "PreSignUp_ExternalProvider")
SOURCE_OF_ADMINISTRATOR = "PreSignUp_AdminCreateUser"
NO_CLIENT = (None, "", "CLIENT_ID_NOT_APPLICABLE")  # the client ID in an administrator's call


@bugs.hide(log, SignUpRefusedError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Accept a sign-up, unconfirmed and with an unverified e-mail, or raise SignUpRefusedError."""
    source, client = event.get("triggerSource"), event.get("callerContext", {}).get("clientId")
    if source != SOURCE_OF_ADMINISTRATOR and (source not in SOURCES_WITH_CLIENT or client in NO_CLIENT):
        raise SignUpRefusedError("This sign-up is not allowed.")
    if source == "PreSignUp_SignUp":
        if not EMAIL_ACCOUNTS:
            raise SignUpRefusedError("There are no accounts with e-mail here.")
        if HAS_PUBLIC_CLIENT and not _is_confidential(event["userPoolId"], str(client)):
            raise SignUpRefusedError("Sign up on the site.")
        _check(event.get("userName"), event.get("request", {}).get("userAttributes", {}))
        log.info(contract.LOG_SIGN_UP)  # an alarm counts it
    event["response"] = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    return event


@lru_cache(maxsize=8)  # an error is not kept
def _is_confidential(user_pool_id: str, client_id: str) -> bool:
    """DescribeUserPoolClient: return whether the client has a secret, so that only our functions sign users up by it.

    The trigger cannot have the client's id as a setting: the client depends on the pool, and the pool on the trigger.
    """
    from handlers import cognito  # only here: a pool without a public client needs no boto3
    from handlers.errors import CognitoError

    try:
        response = cognito.call(
            "describe_user_pool_client", limits=cognito.IN_A_TRIGGER, UserPoolId=user_pool_id, ClientId=client_id
        )
    except CognitoError as error:
        log.error("client_unknown", extra={"reason": str(error)})
        raise SignUpRefusedError("The sign-up could not be checked. Try again.") from None
    return bool(response["UserPoolClient"].get("ClientSecret"))


def _check(username: object, attributes: dict[str, Any]) -> None:
    """Refuse a user name that is not the e-mail, and every attribute but the e-mail.

    Each attribute becomes a claim of the ID token. A long nickname makes a token that no cookie holds, so a stranger
    who signs an e-mail up could keep its owner from ever signing in.
    """
    email = attributes.get("email")
    valid = isinstance(username, str) and isinstance(email, str) and is_email(username) and is_email(email)
    if not valid or str(username).lower() != str(email).lower():
        raise SignUpRefusedError("Use your e-mail address as the user name.")
    if any(attribute != "email" and not _is_set_by_cognito(attribute) for attribute in attributes):
        raise SignUpRefusedError("Sign up with an e-mail address and nothing else.")


def _is_set_by_cognito(attribute: str) -> bool:
    """Return whether no client can write the attribute: `sub` or `cognito:…`."""
    return attribute == "sub" or attribute.startswith("cognito:")
