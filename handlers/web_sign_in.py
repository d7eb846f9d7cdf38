"""A browser's sign-in: a redirect to an authorization server with state, nonce and PKCE S256, and the way back.

GET  /api/auth/login      302 to the authorization server
GET  /api/auth/callback   302 to where the user was going, with the session cookies; or a page that says what failed
HEAD                      as GET, without a body; it starts no login and redeems no code

Where the server is, and how a code becomes Cognito's tokens, is the caller's to say: handlers/session.py signs in
through Cognito's hosted login, handlers/kakao_web_sign_in.py at Kakao itself.
"""

import base64
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from handlers import contract, kakao_parameters, pages, session_cookies, web
from handlers.errors import CookieError, KakaoParameterError, SignInFailedError, TokenTooLargeError
from handlers.return_address import candidates, local_address
from handlers.session_cookies import ORIGINS
from handlers.token_set import TokenSet
from handlers.web import Event, Response

log = logging.getLogger(__name__)

# The name ends with the first characters of the state, so that several tabs can sign in side by side.
LOGIN_COOKIE_PATTERN = re.compile(rf"{contract.LOGIN_COOKIE_PREFIX}[A-Za-z0-9_-]{{8}}")
LOGIN_SECONDS = 600
KAKAO_PARAMETERS_SECONDS = 30  # the redirects from our login to Kakao take a moment
MAX_LOGINS = 5
MAX_LOGINS_BYTES = 1536  # of all login cookies, beside session_cookies.MAX_SESSION_BYTES
MAX_CLEARED_COOKIES = 20  # in one response, whose headers API Gateway limits too
STATE_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}")


class PendingLogin(NamedTuple):
    """A login that this browser has started. Its user may see all of it, so the cookie is not encrypted.

    `kakao` are Kakao's own parameters of the login link, as a query, until the browser is sent to Kakao with them;
    `started` is when the login began, in seconds since 1970, and is there beside `kakao` alone.
    `silent` is not empty where Kakao shows no page: then a failure leads back to the page without a word.
    """

    state: str
    nonce: str
    verifier: str
    return_to: str
    origin: str
    kakao: str = ""
    silent: str = ""
    started: str = ""

    @property
    def cookie_name(self) -> str:
        """The name of the login cookie; the callback finds it by the state."""
        return _login_cookie_name(self.state)

    def as_cookie(self) -> str:
        """Return the Set-Cookie line. SameSite=Lax, because another site redirects to the callback."""
        fields = {name: value for name, value in self._asdict().items() if value}
        value = base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode()
        return web.set_cookie(self.cookie_name, value, path="/", max_age=LOGIN_SECONDS, same_site="Lax")

    def fresh_kakao_parameters(self) -> dict[str, str]:
        """Return Kakao's own parameters where the login has just begun.

        Later a mobile app may sign in next in the same browser. It brings none, and must not get those of a web login
        that was given up, or that a link of another site has started.
        """
        try:
            if 0 <= time.time() - int(self.started) <= KAKAO_PARAMETERS_SECONDS:
                return kakao_parameters.decode(self.kakao)
        except (ValueError, KakaoParameterError):
            pass
        return {}

    @property
    def redirect_uri(self) -> str:
        """Where the authorization server sends the browser back."""
        return self.origin + contract.CALLBACK_PATH

    def authorization_request(self) -> dict[str, str]:
        """Return the parameters that every authorization server takes (RFC 6749, RFC 7636, OpenID Connect Core)."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        return {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }


AuthorizeUrl = Callable[[PendingLogin], str]
Redeem = Callable[[str, PendingLogin], TokenSet]  # raises SignInFailedError


def respond(event: Event, routes: Mapping[str, Callable[[Event], Response]], *, log: logging.Logger) -> Response:
    """Answer one request of a browser. A bug in a route that a browser shows becomes a page."""
    route: str = event.get("routeKey", "")
    if web.is_head(event):
        route = route.replace("HEAD", "GET", 1)
    unexpected = pages.error("unexpected") if route.startswith("GET") else None  # a browser shows it to the user
    response = web.respond(lambda: routes[route](event), log=log, unexpected=unexpected)
    return web.head_response(response) if web.is_head(event) else response


# Login


def login(event: Event, authorize_url: AuthorizeUrl) -> Response:
    """Redirect to the authorization server, and leave a cookie with the login."""
    query = web.query(event)
    if "provider" in query and web.single(query, "provider") != contract.PROVIDER:
        return failure("bad_link")
    origin = web.single(query, "origin") if "origin" in query else ORIGINS[0]
    if origin not in ORIGINS:
        return failure("bad_link")
    try:
        kakao = kakao_parameters.parse(query)
    except KakaoParameterError as error:
        return failure("bad_link", str(error))
    pending = PendingLogin(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        return_to="/",
        origin=origin,
        kakao=kakao_parameters.encode(kakao),
        silent="yes" if kakao_parameters.is_silent(kakao) else "",
        started=str(int(time.time())) if kakao else "",
    )
    pending, cookie = _with_return_address(pending, web.single(query, "return_to"))
    return web.redirect(authorize_url(pending), cookies=[*_clear_old_logins(event, cookie), cookie])


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


def newest_login(event: Event) -> PendingLogin | None:
    """Return the login whose cookie is the newest. Browsers send the oldest cookie first (RFC 6265 section 5.4)."""
    names = [name for name in web.cookies(event) if LOGIN_COOKIE_PATTERN.fullmatch(name)]
    pending = _read(web.cookies(event)[names[-1]]) if names else None
    return pending if pending and pending.cookie_name == names[-1] else None


# Callback


def callback(event: Event, redeem: Redeem) -> Response:
    """Finish the login that this browser started. Its cookie is cleared, whatever the outcome is.

    HEAD gets what GET gets if the code is good, but redeems no code and ends no login (RFC 9110, 9.2.1).
    """
    query = web.query(event)
    values, state = _login_cookies(event, query)
    if web.is_head(event):
        return _finish(query, _pending_login(values, state), None)
    response = web.respond(
        lambda: _finish(query, _pending_login(values, state), redeem), log=log, unexpected=pages.error("unexpected")
    )
    if values:
        response["cookies"].append(_cleared(_login_cookie_name(state)))
    return response


def _login_cookies(event: Event, query: Mapping[str, list[str]]) -> tuple[list[str], str]:
    """Return the values of the login cookie for the state of the request, and the state."""
    state = web.single(query, "state") or ""
    return web.cookies(event).get(_login_cookie_name(state), []) if STATE_PATTERN.fullmatch(state) else [], state


def _finish(query: Mapping[str, list[str]], pending: PendingLogin | None, redeem: Redeem | None) -> Response:
    """Answer the callback. A silent login that fails leads back to the page as it is; the log tells why."""
    response = _outcome(query, pending, redeem)
    if pending and pending.silent and response["statusCode"] >= 400:
        return web.redirect(local_address(pending.return_to))
    return response


def _outcome(query: Mapping[str, list[str]], pending: PendingLogin | None, redeem: Redeem | None) -> Response:
    """Redeem the code. Without a pending login of the same state, no request is sent anywhere."""
    if pending is None:
        return failure("login_expired", "no such login here")
    if "error" in query:
        error, description = web.single(query, "error"), web.single(query, "error_description")
        return failure(pages.kind_of(error or "", description or ""))
    code = web.single(query, "code") or ""
    if not 0 < len(code) <= contract.MAX_CODE_LENGTH:
        return failure("login_expired", "no code")
    # A relative address cannot leave the origin of the cookies.
    return_address = local_address(pending.return_to)
    if not redeem:
        return web.redirect(return_address)
    try:
        tokens = redeem(code, pending)
        cookies = session_cookies.for_tokens(tokens)
    except SignInFailedError as error:
        return failure(error.kind, str(error))
    except TokenTooLargeError as error:
        return failure("token_too_large", str(error))
    except CookieError as error:
        return failure("unavailable", str(error))
    log.info(contract.LOG_SIGNED_IN, extra={"sub": tokens.claims["sub"]})
    return web.redirect(return_address, cookies=cookies)


def _pending_login(values: list[str], state: str) -> PendingLogin | None:
    """Return the login with this state, if this browser started it: `values` are those of its login cookie."""
    pending = _read(values)
    return pending if pending and equal(pending.state, state) else None


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


def failure(kind: str, reason: str = "") -> Response:
    """Answer with the page of this kind. `reason` is a fixed text: Cognito's description may hold an e-mail."""
    if cause := pages.PAGES[kind].cause:  # the dashboard shows errors, and an alarm counts the page's 502
        log.error(contract.LOG_NOT_SIGNED_IN, extra={"outcome": kind, "reason": cause})
    else:
        log.info(contract.LOG_NOT_SIGNED_IN, extra={"outcome": kind} | ({"reason": reason} if reason else {}))
    return pages.error(kind)


def _cleared(name: str) -> str:
    return web.set_cookie(name, "", path="/", max_age=0, same_site="Lax")


def _login_cookie_name(state: str) -> str:
    return f"{contract.LOGIN_COOKIE_PREFIX}{state[:8]}"


def equal(left: object, right: str) -> bool:
    """Compare in a time that does not depend on where two texts differ."""
    return isinstance(left, str) and left.isascii() and hmac.compare_digest(left, right)
