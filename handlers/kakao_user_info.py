"""GET /api/kakao/userinfo: the claims of a Kakao user, for Cognito (OpenID Connect Core 1.0, section 5.3).

Cognito calls it at each sign-in, with the access token from Kakao's token endpoint. So Kakao sees that the app uses its
API (GET /v2/user/me). Kakao unlinks users for whom the app does not within a day.

200 {"sub", "nickname", "email", "email_verified", …}; what the user withholds is absent. For an e-mail that is not
    valid `email_verified` is false and `email` absent: Cognito keeps the e-mail that it has, unverified
401 no token, none that Kakao gave to this app, or one whose app Kakao refuses; with WWW-Authenticate (RFC 6750, 3)
403 Kakao refuses the user
429, 502, 504 Kakao cannot serve now
"""

import logging
import os
import re
import time

from handlers import contract, kakao_attributes, kakao_responses, web
from handlers.errors import HttpError, KakaoError
from handlers.kakao_client import KakaoClient
from handlers.web import Event, Response

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.5  # for both requests to Kakao. AWS documents no limit of Cognito's; its triggers have five seconds
CHALLENGE = 'Bearer realm="kakao"'
# No access token of Kakao's has been seen with this shape. A token of ours must not reach Kakao, also where
# infra/edge/jwt.js reads a path in another way than API Gateway.
JWT_PATTERN = re.compile(r"[^.]*\.[^.]*\.[^.]*")

KAKAO = KakaoClient(os.environ[contract.ENV_KAKAO_API])
APP_ID = os.environ.get(contract.ENV_KAKAO_APP_ID)
CONSENTS = [*kakao_attributes.mapping()]


def handler(event: Event, _context: object) -> Response:
    """Answer one request."""
    response = web.respond(lambda: user_info(event), log=log)
    if response["statusCode"] == 401:
        error = ', error="invalid_token"' if _access_token(event) else ""
        response["headers"]["www-authenticate"] = CHALLENGE + error
    return web.head_response(response) if web.is_head(event) else response


def user_info(event: Event) -> Response:
    """Return the claims of the token's user.

    Without the id of the app nothing tells a token of another app. Its caller learns what Kakao tells them anyway, and
    Cognito compares `sub` with the ID token: the same user has another ID at each app.
    """
    token = _access_token(event)
    if not token:
        raise HttpError(401, "invalid_token", "Send Kakao's access token as `Authorization: Bearer <token>`.")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        if len(token) > contract.MAX_TOKEN_LENGTH or JWT_PATTERN.fullmatch(token):
            raise kakao_responses.http_error("invalid_token")
        if APP_ID:
            KAKAO.token_user_id(token, app_id=int(APP_ID), deadline=deadline)
        user = KAKAO.user(token, deadline=deadline, is_for_our_app=bool(APP_ID))
    except KakaoError as error:
        raise kakao_responses.http_error(error.code) from None
    log.info("kakao_claims")
    return web.json_response(200, kakao_attributes.claims(user, CONSENTS))


def _access_token(event: Event) -> str:
    scheme, _, token = (web.header(event, "authorization") or "").partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else ""
