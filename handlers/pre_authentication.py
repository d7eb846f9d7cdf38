"""Cognito's PreAuthentication trigger: a Kakao user cannot sign in with a password.

Cognito calls the trigger at Kakao sign-ins too, from the second one on, and does not say how the user signs in. So the
trigger decides by the status of the profile. In the statuses below no user knows a password: EXTERNAL_PROVIDER has
none, and Cognito generated the one in FORCE_CHANGE_PASSWORD for a sign-in with a Kakao token and did not mail it.
"""

import logging
import re
from typing import Any

from handlers import bugs, contract
from handlers.trigger_errors import SignInRefusedError

log = logging.getLogger(__name__)

STATUSES_WITHOUT_PASSWORD = ("EXTERNAL_PROVIDER", "FORCE_CHANGE_PASSWORD")
HOSTED_USERNAME = re.compile(rf"{contract.PROVIDER}_[0-9]+", re.ASCII | re.IGNORECASE)


@bugs.hide(log, SignInRefusedError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Refuse a profile of the hosted login that has a password; accept every other profile.

    Only AdminSetUserPassword makes such a profile CONFIRMED. Nobody has seen which status a hosted sign-in leaves on a
    profile that a sign-in with a Kakao token created. So that profile is accepted in any status, with an alarm.
    """
    attributes = event.get("request", {}).get("userAttributes", {})
    status = attributes.get("cognito:user_status")
    if not attributes.get("identities") or status in STATUSES_WITHOUT_PASSWORD:
        return event
    if status == "CONFIRMED" and HOSTED_USERNAME.fullmatch(event.get("userName") or ""):
        raise SignInRefusedError("Sign in with Kakao.")
    log.warning(contract.LOG_KAKAO_STATUS, extra={"sub": attributes.get("sub"), "state": status})
    return event
