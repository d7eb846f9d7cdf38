"""Sign-in on the web at Kakao itself, without Cognito's hosted login (`kakaoSignIn: direct`).

GET  /api/auth/login      302 to Kakao's consent screen (OAuth 2.0 code grant with state, nonce and PKCE S256)
GET  /api/auth/callback   302 to where the user was going, with the session cookies; or a page that says what failed
HEAD                      as GET, without a body; it starts no login and redeems no code

The profile is `kakao-<id>` (handlers/kakao_profile.py), whether a user signs in here or with a token from an app.
"""

import logging
import os
import time
from collections.abc import Callable

from handlers import (
    cognito_responses,
    contract,
    kakao_attributes,
    kakao_environment,
    kakao_parameters,
    kakao_profile,
    web_sign_in,
)
from handlers.errors import (
    CognitoError,
    CognitoResponseError,
    CognitoTooSlowError,
    DisabledProfileError,
    HttpError,
    InvalidKakaoTokenError,
    KakaoError,
    KakaoUnavailableError,
    SignInFailedError,
)
from handlers.kakao_api import Credential
from handlers.kakao_oauth import KakaoOauth
from handlers.token_set import TokenSet, unverified_claims
from handlers.web import Event, Response
from handlers.web_sign_in import PendingLogin

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0  # for all requests to Kakao; keys that have to be fetched have two seconds of their own

KAKAO = kakao_environment.kakao_api()
ATTRIBUTES = kakao_attributes.mapping()
OAUTH = KakaoOauth(
    authorize_endpoint=os.environ[contract.ENV_KAKAO_AUTHORIZE_URL],
    token_endpoint=os.environ[contract.ENV_KAKAO_TOKEN_URL],
    client_id=os.environ[contract.ENV_KAKAO_CLIENT_ID],
    client_secret=os.environ[contract.ENV_KAKAO_CLIENT_SECRET],
    scopes=os.environ[contract.ENV_KAKAO_SCOPES],
)

# The code of a KakaoError → the page.
KINDS = {
    "invalid_token": "login_expired",
    "kakao_account_restricted": "refused",
    "kakao_consent_required": "consent_missing",
    "kakao_under_age": "refused",
    "kakao_misconfigured": "misconfigured_kakao",
    "kakao_throttled": "throttled",
    "kakao_unavailable": "unavailable",
    "kakao_too_slow": "too_slow",
}


def handler(event: Event, _context: object) -> Response:
    """Answer one request. No response repeats anything of the request."""
    routes: dict[str, Callable[[Event], Response]] = {
        contract.LOGIN: lambda event: web_sign_in.login(event, authorize_url),
        contract.CALLBACK: lambda event: web_sign_in.callback(event, redeem),
    }
    return web_sign_in.respond(event, routes, log=log)


def authorize_url(pending: PendingLogin) -> str:
    """Return the address of Kakao's consent screen, with Kakao's own parameters of the login link."""
    return OAUTH.authorize_url({**kakao_parameters.decode(pending.kakao), **pending.authorization_request()})


def redeem(code: str, pending: PendingLogin) -> TokenSet:
    """Exchange Kakao's code for Kakao's tokens, and those for Cognito's. Raises SignInFailedError.

    The ID token is the answer to Cognito's challenge: unlike the access token it is bound to this login, by its nonce.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    given = OAUTH.redeem(code, verifier=pending.verifier, redirect_uri=pending.redirect_uri, deadline=deadline)
    credential = Credential(id_token=given.id_token, nonce=pending.nonce)
    try:
        kakao_id = _kakao_id(credential, deadline)
        attributes = _attributes(kakao_id, given.access_token, deadline)
        return kakao_profile.sign_in(kakao_id, credential, lambda: attributes)
    except KakaoError as error:
        raise SignInFailedError(KINDS[error.code], error.code) from None
    except DisabledProfileError:
        raise SignInFailedError("disabled") from None
    except CognitoError as error:
        raise SignInFailedError(_kind_of(error), str(error)) from None
    except HttpError as error:  # there are no tokens in Cognito's response
        raise SignInFailedError("unavailable", error.code) from None


def _kakao_id(credential: Credential, deadline: float) -> str:
    """Return whose ID token it is. Raises SignInFailedError where it is invalid or of another login."""
    try:
        nonce = unverified_claims(credential.id_token or "").get("nonce")
        if not web_sign_in.equal(nonce, credential.nonce or ""):
            raise SignInFailedError("login_expired", "another nonce")
        return KAKAO.user_id(credential, deadline=deadline)
    except (ValueError, InvalidKakaoTokenError):
        raise SignInFailedError("unavailable", "the ID token is invalid") from None


def _attributes(kakao_id: str, access_token: str, deadline: float) -> dict[str, str]:
    """Return the user attributes that Kakao tells (GET /v2/user/me). Raises KakaoError."""
    claims = KAKAO.claims(Credential(access_token=access_token), ATTRIBUTES, deadline=deadline)
    if claims["sub"] != kakao_id:  # Kakao gave both tokens in one response
        raise KakaoUnavailableError
    return kakao_attributes.user_attributes(claims, ATTRIBUTES)


def _kind_of(error: CognitoError) -> str:
    """Return the kind of page (pages.PAGES) for an error of Cognito's API; log one that only the team can end."""
    if isinstance(error, CognitoTooSlowError):
        return "too_slow"
    if isinstance(error, CognitoResponseError) and error.code in cognito_responses.THROTTLED:
        return "throttled"
    log.error("cognito_failed", extra={"reason": str(error)})
    return "unavailable"
