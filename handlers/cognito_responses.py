"""The HTTP response to each error of Cognito's API, and the tokens in a response of it."""

import logging
from collections.abc import Mapping
from typing import Any

from handlers.errors import CognitoError, CognitoResponseError, CognitoTooSlowError, HttpError
from handlers.token_set import TokenSet, unverified_claims

log = logging.getLogger(__name__)

# AWS's error code → status, code, message. Any other error code is a fault of the deployment or of Cognito: 502.
# Source: the Errors sections of the API reference, and botocore's model of the operations.
RESPONSES: Mapping[str, tuple[int, str, str]] = {
    "UsernameExistsException": (409, "email_taken", "There is an account with this e-mail. Sign in with it."),
    "AliasExistsException": (409, "email_taken", "There is an account with this e-mail. Sign in with it."),
    "InvalidPasswordException": (400, "weak_password", "Choose a longer password."),
    "PasswordHistoryPolicyViolationException": (400, "weak_password", "Choose a password that you have not had."),
    "CodeMismatchException": (400, "invalid_code", "The code is wrong. Check it, or ask for a new one."),
    "UserNotFoundException": (400, "invalid_code", "The code is wrong. Check it, or ask for a new one."),
    "ExpiredCodeException": (410, "expired_code", "The code has expired. Ask for a new one."),
    "InvalidParameterException": (400, "invalid_request", "The e-mail, the password or the code is not accepted."),
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
THROTTLED = {"LimitExceededException", "ThrottlingException", "TooManyRequestsException"}
RETRY_AFTER_SECONDS = {"throttled": 2, "limit_exceeded": 900}


def http_error(error: CognitoError) -> HttpError:
    """Return the HTTP response to an error of Cognito; log an error that is not the user's."""
    if isinstance(error, CognitoTooSlowError):
        return too_slow()
    if isinstance(error, CognitoResponseError) and error.code in RESPONSES:
        status, code, message = RESPONSES[error.code]
        return HttpError(status, code, message, retry_after=RETRY_AFTER_SECONDS.get(code))
    log.error("cognito_failed", extra={"reason": str(error)})
    return unavailable()


def token_set(result: Mapping[str, Any]) -> TokenSet:
    """Return the tokens in an AuthenticationResult; raise HttpError (502) where one is missing or is no JWT."""
    try:
        claims = unverified_claims(result["IdToken"])  # trusted: they come from Cognito over TLS
        return TokenSet(result["IdToken"], result["RefreshToken"], claims, result["AccessToken"])
    except (KeyError, ValueError):
        raise unavailable() from None


def too_slow() -> HttpError:
    """Return the response where Cognito does not answer in time."""
    return HttpError(504, "cognito_too_slow", "The sign-in service is slow. Try again.")


def unavailable() -> HttpError:
    """Return the response where Cognito is down, or its response makes no sense."""
    return HttpError(502, "cognito_unavailable", "The sign-in service is not available. Try again.")


def throttled(*, retry_after: int) -> HttpError:
    """Return the response where Cognito throttles; `retry_after` is in seconds."""
    return HttpError(429, "throttled", "Too many requests. Try again in a moment.", retry_after=retry_after)
