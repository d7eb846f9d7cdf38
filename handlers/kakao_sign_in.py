"""POST /api/auth/kakao: sign-in with a Kakao token, for apps that have one from Kakao's SDK.

{"access_token"} or {"id_token", "nonce"?}
200 with tokens
401 the token is not of this app or not valid, or an ID token that Kakao issued more than five minutes ago
403 Kakao or Cognito refuses the user
409 the user has to sign in through the hosted login, at `authorize_url`
429, 502, 504 Kakao or Cognito cannot serve now

The profile is `kakao-<id>`. Nobody knows its password, and hosted sign-ins with the same Kakao ID lead to it. A
sign-in that ends half-way leaves nothing to repair: the next one continues from there.
"""

import logging
import os
import time
from enum import Enum, auto
from typing import Any, NamedTuple

from handlers import cognito, cognito_responses, contract, kakao_environment, kakao_user, web
from handlers.errors import CognitoError, CognitoResponseError, HostedProfileError, HttpError, KakaoError
from handlers.kakao_api import Credential
from handlers.web import Event, Response

log = logging.getLogger(__name__)

CLIENT_ID = os.environ[contract.ENV_CLIENT_ID]
CLIENT_SECRET = os.environ[contract.ENV_CLIENT_SECRET]
USER_POOL_ID = os.environ[contract.ENV_USER_POOL_ID]
AUTHORIZE_URL = os.environ[contract.ENV_AUTHORIZE_URL]

TIMEOUT_SECONDS = 2.5  # for all requests to Kakao here; the challenge sends one more
MAX_NONCE_LENGTH = 512

KAKAO = kakao_environment.kakao_api()

# The code of a KakaoError → status, message.
RESPONSES = {
    "invalid_token": (401, "Ask Kakao for a new token of this app. An ID token is accepted for five minutes."),
    "kakao_account_restricted": (403, "Kakao has restricted this account. The user has to ask Kakao."),
    "kakao_consent_required": (403, "The user has to agree to more in Kakao's consent screen. Ask for it, then retry."),
    "kakao_under_age": (403, "Kakao does not let users of this age sign in to this app."),
    "kakao_misconfigured": (502, "Kakao refuses the calls of this service. Its team has to look at its log."),
    "kakao_throttled": (429, "Kakao takes no more requests from this app for now. Try again later."),
    "kakao_unavailable": (502, "Kakao is not available. Try again."),
    "kakao_too_slow": (504, "Kakao is slow. Try again."),
}
RETRY_AFTER_SECONDS = {"kakao_throttled": 60}  # Kakao itself names no time
THROTTLED = {"LimitExceededException", "ThrottlingException", "TooManyRequestsException"}


# The decision


class Profile(NamedTuple):
    """The profile `kakao-<id>` in the user pool."""

    enabled: bool
    linked: bool


class Step(Enum):
    """What a sign-in does next."""

    REFUSE = auto()
    CHALLENGE = auto()
    LOOK_UP_HOSTED_PROFILE = auto()
    USE_HOSTED_LOGIN = auto()
    CREATE_PROFILE = auto()
    LINK_PROFILE = auto()


def next_step(profile: Profile | None, *, has_hosted_profile: bool | None) -> Step:
    """Return the next step by what the pool holds; `has_hosted_profile` is None where that is not known yet.

    A profile without a link stays as it is where there is a hosted profile: neither a password nor the challenge opens
    it, and no function may delete users.
    """
    if profile and not profile.enabled:
        return Step.REFUSE
    if profile and profile.linked:
        return Step.CHALLENGE
    if has_hosted_profile is None:
        return Step.LOOK_UP_HOSTED_PROFILE
    if has_hosted_profile:
        return Step.USE_HOSTED_LOGIN
    return Step.LINK_PROFILE if profile else Step.CREATE_PROFILE


# The request and the response


def handler(event: Event, _context: object) -> Response:
    """Answer one request."""
    return web.respond(lambda: _respond(event), log=log)


def _respond(event: Event) -> Response:
    try:
        return sign_in(event)
    except KakaoError as error:
        raise _http_error(error.code) from None
    except CognitoResponseError as error:
        if error.code in THROTTLED:
            raise cognito_responses.http_error(error) from None
        log.error("cognito_failed", extra={"reason": error.code})
        raise cognito_responses.unavailable() from None
    except CognitoError as error:
        raise cognito_responses.http_error(error) from None
    except HostedProfileError:
        log.info("hosted_login_required")
        message = "This user has to sign in on the web: open authorize_url in the system browser."
        body = {"error": "hosted_login_required", "message": message, "authorize_url": AUTHORIZE_URL}
        return web.json_response(409, body)


def sign_in(event: Event) -> Response:
    """Return tokens of Cognito for the user whose Kakao token the request holds."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    credential = _credential(web.json_body(event))
    kakao_id = KAKAO.user_id(credential, deadline=deadline)
    prepare_profile(kakao_id, credential, deadline)
    tokens = cognito_responses.token_set(_answer_challenge(kakao_id, credential))
    log.info(contract.LOG_SIGNED_IN, extra={"sub": tokens.claims["sub"]})
    return web.json_response(200, tokens.as_json())


def _credential(body: dict[str, Any]) -> Credential:
    fields = [field for field in ("access_token", "id_token") if field in body]
    if len(fields) != 1:
        raise HttpError(400, "invalid_request", "Send one field, 'access_token' or 'id_token'.")
    if "nonce" in body and fields != ["id_token"]:
        raise HttpError(400, "invalid_request", "The field 'nonce' belongs to an 'id_token'.")
    nonce = web.text_field(body, "nonce", max_length=MAX_NONCE_LENGTH) if "nonce" in body else None
    token = web.text_field(body, fields[0], max_length=contract.MAX_TOKEN_LENGTH)
    return Credential(**{fields[0]: token}, nonce=nonce)


def _http_error(code: str) -> HttpError:
    status, message = RESPONSES[code]
    return HttpError(status, code, message, retry_after=RETRY_AFTER_SECONDS.get(code))


# The profile


def prepare_profile(kakao_id: str, credential: Credential, deadline: float) -> None:
    """Create and link the profile where it is missing; raise HostedProfileError where there is a hosted one."""
    step = _find_next_step(kakao_id)
    if step is Step.CREATE_PROFILE:
        _create_profile(kakao_id, credential, deadline)
        step = Step.LINK_PROFILE
    if step is Step.LINK_PROFILE:
        step = _link_profile(kakao_id)
    if step is Step.REFUSE:
        raise HttpError(403, "refused", "This account is disabled.")
    if step is Step.USE_HOSTED_LOGIN:
        raise HostedProfileError


def _find_next_step(kakao_id: str) -> Step:
    """Ask the pool for the profile and, only where the decision needs it, for the hosted profile."""
    profile = _get_profile(kakao_id)
    step = next_step(profile, has_hosted_profile=None)
    if step is Step.LOOK_UP_HOSTED_PROFILE:
        step = next_step(profile, has_hosted_profile=_has_hosted_profile(kakao_id))
    return step


def _link_profile(kakao_id: str) -> Step:
    """AdminLinkProviderForUser: hosted sign-ins with this Kakao ID lead to the profile. Return the next step.

    Where another request was faster, the error depends on whether that was a sign-in by token or through the hosted
    login, and AWS documents no text. So the pool is asked again.
    """
    try:
        cognito.call(
            "admin_link_provider_for_user",
            UserPoolId=USER_POOL_ID,
            DestinationUser={
                "ProviderName": contract.NATIVE_PROVIDER,
                "ProviderAttributeValue": kakao_user.username(kakao_id),
            },
            SourceUser={
                "ProviderName": contract.PROVIDER,
                "ProviderAttributeName": "Cognito_Subject",
                "ProviderAttributeValue": kakao_id,
            },
        )
    except CognitoResponseError:
        step = _find_next_step(kakao_id)
        if step in (Step.CREATE_PROFILE, Step.LINK_PROFILE):
            raise
        return step
    return Step.CHALLENGE


def _get_profile(kakao_id: str) -> Profile | None:
    user = _get_user(kakao_user.username(kakao_id))
    if user is None:
        return None
    identities = cognito.user_attributes(user).get("identities")
    return Profile(enabled=user["Enabled"] is True, linked=kakao_user.is_linked(identities, kakao_id))


def _has_hosted_profile(kakao_id: str) -> bool:
    return any(_get_user(name) is not None for name in kakao_user.hosted_usernames(kakao_id))


def _get_user(username: str) -> dict[str, Any] | None:
    """AdminGetUser: return the user, or None where there is none."""
    try:
        return cognito.call("admin_get_user", UserPoolId=USER_POOL_ID, Username=username)
    except CognitoResponseError as error:
        if error.code != "UserNotFoundException":
            raise
        return None


def _create_profile(kakao_id: str, credential: Credential, deadline: float) -> None:
    """AdminCreateUser: Cognito generates a password and, because of SUPPRESS, shows it to nobody."""
    profile = KAKAO.profile(credential, deadline=deadline)
    attributes = {"nickname": profile.nickname, "email": profile.email, "email_verified": profile.email and "true"}
    try:
        cognito.call(
            "admin_create_user",
            UserPoolId=USER_POOL_ID,
            Username=kakao_user.username(kakao_id),
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items() if value],
        )
    except CognitoResponseError as error:
        if error.code != "UsernameExistsException":  # another request has just created it
            raise
    else:
        log.info("profile_made")


# The challenge


def _answer_challenge(kakao_id: str, credential: Credential) -> dict[str, str]:
    """AdminInitiateAuth (CUSTOM_AUTH) and AdminRespondToAuthChallenge: return the AuthenticationResult."""
    username = kakao_user.username(kakao_id)
    user = {
        "USERNAME": username,
        "SECRET_HASH": cognito.secret_hash(username, client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
    }
    try:
        challenge = cognito.call(
            "admin_initiate_auth",
            UserPoolId=USER_POOL_ID,
            ClientId=CLIENT_ID,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters=user,
        )
    except CognitoResponseError as error:
        if error.code in ("NotAuthorizedException", "PasswordResetRequiredException"):
            raise HostedProfileError from None
        raise
    try:
        response = cognito.call(
            "admin_respond_to_auth_challenge",
            UserPoolId=USER_POOL_ID,
            ClientId=CLIENT_ID,
            ChallengeName="CUSTOM_CHALLENGE",
            ChallengeResponses={**user, "ANSWER": credential.as_text()},
            Session=challenge["Session"],
        )
    except CognitoResponseError as error:
        raise _challenge_error(error) from None
    if "AuthenticationResult" not in response:
        raise _http_error("invalid_token")  # the token expired or was revoked a moment ago
    result: dict[str, str] = response["AuthenticationResult"]
    return result


def _challenge_error(error: CognitoResponseError) -> HttpError | CognitoResponseError:
    """Return what an error of the challenge means. Its message holds the text of the trigger's exception."""
    if error.code == "NotAuthorizedException":
        return _http_error("invalid_token")
    code = next((code for code in RESPONSES if code in error.message), None)
    return _http_error(code) if code else error
