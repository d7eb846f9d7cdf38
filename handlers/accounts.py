"""Accounts with e-mail and password, as a JSON API.

POST /api/auth/sign-up          {"email", "password"}           200; 409 e-mail taken, 400 weak password or bad e-mail
POST /api/auth/confirm          {"email", "code"}               200; 400 wrong code, 410 expired code, 409 done already
                                {…, "password": …}              the same; 403 where the account's is another one
POST /api/auth/resend-code      {"email"}                       200, whether or not there is such an account
POST /api/auth/sign-in          {"email", "password"}           200 with tokens; 400 wrong, 403 not confirmed
                                {…, "session": true}            200 with the session's cookies and no tokens
POST /api/auth/forgot-password  {"email"}                       200, whether or not there is such an account
POST /api/auth/reset-password   {"email", "code", "password"}   200; 400 wrong or expired code
"""

import logging
import os
import re
import time
from collections.abc import Callable, Mapping

from handlers import cognito, contract, session_cookies, web
from handlers.cognito import CognitoError
from handlers.email_address import LONGEST as LONGEST_EMAIL
from handlers.email_address import is_email
from handlers.web import Answer, Event, Refusal

log = logging.getLogger(__name__)

CLIENT_ID = os.environ["CLIENT_ID"]
USER_POOL_ID = os.environ["USER_POOL_ID"]
PASSWORD_LENGTH = contract.MIN_PASSWORD_LENGTH

LONGEST_PASSWORD = 256
CODE = re.compile(r"[0-9]{6}")
# AdminUserGlobalSignOut also revokes tokens of the moment after it (aws-sdk-java#2449, aws-sdk-js#4323: up to a third).
SETTLING_SECONDS = 2.0

# Cognito would have sent a code, and could not: an alarm counts these.
NOT_SENT = {
    "CodeDeliveryFailureException",
    "InvalidEmailRoleAccessPolicyException",
    "LimitExceededException",  # the mails of the pool's day, or of one account
}

# What only an account that exists can make Cognito say; where nobody may learn of it, each counts as no error.
ONLY_OF_ACCOUNTS = {
    "AliasExistsException",
    "CodeDeliveryFailureException",
    "CodeMismatchException",
    "ExpiredCodeException",
    "InvalidEmailRoleAccessPolicyException",
    "InvalidLambdaResponseException",
    "InvalidParameterException",
    "LimitExceededException",
    "NotAuthorizedException",
    "TooManyFailedAttemptsException",
    "UnexpectedLambdaException",
    "UserLambdaValidationException",
    "UserNotConfirmedException",
    "UserNotFoundException",
}
# A password that has to be reset is one of these: where the existence of users is hidden, Cognito says NotAuthorized.
WRONG_CREDENTIALS = {
    "NotAuthorizedException",
    "PasswordResetRequiredException",
    "UserNotFoundException",
    "UserLambdaValidationException",
}


def handler(event: Event, _context: object) -> Answer:
    """Answer one request; every error is one of ours, and none repeats what came in."""
    routes = {
        "POST /api/auth/sign-up": sign_up,
        "POST /api/auth/confirm": confirm,
        "POST /api/auth/resend-code": resend_code,
        "POST /api/auth/sign-in": sign_in,
        "POST /api/auth/forgot-password": forgot_password,
        "POST /api/auth/reset-password": reset_password,
    }
    return web.guarded(lambda: _answered(routes[event["routeKey"]], event), log=log)


def _answered(route: Callable[[Event], Answer], event: Event) -> Answer:
    try:
        return route(event)
    except CognitoError as error:
        raise error.as_refusal() from None


def sign_up(event: Event) -> Answer:
    """Make an account that waits for the code that its e-mail receives."""
    body = web.json_body(event)
    email, password = _email(body), _new_password(body)
    attributes = [{"Name": "email", "Value": email}]
    try:
        cognito.ask("sign_up", ClientId=CLIENT_ID, Username=email, Password=password, UserAttributes=attributes)
    except CognitoError as error:
        _note_not_sent(error)
        raise
    return _done("Enter the code that the e-mail has received.")


def confirm(event: Event) -> Answer:
    """Believe that the e-mail is the person's, who has read the code there.

    Whose password it is, the code does not tell: a stranger may have signed the e-mail up before its owner. So a client
    asks for the password again, and one that the owner does not know is taken away from the account.
    """
    body = web.json_body(event)
    email, code = _email(body), _code(body)
    password = web.text(body, "password", longest=LONGEST_PASSWORD) if "password" in body else None
    try:
        cognito.ask("confirm_sign_up", ClientId=CLIENT_ID, Username=email, ConfirmationCode=code)
    except CognitoError as error:
        if error.name == "NotAuthorizedException" and "Current status is CONFIRMED" in error.message:
            message = "The account is confirmed already. Sign in, or reset the password if yours is refused."
            raise Refusal(409, "already_confirmed", message) from None
        if error.name == "NotAuthorizedException" and "Current status is RESET_REQUIRED" in error.message:
            raise _password_ended() from None
        raise
    if password is not None:
        _keep_only(password, email)
    return _done("Sign in.")


def _keep_only(password: str, email: str) -> None:
    """Let the account keep this password; end any other one, and the sessions of who was quick to sign in with it.

    One that could not be checked is ended as well: the code is spent, so nobody could check it later.
    """
    try:
        _authenticated(email, password)
    except (CognitoError, Refusal):
        for operation in ("admin_reset_user_password", "admin_user_global_sign_out"):
            try:
                cognito.ask(operation, UserPoolId=USER_POOL_ID, Username=email)
            except (CognitoError, Refusal) as error:
                log.error("password_not_ended", extra={"reason": error.args[0]})
                if isinstance(error, CognitoError):
                    _note_not_sent(error)
        raise _password_ended() from None


def resend_code(event: Event) -> Answer:
    """Send another code to an account that waits for one."""
    return _send_code("resend_confirmation_code", event)


def forgot_password(event: Event) -> Answer:
    """Send a code with which to reset the password of an account."""
    return _send_code("forgot_password", event)


def _send_code(operation: str, event: Event) -> Answer:
    email = _email(web.json_body(event))
    try:
        cognito.ask(operation, ClientId=CLIENT_ID, Username=email)
    except CognitoError as error:
        _note_not_sent(error)
        if error.name not in ONLY_OF_ACCOUNTS:
            raise
        log.info("no_code_needed", extra={"reason": error.name})
    return _done("If there is such an account, its e-mail has received a code.")


def _note_not_sent(error: CognitoError) -> None:
    if error.name in NOT_SENT:
        log.error("code_not_sent", extra={"reason": error.name})


def reset_password(event: Event) -> Answer:
    """ConfirmForgotPassword: set a new password with the code. The trigger after it ends every session of the account.

    The answer waits until Cognito no longer revokes new tokens with the old ones.
    """
    body = web.json_body(event)
    email, code, password = _email(body), _code(body), _new_password(body)
    try:
        cognito.ask(
            "confirm_forgot_password", ClientId=CLIENT_ID, Username=email, ConfirmationCode=code, Password=password
        )
    except CognitoError as error:
        if error.name not in ONLY_OF_ACCOUNTS:
            raise
        log.info("not_reset", extra={"reason": error.name})
        raise _wrong_code() from None
    time.sleep(SETTLING_SECONDS)
    return _done("Sign in with the new password.")


def sign_in(event: Event) -> Answer:
    """Give tokens, or the session's cookies, to whoever knows the password."""
    body = web.json_body(event)
    email, password = _email(body), web.text(body, "password", longest=LONGEST_PASSWORD)
    session = body.get("session", False)
    if not isinstance(session, bool):
        raise Refusal(400, "invalid_request", "The field 'session' has to be true or false.")
    if session:
        session_cookies.check_site(event)  # else another site's page could sign its visitors in as somebody else
    tokens = cognito.tokens(_authenticated(email, password))
    try:
        cookies = session_cookies.started(tokens) if session else []
    except web.CookieError:
        raise cognito.unavailable() from None
    log.info("signed_in", extra={"sub": tokens.claims["sub"]})
    if not session:
        return web.json_answer(200, tokens.as_body())
    expiry = {"session-expires-in": str(tokens.seconds_left)}
    return web.json_answer(200, {"message": "Signed in."}, headers=expiry, cookies=cookies)


def _authenticated(email: str, password: str) -> Mapping[str, str]:
    """Return Cognito's AuthenticationResult for the right password."""
    parameters = {"USERNAME": email, "PASSWORD": password}
    try:
        answer = cognito.ask(
            "admin_initiate_auth",
            UserPoolId=USER_POOL_ID,
            ClientId=CLIENT_ID,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters=parameters,
        )
    except CognitoError as error:
        if error.name in WRONG_CREDENTIALS:
            message = "The e-mail or the password is wrong, or was tried too often. Check both, or reset the password."
            raise Refusal(400, "wrong_credentials", message) from None
        raise
    if "AuthenticationResult" not in answer:
        raise Refusal(403, "hosted_login_required", "This account needs one more step. Sign in on the login page.")
    result: Mapping[str, str] = answer["AuthenticationResult"]
    return result


def _done(message: str) -> Answer:
    return web.json_answer(200, {"message": message})


def _email(body: dict[str, object]) -> str:
    """Return the address as Cognito compares it: in a pool without case, in lower case, and otherwise as it is."""
    email = web.text(body, "email", longest=web.LARGEST_BODY).strip(" ")
    if not is_email(email):
        message = f"The field 'email' has to be an e-mail address of at most {LONGEST_EMAIL} characters."
        raise Refusal(400, "invalid_email", message)
    return email.lower()


def _new_password(body: dict[str, object]) -> str:
    """Return a password that the pool will take. A weak one is refused here, before it matters whose it would be."""
    password = web.text(body, "password", longest=LONGEST_PASSWORD)
    if len(password) < PASSWORD_LENGTH or password != password.strip():
        message = f"Choose a password of at least {PASSWORD_LENGTH} characters, without a space at either end."
        raise Refusal(400, "weak_password", message)
    return password


def _code(body: dict[str, object]) -> str:
    code = web.text(body, "code", longest=2048).strip(" ")
    if not CODE.fullmatch(code):
        raise _wrong_code()
    return code


def _password_ended() -> Refusal:
    message = "The password is not the account's, or could not be checked. Set it with the code that was mailed now."
    return Refusal(403, "password_reset_required", message)


def _wrong_code() -> Refusal:
    return Refusal(400, "invalid_code", "The code is wrong, too old, or was tried too often. Ask for a new one.")
