"""Sign-in through the hosted login, and the session, which is three cookies.

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

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote, urlencode

from handlers import cognito_responses, contract, kakao_authorize, kakao_parameters, pages, session_cookies, web
from handlers.errors import (
    AuthorizationRequestError,
    CookieError,
    HttpError,
    InvalidGrantError,
    KakaoParameterError,
    TokenError,
    TokenThrottledError,
    TokenTooLargeError,
    TokenTooSlowError,
)
from handlers.return_address import candidates, local_address
from handlers.session_cookies import ORIGINS
from handlers.token_endpoint import TokenEndpoint
from handlers.token_set import TokenSet
from handlers.web import Event, Response

log = logging.getLogger(__name__)

HOSTED_LOGIN = os.environ[contract.ENV_HOSTED_LOGIN_URL]
CLIENT_ID = os.environ[contract.ENV_CLIENT_ID]
ISSUER = os.environ[contract.ENV_ISSUER]
endpoint = TokenEndpoint(
    hosted_login=HOSTED_LOGIN,
    client_id=CLIENT_ID,
    client_secret=os.environ[contract.ENV_CLIENT_SECRET],
    issuer=ISSUER,
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

# The name ends with the first characters of the state, so that several tabs can sign in side by side.
LOGIN_COOKIE_PATTERN = re.compile(rf"{contract.LOGIN_COOKIE_PREFIX}[A-Za-z0-9_-]{{8}}")
LOGIN_SECONDS = 600
MAX_LOGINS = 5
MAX_LOGINS_BYTES = 1536  # of all login cookies, beside session_cookies.MAX_SESSION_BYTES
MAX_CLEARED_COOKIES = 20  # in one response, whose headers API Gateway limits too
STATE_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}")


class PendingLogin(NamedTuple):
    """A login that this browser has started. Its user may see all of it, so the cookie is not encrypted.

    `kakao` are Kakao's own parameters of the login link, as a query, until the browser is sent to Kakao with them.
    `silent` is not empty where Kakao shows no page: then a failure leads back to the page without a word.
    """

    state: str
    nonce: str
    verifier: str
    return_to: str
    origin: str
    kakao: str = ""
    silent: str = ""

    @property
    def cookie_name(self) -> str:
        """The name of the login cookie; the callback finds it by the state."""
        return _login_cookie_name(self.state)

    def as_cookie(self) -> str:
        """Return the Set-Cookie line. SameSite=Lax, because another site redirects to the callback."""
        fields = {name: value for name, value in self._asdict().items() if value}
        value = base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode()
        return web.set_cookie(self.cookie_name, value, path="/", max_age=LOGIN_SECONDS, same_site="Lax")


def handler(event: Event, _context: object) -> Response:
    """Answer one request. No response repeats anything of the request."""
    routes: dict[str, Callable[[Event], Response]] = {
        contract.LOGIN: login,
        contract.KAKAO_AUTHORIZE: authorize_at_kakao,
        contract.CALLBACK: head_callback if web.is_head(event) else callback,
        contract.MISSING_FILE: missing_file,
        contract.REFRESH: refresh,
        contract.LOGOUT: logout,
        contract.KAKAO_LOGOUT: log_out_at_kakao,
    }
    route: str = event.get("routeKey", "")
    if web.is_head(event):
        route = route.replace("HEAD", "GET", 1)
    unexpected = pages.error("unexpected") if route.startswith("GET") else None  # a browser shows it to the user
    response = web.respond(lambda: routes[route](event), log=log, unexpected=unexpected)
    return web.head_response(response) if web.is_head(event) else response


def missing_file(_event: Event) -> Response:
    """Answer in place of a file that the site does not have."""
    return pages.not_found()


# Login


def login(event: Event) -> Response:
    """Redirect to the hosted login, and from there straight to Kakao."""
    query = web.query(event)
    if "provider" in query and web.single(query, "provider") != contract.PROVIDER:
        return _failure("bad_link")
    origin = web.single(query, "origin") if "origin" in query else ORIGINS[0]
    if origin not in ORIGINS:
        return _failure("bad_link")
    try:
        kakao = kakao_parameters.parse(query)
    except KakaoParameterError as error:
        return _failure("bad_link", str(error))
    pending = PendingLogin(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        return_to="/",
        origin=origin,
        kakao=kakao_parameters.encode(kakao),
        silent="yes" if kakao_parameters.is_silent(kakao) else "",
    )
    pending, cookie = _with_return_address(pending, web.single(query, "return_to"))
    return web.redirect(_authorize_url(pending), cookies=[*_clear_old_logins(event, cookie), cookie])


def _clear_old_logins(event: Event, new_cookie: str) -> list[str]:
    """Return Set-Cookie lines that clear the oldest login cookies, so that the new one fits beside the others.

    Browsers send the oldest cookie first (RFC 6265 section 5.4).
    """
    old = {name: values for name, values in web.cookies(event).items() if LOGIN_COOKIE_PATTERN.fullmatch(name)}
    count, bytes_left = 1, MAX_LOGINS_BYTES - len(new_cookie.partition(";")[0])
    for name in reversed([*old]):
        bytes_left -= sum(len(f"{name}={value}") for value in old[name])
        if count == MAX_LOGINS or bytes_left < 0:
            break
        count += 1
        del old[name]
    return [_cleared(name) for name in [*old][:MAX_CLEARED_COOKIES]]


def _with_return_address(pending: PendingLogin, wanted: str | None) -> tuple[PendingLogin, str]:
    """Return the login with the wanted return address, or the longest part of it that fits into the cookie."""
    for address in candidates(wanted):
        pending = pending._replace(return_to=address)
        with suppress(CookieError):
            cookie = pending.as_cookie()
            # A larger one, beside a large session, would pass API Gateway's limit for the headers of each request.
            if len(cookie.partition(";")[0]) <= MAX_LOGINS_BYTES:
                return pending, cookie
    raise CookieError("the login cookie is too large, whatever the return address is")


def _authorize_url(pending: PendingLogin) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        # Always named: without it Cognito shows a page of its own, and there signs in whoever signed in last, with any
        # provider.
        "identity_provider": contract.PROVIDER,
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": _redirect_uri(pending),
        "scope": " ".join(contract.SCOPES),
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    query = urlencode(parameters, quote_via=quote)  # Cognito wants %20, not +
    return f"{HOSTED_LOGIN}{contract.AUTHORIZE_PATH}?{query}"


def _redirect_uri(pending: PendingLogin) -> str:
    return pending.origin + contract.CALLBACK_PATH


def authorize_at_kakao(event: Event) -> Response:
    """Redirect from the hosted login on to Kakao, with Kakao's own parameters of this browser's newest login.

    Cognito passes nothing on that says which login it is; the newest began a moment ago. Its parameters are used once:
    a mobile app may sign in next in the same browser, and brings none.
    """
    pending = _newest_login(event)
    parameters = {}
    if pending is not None:
        with suppress(KakaoParameterError):
            parameters = kakao_parameters.decode(pending.kakao)
    try:
        address = kakao_authorize.address(
            event.get("rawQueryString", ""), parameters, authorize_url=KAKAO_AUTHORIZE_URL, required=KAKAO_REQUEST
        )
    except AuthorizationRequestError as error:
        return _failure("bad_link", str(error))
    return web.redirect(address, cookies=[pending._replace(kakao="").as_cookie()] if pending and parameters else [])


def _newest_login(event: Event) -> PendingLogin | None:
    """Return the login whose cookie is the newest. Browsers send the oldest cookie first (RFC 6265 section 5.4)."""
    names = [name for name in web.cookies(event) if LOGIN_COOKIE_PATTERN.fullmatch(name)]
    pending = _read(web.cookies(event)[names[-1]]) if names else None
    return pending if pending and pending.cookie_name == names[-1] else None


# Callback


def callback(event: Event) -> Response:
    """Finish the login that this browser started. Its cookie is cleared, whatever the outcome is."""
    query = web.query(event)
    values, state = _login_cookies(event, query)
    response = web.respond(
        lambda: _finish(query, _pending_login(values, state)), log=log, unexpected=pages.error("unexpected")
    )
    if values:
        response["cookies"].append(_cleared(_login_cookie_name(state)))
    return response


def head_callback(event: Event) -> Response:
    """Return what GET returns if Cognito issues tokens. HEAD redeems no code and ends no login (RFC 9110, 9.2.1)."""
    query = web.query(event)
    return _finish(query, _pending_login(*_login_cookies(event, query)), redeem=False)


def _login_cookies(event: Event, query: Mapping[str, list[str]]) -> tuple[list[str], str]:
    """Return the values of the login cookie for the state of the request, and the state."""
    state = web.single(query, "state") or ""
    return web.cookies(event).get(_login_cookie_name(state), []) if STATE_PATTERN.fullmatch(state) else [], state


def _finish(query: Mapping[str, list[str]], pending: PendingLogin | None, *, redeem: bool = True) -> Response:
    """Answer the callback. A silent login that fails leads back to the page as it is; the log tells why."""
    response = _outcome(query, pending, redeem=redeem)
    if pending and pending.silent and response["statusCode"] >= 400:
        return web.redirect(local_address(pending.return_to))
    return response


def _outcome(query: Mapping[str, list[str]], pending: PendingLogin | None, *, redeem: bool) -> Response:
    """Redeem the code. Without a pending login of the same state, no request is sent anywhere."""
    if pending is None:
        return _failure("login_expired", "no such login here")
    if "error" in query:
        error, description = web.single(query, "error"), web.single(query, "error_description")
        return _failure(pages.kind_of(error or "", description or ""))
    code = web.single(query, "code") or ""
    if not 0 < len(code) <= contract.MAX_CODE_LENGTH:
        return _failure("login_expired", "no code")
    # A relative address cannot leave the origin of the cookies.
    return_address = local_address(pending.return_to)
    if not redeem:
        return web.redirect(return_address)
    try:
        tokens = endpoint.redeem(code, verifier=pending.verifier, redirect_uri=_redirect_uri(pending))
        if not _equal(tokens.claims.get("nonce"), pending.nonce):
            return _failure("login_expired", "another nonce")
        cookies = session_cookies.for_tokens(tokens)
    except (TokenError, TokenTooLargeError, CookieError) as error:
        return _failure(_kind_of(error), str(error))
    log.info(contract.LOG_SIGNED_IN, extra={"sub": tokens.claims["sub"]})
    return web.redirect(return_address, cookies=cookies)


def _pending_login(values: list[str], state: str) -> PendingLogin | None:
    """Return the login with this state, if this browser started it: `values` are those of its login cookie."""
    pending = _read(values)
    return pending if pending and _equal(pending.state, state) else None


def _read(values: list[str]) -> PendingLogin | None:
    """Return the login in a login cookie, of which the request may have only one."""
    if len(values) != 1:
        return None
    try:
        pending = PendingLogin(**json.loads(base64.b64decode(values[0], altchars=b"-_", validate=True)))
    except (ValueError, TypeError, RecursionError):
        return None
    valid = all(isinstance(value, str) and value.isascii() for value in pending)
    return pending if valid and pending.origin in ORIGINS else None


def _failure(kind: str, reason: str = "") -> Response:
    """Answer with the page of this kind. `reason` is a fixed text: Cognito's description may hold an e-mail."""
    if cause := pages.PAGES[kind].cause:  # the dashboard shows errors, and an alarm counts the page's 502
        log.error(contract.LOG_NOT_SIGNED_IN, extra={"outcome": kind, "reason": cause})
    else:
        log.info(contract.LOG_NOT_SIGNED_IN, extra={"outcome": kind} | ({"reason": reason} if reason else {}))
    return pages.error(kind)


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
        return (client or endpoint).refresh(refresh_token)
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
        clients = [endpoint, app_endpoint] if app_endpoint else [endpoint]
    else:
        session_cookies.check_site(event)
        refresh_tokens, cookies = session_cookies.refresh_tokens(event), session_cookies.cleared(event)
        clients = [endpoint]
    for refresh_token in refresh_tokens:
        if not _revoke(refresh_token, clients):
            break  # three time-outs take longer than the function may run, and then no cookie is cleared
    origin = web.header(event, "origin")
    logout_uri = f"{origin if origin in ORIGINS else ORIGINS[0]}/"
    urls = {"logout_url": _logout_url(logout_uri)}
    if KAKAO_LOGOUT_URL:
        urls["kakao_logout_url"] = _logout_url(ORIGINS[0] + contract.path_of(contract.KAKAO_LOGOUT))
    log.info("signed_out")
    return web.json_response(200, urls, cookies=cookies)


def _logout_url(logout_uri: str) -> str:
    """Return the address that ends the session at the hosted login and then leads to `logout_uri`."""
    return f"{HOSTED_LOGIN}/logout?{urlencode({'client_id': CLIENT_ID, 'logout_uri': logout_uri})}"


def log_out_at_kakao(_event: Event) -> Response:
    """Redirect from the hosted login's logout on to Kakao's, which leads to the site."""
    query = {"client_id": KAKAO_REQUEST["client_id"], "logout_redirect_uri": f"{ORIGINS[0]}/"}
    return web.redirect(f"{KAKAO_LOGOUT_URL}?{urlencode(query)}")


def _revoke(refresh_token: str, clients: list[TokenEndpoint]) -> bool:
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


def _cleared(name: str) -> str:
    return web.set_cookie(name, "", path="/", max_age=0, same_site="Lax")


def _login_cookie_name(state: str) -> str:
    return f"{contract.LOGIN_COOKIE_PREFIX}{state[:8]}"


def _equal(left: object, right: str) -> bool:
    """Compare in a time that does not depend on where two texts differ."""
    return isinstance(left, str) and left.isascii() and hmac.compare_digest(left, right)


def _kind_of(error: Exception) -> str:
    """Return the kind of page that an error is answered with (pages.PAGES)."""
    match error:
        case InvalidGrantError():
            return "login_expired"
        case TokenThrottledError():
            return "throttled"
        case TokenTooSlowError():
            return "too_slow"
        case TokenTooLargeError():
            return "token_too_large"
        case _:
            return "unavailable"
