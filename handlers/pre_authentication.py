"""Cognito's pre authentication trigger: a Kakao user cannot sign in with a password.

Cognito calls it at Kakao sign-ins as well, from the second on, and does not say which way the user signs in. The state
of the account is all that tells. A user of these statuses knows no password: EXTERNAL_PROVIDER has none, and what
FORCE_CHANGE_PASSWORD has was made up by Cognito for a sign-in with a Kakao token, and told to nobody.
"""

import logging
import re
from typing import Any

from handlers import bugs

log = logging.getLogger(__name__)

WITHOUT_PASSWORD = ("EXTERNAL_PROVIDER", "FORCE_CHANGE_PASSWORD")
HOSTED_NAME = re.compile(r"kakao_[0-9]+", re.ASCII | re.IGNORECASE)


class SignInRefusedError(Exception):
    """Cognito shows the text to the user."""


@bugs.hidden(log, SignInRefusedError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Refuse a profile of the hosted login that was given a password; let every other one through.

    Only AdminSetUserPassword makes such a profile CONFIRMED. Nobody has seen which status a hosted sign-in leaves on a
    profile that came by token first, so that one passes in any status, and an alarm rings.
    """
    attributes = event.get("request", {}).get("userAttributes", {})
    status = attributes.get("cognito:user_status")
    if not attributes.get("identities") or status in WITHOUT_PASSWORD:
        return event
    if status == "CONFIRMED" and HOSTED_NAME.fullmatch(event.get("userName") or ""):
        raise SignInRefusedError("Sign in with Kakao.")
    log.warning("kakao_status_unexpected", extra={"sub": attributes.get("sub"), "state": status})
    return event
