"""POST /api/auth/kakao: sign-in with a Kakao token, for apps that have one from Kakao's SDK.

{"access_token"} or {"id_token", "nonce"?}: 200 with tokens; 401 not ours, not valid, or an ID token that Kakao issued
more than five minutes ago; 403 where Kakao or Cognito refuses the user; 409 where the user has to come through the
hosted login, at the address in the answer; 429, 502, 504 where Kakao or Cognito cannot serve now.

The profile is `kakao-<id>`: nobody knows a password of it, and hosted sign-ins of the same Kakao id land on it. Each
step may be done twice or be the last one: the next sign-in goes on from there.
"""

import logging
import os
import time
from typing import Any

from handlers import cognito, kakao, web
from handlers.cognito import CognitoError
from handlers.kakao import Credential, KakaoError
from handlers.web import Answer, Event, Refusal

log = logging.getLogger(__name__)

CLIENT_ID = os.environ["CLIENT_ID"]
USER_POOL_ID = os.environ["USER_POOL_ID"]
AUTHORIZE_URL = os.environ["AUTHORIZE_URL"]

SECONDS = 2.5  # for all that is asked of Kakao here; the challenge asks once more
LONGEST_TOKEN = 8192
LONGEST_NONCE = 512

KAKAO = kakao.from_environment()

ANSWERS = {
    "invalid_token": (401, "Ask Kakao for a new token of this app. An ID token counts for five minutes."),
    "kakao_account_restricted": (403, "Kakao has restricted this account. The user has to ask Kakao."),
    "kakao_consent_required": (403, "The user has to agree to more in Kakao's consent screen. Ask for it, then retry."),
    "kakao_under_age": (403, "Kakao does not let users of this age sign in to this app."),
    "kakao_misconfigured": (502, "Kakao refuses the calls of this service. Its team has to look at its log."),
    "kakao_throttled": (429, "Kakao takes no more requests from this app for now. Try again later."),
    "kakao_unavailable": (502, "Kakao is not available. Try again."),
    "kakao_too_slow": (504, "Kakao is slow. Try again."),
}
RETRY_AFTER = {"kakao_throttled": 60}  # seconds; Kakao says none
THROTTLED = {"LimitExceededException", "ThrottlingException", "TooManyRequestsException"}


class HostedProfileError(Exception):
    """The person has a profile of the hosted login's, to which Cognito gives no tokens in another way."""


def handler(event: Event, _context: object) -> Answer:
    """Answer one request; every error is one of ours, and none repeats what came in."""
    return web.guarded(lambda: _answered(event), log=log)


def _answered(event: Event) -> Answer:
    try:
        return sign_in(event)
    except KakaoError as error:
        raise _refusal(error.code) from None
    except CognitoError as error:
        if error.name in THROTTLED:
            raise error.as_refusal() from None
        log.error("cognito_failed", extra={"reason": error.name})
        raise cognito.unavailable() from None
    except HostedProfileError:
        log.info("hosted_login_required")
        message = "This person has to come through the web: continue at authorize_url, in the system browser."
        body = {"error": "hosted_login_required", "message": message, "authorize_url": AUTHORIZE_URL}
        return web.json_answer(409, body)


def sign_in(event: Event) -> Answer:
    """Give tokens to the person to whom Kakao gave the token."""
    deadline = time.monotonic() + SECONDS
    credential = _credential(web.json_body(event))
    person = KAKAO.person(credential, deadline=deadline)
    settle(person, credential, deadline)
    tokens = cognito.tokens(_challenged(person, credential))
    log.info("signed_in", extra={"sub": tokens.claims["sub"]})
    return web.json_answer(200, tokens.as_body())


def _credential(body: dict[str, Any]) -> Credential:
    tokens = [field for field in ("access_token", "id_token") if field in body]
    if len(tokens) != 1:
        raise Refusal(400, "invalid_request", "Send one field, 'access_token' or 'id_token'.")
    if "nonce" in body and tokens != ["id_token"]:
        raise Refusal(400, "invalid_request", "The field 'nonce' belongs to an 'id_token'.")
    nonce = web.text(body, "nonce", longest=LONGEST_NONCE) if "nonce" in body else None
    return Credential(**{tokens[0]: web.text(body, tokens[0], longest=LONGEST_TOKEN)}, nonce=nonce)


# The profile


def settle(person: str, credential: Credential, deadline: float) -> None:
    """Leave the user with one profile that opens; raise HostedProfileError where it is the hosted login's.

    An unlinked profile that lost a race stays as it is: neither a password nor the challenge opens it, and no function
    may delete users.
    """
    profile = _profile(kakao.user_name(person))
    if profile is not None and profile["Enabled"] is not True:
        raise Refusal(403, "refused", "This account is disabled.")
    if profile is not None and _is_linked(profile, person):
        return
    if _has_hosted_profile(person):
        raise HostedProfileError
    if profile is None:
        _create(person, credential, deadline)
    try:
        _link(person)
    except CognitoError:
        # Another request was faster, be it a sign-in by token or on the web. What Cognito calls the error depends on
        # which, and its words are not documented, so look.
        profile = _profile(kakao.user_name(person))
        if profile and _is_linked(profile, person):
            return
        if not _has_hosted_profile(person):
            raise
        raise HostedProfileError from None


def _has_hosted_profile(person: str) -> bool:
    """Whether the user has a profile of the hosted login's. A pool without case writes its name in lower case."""
    name = f"{kakao.PROVIDER}_{person}"
    return any(_profile(one) is not None for one in (name.lower(), name))


def _profile(user_name: str) -> dict[str, Any] | None:
    try:
        return cognito.ask("admin_get_user", UserPoolId=USER_POOL_ID, Username=user_name)
    except CognitoError as error:
        if error.name != "UserNotFoundException":
            raise
        return None


def _is_linked(profile: dict[str, Any], person: str) -> bool:
    attributes = {attribute["Name"]: attribute["Value"] for attribute in profile["UserAttributes"]}
    return kakao.linked(attributes.get("identities"), person)


def _create(person: str, credential: Credential, deadline: float) -> None:
    """Make a profile that no password opens: Cognito makes one up, and tells it to nobody."""
    told = KAKAO.profile(credential, deadline=deadline)
    attributes = {"nickname": told.nickname, "email": told.email, "email_verified": told.email and "true"}
    try:
        cognito.ask(
            "admin_create_user",
            UserPoolId=USER_POOL_ID,
            Username=kakao.user_name(person),
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items() if value],
        )
    except CognitoError as error:
        if error.name != "UsernameExistsException":  # another request has made it just now
            raise
    else:
        log.info("profile_made")


def _link(person: str) -> None:
    cognito.ask(
        "admin_link_provider_for_user",
        UserPoolId=USER_POOL_ID,
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": kakao.user_name(person)},
        SourceUser={
            "ProviderName": kakao.PROVIDER,
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": person,
        },
    )


# The challenge


def _challenged(person: str, credential: Credential) -> dict[str, str]:
    """Return Cognito's AuthenticationResult for the token that answers its challenge."""
    client = {"UserPoolId": USER_POOL_ID, "ClientId": CLIENT_ID}
    user_name = kakao.user_name(person)
    try:
        begun = cognito.ask(
            "admin_initiate_auth", **client, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": user_name}
        )
    except CognitoError as error:
        if error.name in ("NotAuthorizedException", "PasswordResetRequiredException"):
            raise HostedProfileError from None
        raise
    try:
        answer = cognito.ask(
            "admin_respond_to_auth_challenge",
            **client,
            ChallengeName="CUSTOM_CHALLENGE",
            ChallengeResponses={"USERNAME": user_name, "ANSWER": credential.as_text()},
            Session=begun["Session"],
        )
    except CognitoError as error:
        raise _of_the_challenge(error) from None
    if "AuthenticationResult" not in answer:
        raise _refusal("invalid_token")  # it was good a moment ago
    result: dict[str, str] = answer["AuthenticationResult"]
    return result


def _of_the_challenge(error: CognitoError) -> Refusal | CognitoError:
    """Return what Cognito's error means: a trigger's own words are in the message."""
    if error.name == "NotAuthorizedException":
        return _refusal("invalid_token")
    said = next((code for code in ANSWERS if code in error.message), None)
    return _refusal(said) if said else error


def _refusal(code: str) -> Refusal:
    status, message = ANSWERS[code]
    return Refusal(status, code, message, retry_after=RETRY_AFTER.get(code))
