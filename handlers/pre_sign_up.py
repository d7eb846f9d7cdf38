"""Cognito's pre sign-up trigger: nobody is confirmed, and no e-mail is verified, by a caller's word.

It believes `triggerSource` and `callerContext.clientId` alone; `clientMetadata` and `validationData` are the caller's.
"""

from typing import Any

BY_PERSON = ("PreSignUp_SignUp", "PreSignUp_ExternalProvider")
BY_ADMINISTRATOR = "PreSignUp_AdminCreateUser"
NO_CLIENT = (None, "", "CLIENT_ID_NOT_APPLICABLE")  # what Cognito says of an administrator's call


class SignUpRefusedError(Exception):
    """Cognito shows the text to the person."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Let a sign-up go on, unconfirmed and unverified; refuse one from where none can come."""
    source, client = event.get("triggerSource"), event.get("callerContext", {}).get("clientId")
    if source != BY_ADMINISTRATOR and (source not in BY_PERSON or client in NO_CLIENT):
        raise SignUpRefusedError("This sign-up is not allowed.")
    event["response"] = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    return event
