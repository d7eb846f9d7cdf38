"""The profile `kakao-<id>` in the user pool: who it belongs to, and how its user gets Cognito's tokens.

Sign-ins with a Kakao token and, where users sign in at Kakao itself, on the web go through here. No user knows the
password of a profile. Where there is a hosted login, its sign-ins with the same Kakao ID lead to the profile. A sign-in
that ends half-way leaves nothing to repair: the next one continues from there.
"""

import logging
import os
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from handlers import cognito, cognito_responses, contract, first_sign_in, kakao_user
from handlers.errors import (
    CognitoError,
    CognitoResponseError,
    DisabledProfileError,
    HostedProfileError,
    InvalidKakaoTokenError,
    KakaoError,
)
from handlers.kakao_api import Credential
from handlers.token_set import TokenSet

log = logging.getLogger(__name__)

CLIENT_ID = os.environ[contract.ENV_CLIENT_ID]
CLIENT_SECRET = os.environ[contract.ENV_CLIENT_SECRET]
USER_POOL_ID = os.environ[contract.ENV_USER_POOL_ID]
# Where users sign in at Kakao itself there is no hosted login, so there are neither links nor hosted profiles.
DIRECT = contract.ENV_DIRECT_SIGN_IN in os.environ

KAKAO_ERRORS = {error.code: error for error in KakaoError.__subclasses__()}


def sign_in(kakao_id: str, credential: Credential, fetch: Callable[[], Mapping[str, str]]) -> TokenSet:
    """Return Cognito's tokens for the user with this Kakao ID, whose token `credential` is.

    `fetch` asks Kakao for the attributes of the profile, where they are needed. Raises DisabledProfileError,
    HostedProfileError, KakaoError or CognitoError.
    """
    (_prepare_profile if DIRECT else _prepare_linked_profile)(kakao_id, fetch)
    return cognito_responses.token_set(_answer_challenge(kakao_id, credential))


# The decision


class Profile(NamedTuple):
    """The profile `kakao-<id>` in the user pool."""

    enabled: bool
    linked: bool
    attributes: Mapping[str, str] = {}


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


# The profile


def _prepare_profile(kakao_id: str, fetch: Callable[[], Mapping[str, str]]) -> None:
    """Create the profile where it is missing, else bring its attributes up to date."""
    attributes = fetch()
    profile = _get_profile(kakao_id)
    if profile is None:
        _create_profile(kakao_id, attributes)
    elif not profile.enabled:
        raise DisabledProfileError
    else:
        _update_profile(kakao_id, profile, attributes)


def _prepare_linked_profile(kakao_id: str, fetch: Callable[[], Mapping[str, str]]) -> None:
    """Create and link the profile where it is missing; raise HostedProfileError where there is a hosted one."""
    step = _find_next_step(kakao_id)
    if step is Step.CREATE_PROFILE:
        _create_profile(kakao_id, fetch())
        step = Step.LINK_PROFILE
    if step is Step.LINK_PROFILE:
        step = _link_profile(kakao_id)
    if step is Step.REFUSE:
        raise DisabledProfileError
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
    attributes = cognito.user_attributes(user)
    linked = kakao_user.is_linked(attributes.get("identities"), kakao_id)
    return Profile(user["Enabled"] is True, linked, attributes)


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


def _create_profile(kakao_id: str, attributes: Mapping[str, str]) -> None:
    """AdminCreateUser: Cognito generates a password and, because of SUPPRESS, mails it to no user.

    Cognito calls no PostConfirmation trigger for such a profile, so the new user is announced here.
    """
    try:
        created = cognito.call(
            "admin_create_user",
            UserPoolId=USER_POOL_ID,
            Username=kakao_user.username(kakao_id),
            MessageAction="SUPPRESS",
            UserAttributes=_as_list(_changes({}, attributes)),
        )
    except CognitoResponseError as error:
        if error.code != "UsernameExistsException":  # another request has just created it
            raise
    else:
        log.info("profile_made")
        first_sign_in.announce(cognito.user_attributes(created["User"])["sub"], contract.PROVIDER)


def _update_profile(kakao_id: str, profile: Profile, attributes: Mapping[str, str]) -> None:
    """AdminUpdateUserAttributes: write what has changed. What Kakao no longer tells stays, as in the hosted login.

    A failure does not stop the sign-in: the next one writes it.
    """
    changed = _changes(profile.attributes, attributes)
    if not changed:
        return
    try:
        cognito.call(
            "admin_update_user_attributes",
            UserPoolId=USER_POOL_ID,
            Username=kakao_user.username(kakao_id),
            UserAttributes=_as_list(changed),
        )
    except CognitoError as error:
        log.error("profile_not_updated", extra={"reason": str(error)})


def _changes(before: Mapping[str, str], attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes to write.

    A verified e-mail and `email_verified` go together: an e-mail alone would be unverified, and Cognito would mail a
    code; `email_verified` alone could verify another e-mail. Where Kakao verifies none, `email_verified` goes
    alone, and only to a profile that claims it: which address Kakao means is masked.
    """
    changed = {name: value for name, value in attributes.items() if before.get(name) != value}
    if "email" in attributes and changed.keys() & {"email", "email_verified"}:
        return changed | {name: attributes[name] for name in ("email", "email_verified")}
    if "email" not in attributes and before.get("email_verified") != "true":
        changed.pop("email_verified", None)
    return changed


def _as_list(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    """Return attributes as AttributeListType of the API."""
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


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
            raise (DisabledProfileError if DIRECT else HostedProfileError) from None
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
        raise InvalidKakaoTokenError  # the token expired or was revoked a moment ago
    result: dict[str, str] = response["AuthenticationResult"]
    return result


def _challenge_error(error: CognitoResponseError) -> KakaoError | CognitoResponseError:
    """Return what an error of the challenge means. Its message holds the text of the trigger's exception."""
    if error.code == "NotAuthorizedException":
        return InvalidKakaoTokenError()
    return next((known() for code, known in KAKAO_ERRORS.items() if code in error.message), error)
