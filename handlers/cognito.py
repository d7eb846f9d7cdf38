"""Cognito's API as the functions that sign people in use it, with each of its errors as an answer of ours."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from handlers.token_endpoint import Tokens, payload
from handlers.web import Refusal

log = logging.getLogger(__name__)

# Error name → status, code, message. What is not here is a fault of the deployment or of Cognito: 502.
# Source: the Errors sections of the API reference, and botocore's model of the operations.
ANSWERS: Mapping[str, tuple[int, str, str]] = {
    "UsernameExistsException": (409, "email_taken", "There is an account with this e-mail. Sign in with it."),
    "AliasExistsException": (409, "email_taken", "There is an account with this e-mail. Sign in with it."),
    "InvalidPasswordException": (400, "weak_password", "Choose a longer password."),
    "PasswordHistoryPolicyViolationException": (400, "weak_password", "Choose a password that you have not had."),
    "CodeMismatchException": (400, "invalid_code", "The code is wrong. Check it, or ask for a new one."),
    "UserNotFoundException": (400, "invalid_code", "The code is wrong. Check it, or ask for a new one."),
    "ExpiredCodeException": (410, "expired_code", "The code has expired. Ask for a new one."),
    "InvalidParameterException": (400, "invalid_request", "The e-mail, the password or the code cannot be taken."),
    "UserNotConfirmedException": (403, "not_confirmed", "Confirm the e-mail first: enter its code, or ask for one."),
    "NotAuthorizedException": (403, "refused", "This is not allowed."),
    "UserLambdaValidationException": (403, "refused", "This is not allowed."),
    "ForbiddenException": (403, "refused", "This is not allowed."),
    "LimitExceededException": (429, "limit_exceeded", "Too many attempts. Try again later."),
    "TooManyFailedAttemptsException": (429, "limit_exceeded", "Too many attempts. Try again later."),
    "TooManyRequestsException": (429, "throttled", "Too many requests. Try again in a moment."),
    "ThrottlingException": (429, "throttled", "Too many requests. Try again in a moment."),
    "CodeDeliveryFailureException": (502, "code_not_sent", "The code could not be sent. Ask for it again."),
}
RETRY_AFTER = {"throttled": 2, "limit_exceeded": 900}  # seconds


class CognitoError(Exception):
    """Cognito said no; `name` is its error's, such as UsernameExistsException, and `message` is for comparing only."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name)
        self.name = name
        self.message = message

    def as_refusal(self) -> Refusal:
        """Return the answer for it."""
        if self.name not in ANSWERS:
            log.error("cognito_failed", extra={"reason": self.name})
            return unavailable()
        status, code, message = ANSWERS[self.name]
        return Refusal(status, code, message, retry_after=RETRY_AFTER.get(code))


def ask(operation: str, **parameters: Any) -> dict[str, Any]:
    """Call Cognito once; raise CognitoError where it says no, and Refusal (502, 504) where it does not answer."""
    client = _client()
    from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

    try:
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
    except ClientError as error:
        said = error.response["Error"]
        raise CognitoError(said["Code"], said.get("Message", "")) from None
    except (ConnectTimeoutError, ReadTimeoutError):
        raise Refusal(504, "cognito_too_slow", "The sign-in service is slow. Try again.") from None
    except BotoCoreError as error:
        log.error("cognito_failed", extra={"reason": type(error).__name__})
        raise unavailable() from None
    return answer


def tokens(result: Mapping[str, str]) -> Tokens:
    """Return the tokens of an AuthenticationResult; raise Refusal (502) where it makes no sense."""
    try:
        return Tokens(result["IdToken"], result["RefreshToken"], payload(result["IdToken"]), result["AccessToken"])
    except (KeyError, ValueError):
        raise unavailable() from None


def unavailable() -> Refusal:
    """Return the answer for a Cognito that is down or makes no sense."""
    return Refusal(502, "cognito_unavailable", "The sign-in service is not available. Try again.")


@cache
def _client() -> Any:
    import boto3  # of Lambda's runtime, not of the package
    from botocore.config import Config

    # No second try: a sign-up whose answer was lost would then say that its e-mail is taken.
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client("cognito-idp", config=config)
