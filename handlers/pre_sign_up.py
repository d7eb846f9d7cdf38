"""Cognito's pre sign-up trigger: it refuses sign-ups that say more than an e-mail, and confirms nobody.

The trigger believes `triggerSource` and `callerContext.clientId`. `clientMetadata` and `validationData` are the
caller's. A user who signs up chooses the user name and the address that receives the code: both have to be the same, so
that nobody takes the name of somebody else's e-mail, or one that sign-in with a Kakao token makes.
"""

import logging
from typing import Any

from handlers import bugs
from handlers.email_address import is_email

log = logging.getLogger(__name__)

BY_PERSON = ("PreSignUp_SignUp", "PreSignUp_ExternalProvider")
BY_ADMINISTRATOR = "PreSignUp_AdminCreateUser"
NO_CLIENT = (None, "", "CLIENT_ID_NOT_APPLICABLE")  # what Cognito says of an administrator's call


class SignUpRefusedError(Exception):
    """Cognito shows the text to the user."""


@bugs.hidden(log, SignUpRefusedError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Let a sign-up go on, unconfirmed and unverified; refuse any other."""
    source, client = event.get("triggerSource"), event.get("callerContext", {}).get("clientId")
    if source != BY_ADMINISTRATOR and (source not in BY_PERSON or client in NO_CLIENT):
        raise SignUpRefusedError("This sign-up is not allowed.")
    if source == "PreSignUp_SignUp":
        _check(event.get("userName"), event.get("request", {}).get("userAttributes", {}))
        log.info("sign_up")  # counted: an alarm rings at a flood, also of calls to Cognito past our API
    event["response"] = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    return event


def _check(name: object, attributes: dict[str, Any]) -> None:
    """Refuse a name that is not the e-mail, and every further attribute.

    Each attribute becomes a claim: a long nickname makes an ID token that no cookie can hold, so a stranger who signs
    an e-mail up could keep its owner from ever signing in.
    """
    email = attributes.get("email")
    named = isinstance(name, str) and isinstance(email, str) and is_email(name) and is_email(email)
    if not named or str(name).lower() != str(email).lower():
        raise SignUpRefusedError("Use your e-mail address as the user name.")
    if any(attribute != "email" and not _of_cognito(attribute) for attribute in attributes):
        raise SignUpRefusedError("Sign up with an e-mail address and nothing else.")


def _of_cognito(attribute: str) -> bool:
    """Whether only Cognito can have written it: no client may write `sub` or `cognito:…`."""
    return attribute == "sub" or attribute.startswith("cognito:")
