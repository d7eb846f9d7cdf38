"""Cognito's post confirmation trigger: a person's first sign-in, and a password that was reset."""

import logging
from functools import cache
from typing import Any

log = logging.getLogger(__name__)


class SessionsNotEndedError(Exception):
    """The password is set, but who signed in with the old one may still be signed in."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Note a new person; end all sessions of one with a new password, since a stolen one may be why.

    Cognito may call more than once for one, and gives up after five seconds.
    """
    source = event.get("triggerSource")
    if source == "PostConfirmation_ConfirmForgotPassword":
        _end_sessions(event)
    if source == "PostConfirmation_ConfirmSignUp":
        attributes = event["request"]["userAttributes"]
        # A team's own first-login work goes here, keyed by `sub`, so that doing it twice does it once.
        log.info("confirmed", extra={"sub": attributes.get("sub"), "state": attributes.get("cognito:user_status")})
    return event


def _end_sessions(event: dict[str, Any]) -> None:
    cognito = _cognito()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        cognito.admin_user_global_sign_out(UserPoolId=event["userPoolId"], Username=event["userName"])
    except (BotoCoreError, ClientError) as error:
        log.error("sessions_not_ended", extra={"reason": type(error).__name__})
        raise SessionsNotEndedError("Older sign-ins could not be ended. Reset the password once more.") from None


@cache
def _cognito() -> Any:
    import boto3  # only here: a first sign-in starts without it
    from botocore.config import Config

    config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client("cognito-idp", config=config)
