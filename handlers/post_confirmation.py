"""Cognito's PostConfirmation trigger: it runs at a user's first sign-in, and after the reset of a password."""

import logging
from typing import Any

from handlers import bugs, contract, first_sign_in
from handlers.trigger_errors import PasswordRefusedError, SessionsNotEndedError

log = logging.getLogger(__name__)


@bugs.hide(log, SessionsNotEndedError, PasswordRefusedError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Announce a new user. After a reset, end all sessions: a stolen password may be the reason for it.

    Cognito may call the trigger more than once for one event, and waits five seconds for it.
    """
    source = event.get("triggerSource")
    if source == "PostConfirmation_ConfirmForgotPassword":
        is_kakao_user = _is_kakao_user(event)
        if is_kakao_user:
            _call_cognito("admin_reset_user_password", event)
        _call_cognito("admin_user_global_sign_out", event)
        if is_kakao_user:
            log.warning("kakao_password_ended")
            raise PasswordRefusedError("Sign in with Kakao.")
    if source == "PostConfirmation_ConfirmSignUp":
        attributes = event["request"]["userAttributes"]
        log.info("confirmed", extra={"sub": attributes.get("sub"), "state": attributes.get("cognito:user_status")})
        is_email = "@" in event["userName"]
        first_sign_in.announce(attributes["sub"], contract.NATIVE_PROVIDER if is_email else contract.PROVIDER)
    return event


def _is_kakao_user(event: dict[str, Any]) -> bool:
    """Return whether the profile belongs to a Kakao user, who must not sign in with a password."""
    attributes = event.get("request", {}).get("userAttributes", {})
    return bool(attributes.get("identities")) or event["userName"].lower().startswith(contract.KAKAO_USERNAME_PREFIX)


def _call_cognito(operation: str, event: dict[str, Any]) -> None:
    from handlers import cognito  # only here: a first sign-in loads no module for it
    from handlers.errors import CognitoError

    try:
        cognito.call(operation, limits=cognito.IN_A_TRIGGER, UserPoolId=event["userPoolId"], Username=event["userName"])
    except CognitoError as error:
        log.error("sessions_not_ended", extra={"reason": str(error)})
        raise SessionsNotEndedError("Older sign-ins could not be ended. Reset the password once more.") from None
