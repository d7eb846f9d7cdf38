"""Cognito's post confirmation trigger: a person's first sign-in, with Kakao or with a confirmed e-mail."""

import logging
from typing import Any

log = logging.getLogger(__name__)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Note the new person. Cognito may call more than once for one, and gives up after five seconds."""
    if event.get("triggerSource") == "PostConfirmation_ConfirmSignUp":  # not the one after a forgotten password
        attributes = event["request"]["userAttributes"]
        # A team's own first-login work goes here, keyed by `sub`, so that doing it twice does it once.
        log.info("confirmed", extra={"sub": attributes.get("sub"), "state": attributes.get("cognito:user_status")})
    return event
