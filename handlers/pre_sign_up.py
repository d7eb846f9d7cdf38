"""Cognito's pre sign-up trigger: nobody is confirmed, and no e-mail is verified, by a caller's word.

Who signs up chooses the user name, and the address that receives the code. They have to be the same, so that nobody
takes the name of somebody else's e-mail, or one of those that sign-in with a Kakao token makes.

The trigger believes `triggerSource` and `callerContext.clientId`, and what is signed up; `clientMetadata` and
`validationData` are the caller's.
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
    if source == "PreSignUp_SignUp" and not _named_by_email(event):
        raise SignUpRefusedError("Use your e-mail address as the user name.")
    event["response"] = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    return event


def _named_by_email(event: dict[str, Any]) -> bool:
    """Whether the user name is the e-mail; letters of other alphabets, whose lower case may be ours, have none."""
    name, email = event.get("userName"), event.get("request", {}).get("userAttributes", {}).get("email")
    if not isinstance(name, str) or not isinstance(email, str):
        return False
    return "@" in name and (name + email).isascii() and name.lower() == email.lower()
