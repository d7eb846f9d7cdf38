"""Accounts with e-mail and password, as a JSON API.

POST /api/auth/sign-up          {"email", "password"}           200; 409 e-mail taken, 400 weak password or bad e-mail
POST /api/auth/confirm          {"email", "code"}               200; 400 wrong code, 410 expired code, 409 done already
                                {…, "password"}                 the same; 403 where the account has another password
POST /api/auth/resend-code      {"email"}                       200, whether or not the account exists
POST /api/auth/sign-in          {"email", "password"}           200 with tokens; 400 wrong, 403 not confirmed
                                {…, "session": true}            200 with the session cookies and no tokens
POST /api/auth/forgot-password  {"email"}                       200, whether or not the account exists
POST /api/auth/reset-password   {"email", "code", "password"}   200; 400 wrong or expired code
"""

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from handlers import cognito, cognito_responses, contract, session_cookies, web
from handlers.email_address import is_email
from handlers.errors import CognitoError, CognitoResponseError, CookieError, HttpError
from handlers.web import Event, Response

log = logging.getLogger(__name__)

CLIENT_ID = os.environ[contract.ENV_CLIENT_ID]
CLIENT_SECRET = os.environ[contract.ENV_CLIENT_SECRET]
USER_POOL_ID = os.environ[contract.ENV_USER_POOL_ID]

CODE_PATTERN = re.compile(r"[0-9]{6}")
# AdminUserGlobalSignOut also revokes tokens that are issued right after it (aws-sdk-java#2449, aws-sdk-js#4323).
REVOCATION_SECONDS = 2.0

# Cognito should have sent a code and could not. An alarm counts these.
CODE_NOT_SENT = {
    "CodeDeliveryFailureException",
    "InvalidEmailRoleAccessPolicyException",
    "LimitExceededException",  # the mails of the pool for a day, or of one account
}

# Cognito answers so for accounts that exist. Where a caller must not learn whether one does, these are no errors.
ONLY_FOR_ACCOUNTS = CODE_NOT_SENT | {
    "AliasExistsException",
    "CodeMismatchException",
    "ExpiredCodeException",
    "InvalidLambdaResponseException",
    "InvalidParameterException",
    "NotAuthorizedException",
    "TooManyFailedAttemptsException",
    "UnexpectedLambdaException",
    "UserLambdaValidationException",
    "UserNotConfirmedException",
    "UserNotFoundException",
}
# For a password that has to be reset too: a pool that hides which users exist answers NotAuthorizedException.
WRONG_CREDENTIALS = {
    "NotAuthorizedException",
    "PasswordResetRequiredException",
    "UserNotFoundException",
    "UserLambdaValidationException",
}


def handler(event: Event, _context: object) -> Response:
    """Answer one request. No response repeats anything of the request."""
    routes = {
        contract.SIGN_UP: sign_up,
        contract.CONFIRM: confirm,
        contract.RESEND_CODE: resend_code,
        contract.SIGN_IN: sign_in,
        contract.FORGOT_PASSWORD: forgot_password,
        contract.RESET_PASSWORD: reset_password,
    }
    return web.respond(lambda: _respond(routes[event["routeKey"]], event), log=log)


def _respond(route: Callable[[Event], Response], event: Event) -> Response:
    try:
        return route(event)
    except CognitoError as error:
        raise cognito_responses.http_error(error) from None


def sign_up(event: Event) -> Response:
    """SignUp: create an account that is unconfirmed until the user enters the code sent to its e-mail."""
    body = web.json_body(event)
    email, password = _email(body), _new_password(body)
    attributes = [{"Name": "email", "Value": email}]
    try:
        cognito.call("sign_up", **_client_and_user(email), Password=password, UserAttributes=attributes)
    except CognitoResponseError as error:
        _log_code_not_sent(error)
        raise
    return _message("Enter the code that the e-mail has received.")


def confirm(event: Event) -> Response:
    """ConfirmSignUp: confirm the account with the code that its e-mail received.

    The code does not prove who chose the password: a stranger may have signed the e-mail up before its owner did. So a
    client sends the owner's password too, and any other password of the account stops working.
    """
    body = web.json_body(event)
    email, code = _email(body), _code(body)
    password = web.text_field(body, "password", max_length=contract.MAX_PASSWORD_LENGTH) if "password" in body else None
    try:
        cognito.call("confirm_sign_up", **_client_and_user(email), ConfirmationCode=code)
    except CognitoResponseError as error:
        if error.code == "NotAuthorizedException" and "Current status is CONFIRMED" in error.message:
            message = "The account is confirmed already. Sign in, or reset the password if yours is refused."
            raise HttpError(409, "already_confirmed", message) from None
        if error.code == "NotAuthorizedException" and "Current status is RESET_REQUIRED" in error.message:
            raise _password_reset_required() from None
        raise
    if password is not None:
        _reset_any_other_password(password, email)
    return _message("Sign in.")


def _reset_any_other_password(password: str, email: str) -> None:
    """Check the password; where it is wrong, force a reset and end the sessions that another password has opened.

    Where it cannot be checked, force the reset too: the code is used up, so it cannot be checked later.
    """
    try:
        _authenticate(email, password)
    except (CognitoError, HttpError):
        _force_password_reset(email)
        raise _password_reset_required() from None


def _force_password_reset(email: str) -> None:
    """AdminResetUserPassword, AdminUserGlobalSignOut: the old password stops working, and its sessions end."""
    for operation in ("admin_reset_user_password", "admin_user_global_sign_out"):
        try:
            cognito.call(operation, UserPoolId=USER_POOL_ID, Username=email)
        except CognitoError as error:
            log.error("password_not_ended", extra={"reason": str(error)})
            if isinstance(error, CognitoResponseError):
                _log_code_not_sent(error)


def resend_code(event: Event) -> Response:
    """ResendConfirmationCode: send another code to an account that is not confirmed."""
    return _send_code("resend_confirmation_code", event)


def forgot_password(event: Event) -> Response:
    """ForgotPassword: send a code with which the password can be reset."""
    return _send_code("forgot_password", event)


def _send_code(operation: str, event: Event) -> Response:
    email = _email(web.json_body(event))
    try:
        cognito.call(operation, **_client_and_user(email))
    except CognitoResponseError as error:
        _log_code_not_sent(error)
        if error.code not in ONLY_FOR_ACCOUNTS:
            raise
        log.info("no_code_needed", extra={"reason": error.code})
    return _message("If there is such an account, its e-mail has received a code.")


def _log_code_not_sent(error: CognitoResponseError) -> None:
    if error.code in CODE_NOT_SENT:
        log.error(contract.LOG_CODE_NOT_SENT, extra={"reason": error.code})


def reset_password(event: Event) -> Response:
    """ConfirmForgotPassword: set a new password with the code. The trigger after it ends all sessions of the account.

    The response waits until Cognito no longer revokes new tokens together with the old ones.
    """
    body = web.json_body(event)
    email, code, password = _email(body), _code(body), _new_password(body)
    try:
        cognito.call("confirm_forgot_password", **_client_and_user(email), ConfirmationCode=code, Password=password)
    except CognitoResponseError as error:
        if error.code not in ONLY_FOR_ACCOUNTS:
            raise
        log.info("not_reset", extra={"reason": error.code})
        raise _wrong_code() from None
    time.sleep(REVOCATION_SECONDS)
    return _message("Sign in with the new password.")


def sign_in(event: Event) -> Response:
    """AdminInitiateAuth: check the password, and return tokens or session cookies."""
    body = web.json_body(event)
    email, password = _email(body), web.text_field(body, "password", max_length=contract.MAX_PASSWORD_LENGTH)
    wants_session = body.get("session", False)
    if not isinstance(wants_session, bool):
        raise HttpError(400, "invalid_request", "The field 'session' has to be true or false.")
    if wants_session:
        session_cookies.check_site(event)  # or another site's page could sign its visitors in to an account of its own
    tokens = cognito_responses.token_set(_authenticate(email, password))
    try:
        cookies = session_cookies.for_tokens(tokens) if wants_session else []
    except CookieError:
        raise cognito_responses.unavailable() from None
    log.info(contract.LOG_SIGNED_IN, extra={"sub": tokens.claims["sub"]})
    if not wants_session:
        return web.json_response(200, tokens.as_json())
    headers = {contract.SESSION_EXPIRES_IN: str(tokens.seconds_left)}
    return web.json_response(200, {"message": "Signed in."}, headers=headers, cookies=cookies)


def _authenticate(email: str, password: str) -> Mapping[str, str]:
    """AdminInitiateAuth (ADMIN_USER_PASSWORD_AUTH): return the AuthenticationResult for the right password."""
    try:
        response = cognito.call(
            "admin_initiate_auth",
            UserPoolId=USER_POOL_ID,
            ClientId=CLIENT_ID,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password, "SECRET_HASH": _secret_hash(email)},
        )
    except CognitoResponseError as error:
        if error.code in WRONG_CREDENTIALS:
            message = "The e-mail or the password is wrong, or was tried too often. Check both, or reset the password."
            raise HttpError(400, "wrong_credentials", message) from None
        raise
    if "AuthenticationResult" not in response:
        raise HttpError(403, "hosted_login_required", "This account needs one more step. Sign in on the login page.")
    result: Mapping[str, str] = response["AuthenticationResult"]
    return result


def _client_and_user(email: str) -> dict[str, Any]:
    """Return the parameters that name the site's client and the user."""
    return {"ClientId": CLIENT_ID, "SecretHash": _secret_hash(email), "Username": email}


def _secret_hash(email: str) -> str:
    return cognito.secret_hash(email, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


def _message(text: str) -> Response:
    return web.json_response(200, {"message": text})


def _email(body: dict[str, object]) -> str:
    """Return the e-mail in lower case: the user name of an account, in a pool that ignores case."""
    email = web.text_field(body, "email", max_length=contract.MAX_BODY_BYTES).strip(" ")
    if not is_email(email):
        limit = contract.MAX_USERNAME_LENGTH
        message = f"The field 'email' has to be an e-mail address of at most {limit} characters."
        raise HttpError(400, "invalid_email", message)
    return email.lower()


def _new_password(body: dict[str, object]) -> str:
    """Return a password that the pool accepts. A weak one is refused before Cognito tells of the user."""
    password = web.text_field(body, "password", max_length=contract.MAX_PASSWORD_LENGTH)
    if len(password) < contract.MIN_PASSWORD_LENGTH or password != password.strip():
        length = contract.MIN_PASSWORD_LENGTH
        message = f"Choose a password of at least {length} characters, without a space at either end."
        raise HttpError(400, "weak_password", message)
    return password


def _code(body: dict[str, object]) -> str:
    code = web.text_field(body, "code", max_length=contract.MAX_CODE_LENGTH).strip(" ")
    if not CODE_PATTERN.fullmatch(code):
        raise _wrong_code()
    return code


def _password_reset_required() -> HttpError:
    message = "The account has another password, or this one could not be checked. Reset it with the code sent now."
    return HttpError(403, "password_reset_required", message)


def _wrong_code() -> HttpError:
    return HttpError(400, "invalid_code", "The code is wrong, too old, or was tried too often. Ask for a new one.")
