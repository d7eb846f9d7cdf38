"""Cognito's post confirmation trigger: a user's first sign-in, and a password that was reset."""

import logging
from functools import cache
from typing import Any

from handlers import bugs

log = logging.getLogger(__name__)


class SessionsNotEndedError(Exception):
    """The password is set, but sessions of the old one may still be open."""


class PasswordRefusedError(Exception):
    """A Kakao user has set a password by e-mail. It no longer works."""


@bugs.hidden(log, SessionsNotEndedError, PasswordRefusedError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Note a new user; after a reset, end all sessions, since a stolen password may be why.

    Cognito may call more than once for one, and gives up after five seconds.
    """
    source = event.get("triggerSource")
    if source == "PostConfirmation_ConfirmForgotPassword":
        kakao = _signs_in_with_kakao(event)
        if kakao:
            _ask("admin_reset_user_password", event)
        _ask("admin_user_global_sign_out", event)
        if kakao:
            log.warning("kakao_password_ended")
            raise PasswordRefusedError("Sign in with Kakao.")
    if source == "PostConfirmation_ConfirmSignUp":
        attributes = event["request"]["userAttributes"]
        # A team's own first-login work goes here, keyed by `sub`, so that doing it twice does it once.
        log.info("confirmed", extra={"sub": attributes.get("sub"), "state": attributes.get("cognito:user_status")})
    return event


def _signs_in_with_kakao(event: dict[str, Any]) -> bool:
    """Whether the profile is a Kakao user's: an e-mail in it is information, and no way into it."""
    attributes = event.get("request", {}).get("userAttributes", {})
    return bool(attributes.get("identities")) or event["userName"].lower().startswith("kakao-")


def _ask(operation: str, event: dict[str, Any]) -> None:
    cognito = _cognito()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        getattr(cognito, operation)(UserPoolId=event["userPoolId"], Username=event["userName"])
    except (BotoCoreError, ClientError) as error:
        log.error("sessions_not_ended", extra={"reason": bugs.reason(error)})
        raise SessionsNotEndedError("Older sign-ins could not be ended. Reset the password once more.") from None


@cache
def _cognito() -> Any:
    import boto3  # only here: a first sign-in starts without it
    from botocore.config import Config

    config = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client("cognito-idp", config=config)
