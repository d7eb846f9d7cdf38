"""POST /api/auth/kakao: sign-in with a Kakao token, for apps that have one from Kakao's SDK.

{"access_token"} or {"id_token", "nonce"?}
200 with tokens
401 the token is not of this app or not valid, or an ID token that Kakao issued more than five minutes ago
403 Kakao or Cognito refuses the user
409 the user has to sign in through the hosted login, at `authorize_url`; never where there is none
429, 502, 504 Kakao or Cognito cannot serve now

The profile is `kakao-<id>` (handlers/kakao_profile.py).
"""

import logging
import os
import time
from typing import Any

from handlers import (
    cognito_responses,
    contract,
    kakao_attributes,
    kakao_environment,
    kakao_profile,
    kakao_responses,
    web,
)
from handlers.errors import (
    CognitoError,
    CognitoResponseError,
    DisabledProfileError,
    HostedProfileError,
    HttpError,
    KakaoError,
)
from handlers.kakao_api import Credential
from handlers.web import Event, Response

log = logging.getLogger(__name__)

AUTHORIZE_URL = os.environ.get(contract.ENV_AUTHORIZE_URL)  # without a hosted login no user has to go there

TIMEOUT_SECONDS = 2.5  # for all requests to Kakao here; the challenge sends one more
MAX_NONCE_LENGTH = 512

KAKAO = kakao_environment.kakao_api()
ATTRIBUTES = kakao_attributes.mapping()


def handler(event: Event, _context: object) -> Response:
    """Answer one request."""
    return web.respond(lambda: _respond(event), log=log)


def _respond(event: Event) -> Response:
    try:
        return sign_in(event)
    except KakaoError as error:
        raise kakao_responses.http_error(error.code) from None
    except CognitoResponseError as error:
        if error.code in cognito_responses.THROTTLED:
            raise cognito_responses.http_error(error) from None
        log.error("cognito_failed", extra={"reason": error.code})
        raise cognito_responses.unavailable() from None
    except CognitoError as error:
        raise cognito_responses.http_error(error) from None
    except DisabledProfileError:
        raise HttpError(403, "refused", "This account is disabled.") from None
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
    tokens = kakao_profile.sign_in(kakao_id, credential, lambda: _attributes(credential, deadline))
    log.info(contract.LOG_SIGNED_IN, extra={"sub": tokens.claims["sub"]})
    return web.json_response(200, tokens.as_json())


def _attributes(credential: Credential, deadline: float) -> dict[str, str]:
    """Return the attributes of a new profile, as Kakao tells them."""
    return kakao_attributes.user_attributes(KAKAO.claims(credential, ATTRIBUTES, deadline=deadline), ATTRIBUTES)


def _credential(body: dict[str, Any]) -> Credential:
    fields = [field for field in ("access_token", "id_token") if field in body]
    if len(fields) != 1:
        raise HttpError(400, "invalid_request", "Send one field, 'access_token' or 'id_token'.")
    if "nonce" in body and fields != ["id_token"]:
        raise HttpError(400, "invalid_request", "The field 'nonce' belongs to an 'id_token'.")
    nonce = web.text_field(body, "nonce", max_length=MAX_NONCE_LENGTH) if "nonce" in body else None
    token = web.text_field(body, fields[0], max_length=contract.MAX_TOKEN_LENGTH)
    return Credential(**{fields[0]: token}, nonce=nonce)
