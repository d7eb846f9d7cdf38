"""Sign-in through the hosted login, and the session, which is three cookies.

Where users sign in at Kakao itself, the first three routes are not here, but in handlers/kakao_web_sign_in.py.

GET  /api/auth/login      302 to the hosted login (OAuth 2.0 code grant with state, nonce and PKCE S256, all three)
GET  /api/kakao/authorize 302 on to Kakao, with Kakao's own parameters of the login
GET  /api/auth/callback   302 to where the user was going, with the session cookies; or a page that says what failed
GET  /api/auth/missing/…  404 with a page, for the distribution, in place of a file that the site does not have
HEAD                      as GET, without a body; it starts no login and redeems no code
POST /api/auth/refresh    204 with new cookies; 401 when the session is over; 507 when no browser keeps the ID token
POST /api/auth/logout     200 {"logout_url": …}; the refresh token is revoked, the cookies are cleared
GET  /api/kakao/logout    302 on to Kakao, whose session ends too; only where a setting asks for it

A client that stores its tokens itself sends {"refresh_token": …} to the last two, and gets 200 with new tokens. These
requests neither read nor change cookies.
"""

import logging
import os
from collections.abc import Callable
from urllib.parse import quote, urlencode

from handlers import (
    cognito_responses,
    contract,
    kakao_authorize,
    pages,
    session_cookies,
    web,
    web_sign_in,
)
from handlers.errors import (
    AuthorizationRequestError,
    CookieError,
    HttpError,
    InvalidGrantError,
    SignInFailedError,
    TokenError,
    TokenThrottledError,
    TokenTooLargeError,
    TokenTooSlowError,
)
from handlers.session_cookies import ORIGINS
from handlers.token_api import TokenApi
from handlers.token_endpoint import TokenEndpoint
from handlers.token_set import TokenSet
from handlers.web import Event, Response
from handlers.web_sign_in import PendingLogin

log = logging.getLogger(__name__)

HOSTED_LOGIN = os.environ.get(contract.ENV_HOSTED_LOGIN_URL, "")  # empty where users sign in at Kakao itself
CLIENT_ID = os.environ[contract.ENV_CLIENT_ID]
CLIENT_SECRET = os.environ[contract.ENV_CLIENT_SECRET]
ISSUER = os.environ[contract.ENV_ISSUER]
endpoint = TokenEndpoint(hosted_login=HOSTED_LOGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, issuer=ISSUER)
# Who refreshes and revokes the tokens of the site's client.
site_client: TokenEndpoint | TokenApi = (
    endpoint if HOSTED_LOGIN else TokenApi(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, issuer=ISSUER)
)
KAKAO_AUTHORIZE_URL = os.environ[contract.ENV_KAKAO_AUTHORIZE_URL]
# Of each authorization request with which Cognito sends a browser to Kakao.
KAKAO_REQUEST = {
    "client_id": os.environ[contract.ENV_KAKAO_CLIENT_ID],
    "redirect_uri": HOSTED_LOGIN + contract.IDP_RESPONSE_PATH,
    "response_type": "code",
}
KAKAO_LOGOUT_URL = os.environ.get(contract.ENV_KAKAO_LOGOUT_URL)
app_endpoint = (
    TokenEndpoint(hosted_login=HOSTED_LOGIN, client_id=os.environ[contract.ENV_APP_CLIENT_ID], issuer=ISSUER)
    if contract.ENV_APP_CLIENT_ID in os.environ
    else None
)


def handler(event: Event, _context: object) -> Response:
    """Answer one request. No response repeats anything of the request."""
    routes: dict[str, Callable[[Event], Response]] = {
        contract.LOGIN: lambda event: web_sign_in.login(event, authorize_url),
        contract.KAKAO_AUTHORIZE: authorize_at_kakao,
        contract.CALLBACK: lambda event: web_sign_in.callback(event, redeem),
        contract.MISSING_FILE: missing_file,
        contract.REFRESH: refresh,
        contract.LOGOUT: logout,
        contract.KAKAO_LOGOUT: log_out_at_kakao,
    }
    return web_sign_in.respond(event, routes, log=log)


def missing_file(_event: Event) -> Response:
    """Answer in place of a file that the site does not have."""
    return pages.not_found()


# Sign-in through the hosted login


def authorize_url(pending: PendingLogin) -> str:
    """Return the address of the hosted login, and from there straight to Kakao."""
    parameters = {
        # Always named: without it Cognito shows a page of its own, and there signs in the user who signed in last,
        # with any provider.
        "identity_provider": contract.PROVIDER,
        "client_id": CLIENT_ID,
        "scope": " ".join(contract.SCOPES),
        **pending.authorization_request(),
    }
    query = urlencode(parameters, quote_via=quote)  # Cognito wants %20, not +
    return f"{HOSTED_LOGIN}{contract.AUTHORIZE_PATH}?{query}"


def authorize_at_kakao(event: Event) -> Response:
    """Redirect from the hosted login on to Kakao, with Kakao's own parameters of this browser's newest login.

    Cognito passes nothing on that says which login it is; the newest began a moment ago. Its parameters are used once:
    a mobile app may sign in next in the same browser, and brings none.
    """
    pending = web_sign_in.newest_login(event)
    parameters = pending.fresh_kakao_parameters() if pending else {}
    try:
        address = kakao_authorize.address(
            event.get("rawQueryString", ""), parameters, authorize_url=KAKAO_AUTHORIZE_URL, required=KAKAO_REQUEST
        )
    except AuthorizationRequestError as error:
        return web_sign_in.failure("bad_link", str(error))
    used = [pending._replace(kakao="", started="").as_cookie()] if pending and parameters else []
    return web.redirect(address, cookies=used)


def redeem(code: str, pending: PendingLogin) -> TokenSet:
    """Exchange the hosted login's code for tokens. Raises SignInFailedError."""
    try:
        tokens = endpoint.redeem(code, verifier=pending.verifier, redirect_uri=pending.redirect_uri)
    except TokenError as error:
        raise SignInFailedError(_kind_of(error), str(error)) from None
    if not web_sign_in.equal(tokens.claims.get("nonce"), pending.nonce):
        raise SignInFailedError("login_expired", "another nonce")
    return tokens


def _kind_of(error: TokenError) -> str:
    """Return the kind of page that an error is answered with (pages.PAGES)."""
    match error:
        case InvalidGrantError():
            return "login_expired"
        case TokenThrottledError():
            return "throttled"
        case TokenTooSlowError():
            return "too_slow"
        case _:
            return "unavailable"


# Refresh and sign-out


def refresh(event: Event) -> Response:
    """Refresh the tokens of the session. It ends only where Cognito says so, not where Cognito does not answer."""
    if sent_token := _refresh_token_in_body(event):
        tokens = _refresh(sent_token) or (_refresh(sent_token, app_endpoint) if app_endpoint else None)
        if not tokens:
            raise HttpError(401, "signed_out", "The refresh token is no longer valid. Sign in again.")
        if not tokens.access_token:
            raise _unavailable("no access token")
        log.info("refreshed", extra={"sub": tokens.claims["sub"]})
        return web.json_response(200, tokens.as_json(old_refresh_token=sent_token))
    session_cookies.check_site(event)
    tokens = _refresh_session(event)
    try:
        cookies = session_cookies.for_tokens(tokens)
    except TokenTooLargeError:
        # The refresh token may have rotated: with the new one the session goes on once the ID token is shorter again.
        raise TokenTooLargeError(cookies=session_cookies.for_refresh_token(tokens)) from None
    except CookieError as error:
        raise _unavailable(str(error)) from None
    log.info("refreshed", extra={"sub": tokens.claims["sub"]})
    headers = {contract.SESSION_EXPIRES_IN: str(tokens.seconds_left)}
    return web.json_response(204, None, headers=headers, cookies=cookies)


def _refresh_session(event: Event) -> TokenSet:
    """Return new tokens of the session's user, or raise HttpError (401).

    Tokens of another user come from a refresh token that a sibling subdomain has set. They are dropped.
    """
    user = session_cookies.user_sub(event)
    for refresh_token in session_cookies.refresh_tokens(event) if user else []:
        tokens = _refresh(refresh_token)
        if tokens and tokens.claims["sub"] == user:
            return tokens
    cookies = session_cookies.cleared(event)
    raise HttpError(401, "signed_out", "The session is over. Sign in again.", cookies=cookies)


def _refresh(refresh_token: str, client: TokenEndpoint | None = None) -> TokenSet | None:
    """Return new tokens, or None where Cognito says that the client, the site's if None, has no such refresh token."""
    try:
        return (client or site_client).refresh(refresh_token)
    except InvalidGrantError:
        return None
    except TokenThrottledError:
        raise cognito_responses.throttled(retry_after=2) from None
    except TokenTooSlowError:
        raise cognito_responses.too_slow() from None
    except TokenError as error:
        raise _unavailable(str(error)) from None


def _unavailable(reason: str) -> HttpError:
    log.warning(contract.LOG_NOT_REFRESHED, extra={"reason": reason})
    return cognito_responses.unavailable()


def _refresh_token_in_body(event: Event) -> str | None:
    """Return the refresh token in the body, or None. Pages of the site send none: theirs is in a cookie."""
    if not event.get("body"):
        return None
    return web.text_field(web.json_body(event), "refresh_token", max_length=contract.MAX_REFRESH_TOKEN_LENGTH)


def logout(event: Event) -> Response:
    """End the session here and at Cognito, also where there is none. The page then visits `logout_url`.

    At `kakao_logout_url` the session at Kakao ends too. Kakao's page then leads to the site.
    """
    if sent_token := _refresh_token_in_body(event):
        refresh_tokens, cookies = [sent_token], list[str]()
        # Cognito accepts an unknown token (RFC 7009 section 2.2), so its response does not tell whose token it is.
        clients = [site_client, app_endpoint] if app_endpoint else [site_client]
    else:
        session_cookies.check_site(event)
        refresh_tokens, cookies = session_cookies.refresh_tokens(event), session_cookies.cleared(event)
        clients = [site_client]
    for refresh_token in refresh_tokens:
        if not _revoke(refresh_token, clients):
            break  # three time-outs take longer than the function may run, and then no cookie is cleared
    origin = web.header(event, "origin")
    home = f"{origin if origin in ORIGINS else ORIGINS[0]}/"
    urls = {"logout_url": _logout_url(home)}
    if KAKAO_LOGOUT_URL:
        urls["kakao_logout_url"] = _logout_url(ORIGINS[0] + contract.path_of(contract.KAKAO_LOGOUT))
    log.info("signed_out")
    return web.json_response(200, urls, cookies=cookies)


def _logout_url(logout_uri: str) -> str:
    """Return the address that ends the session at the hosted login, where there is one, and leads to `logout_uri`."""
    if not HOSTED_LOGIN:
        return logout_uri
    return f"{HOSTED_LOGIN}/logout?{urlencode({'client_id': CLIENT_ID, 'logout_uri': logout_uri})}"


def log_out_at_kakao(_event: Event) -> Response:
    """Redirect from the hosted login's logout on to Kakao's, which leads to the site."""
    query = {"client_id": KAKAO_REQUEST["client_id"], "logout_redirect_uri": f"{ORIGINS[0]}/"}
    return web.redirect(f"{KAKAO_LOGOUT_URL}?{urlencode(query)}")


def _revoke(refresh_token: str, clients: list[TokenEndpoint | TokenApi]) -> bool:
    """Revoke the token with each client, and log it where none could; return whether Cognito answered in time."""
    reasons = []
    for client in clients:
        try:
            client.revoke(refresh_token)
        except TokenError as error:
            reasons.append(str(error))
            if isinstance(error, TokenTooSlowError):
                log.warning("not_revoked", extra={"reason": str(error)})
                return False
    if len(reasons) == len(clients):
        log.warning("not_revoked", extra={"reason": reasons[0]})
    return True
