"""Sign-in through the hosted login, and the session that it leaves in three cookies.

GET  /api/auth/login      302 to the hosted login (OAuth 2.0 code grant with state, nonce and PKCE S256, all three)
GET  /api/auth/callback   302 to where the user was going, with the session's cookies; or a page that says what failed
GET  /api/auth/missing/…  404 with a page, for the distribution, in place of a file that the site does not have
HEAD                      what GET is answered, without a body; it begins no login, and redeems no code
POST /api/auth/refresh    204 with new cookies; 401 when the session is over; 507 when no browser keeps its ID token
POST /api/auth/logout     200 {"logout_url": …}; the refresh token is revoked, the cookies are cleared

A client that keeps its tokens itself sends {"refresh_token": …} to the last two, and gets 200 with new tokens; for it
cookies neither count nor change.
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
from dataclasses import asdict, dataclass, replace
from urllib.parse import quote, urlencode

from handlers import contract, pages, session_cookies, web
from handlers.return_address import candidates, local_address
from handlers.session_cookies import ORIGINS, TokenTooLargeError
from handlers.token_endpoint import (
    GrantRefusedError,
    ThrottledError,
    TokenEndpoint,
    TokenError,
    Tokens,
    TooSlowError,
)
from handlers.web import Answer, Event, Refusal

log = logging.getLogger(__name__)

HOSTED_LOGIN = os.environ["HOSTED_LOGIN_URL"]
CLIENT_ID = os.environ["CLIENT_ID"]
IDENTITY_PROVIDER = contract.PROVIDER
SCOPE = " ".join(contract.SCOPES)
endpoint = TokenEndpoint(hosted_login=HOSTED_LOGIN, client_id=CLIENT_ID, issuer=os.environ["ISSUER"])

LOGIN_COOKIE = re.compile(r"__Host-login-[A-Za-z0-9_-]{8}")  # the state's first characters: tabs sign in side by side
LOGIN_SECONDS = 600
MOST_LOGINS = 5
MAX_LOGINS_BYTES = 1536  # of all their cookies, beside a session's (session_cookies.MAX_SESSION_BYTES)
MAX_CLEARED = 20  # cookies in one answer, whose headers API Gateway bounds too

STATE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class BegunLogin:
    """A login that has begun in this browser. It holds nothing that the browser's owner may not know."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    origin: str

    @property
    def cookie_name(self) -> str:
        """One name a tab, which the callback can find by its state."""
        return _login_cookie(self.state)

    def as_cookie(self) -> str:
        """Return the Set-Cookie line that keeps it; Lax, because the callback comes from another site."""
        packed = base64.urlsafe_b64encode(json.dumps(asdict(self), separators=(",", ":")).encode()).decode()
        return web.set_cookie(self.cookie_name, packed, path="/", max_age=LOGIN_SECONDS, same_site="Lax")


def handler(event: Event, _context: object) -> Answer:
    """Answer one request; every error is one of ours, and none repeats what came in."""
    routes: dict[str, Callable[[Event], Answer]] = {
        "GET /api/auth/login": login,
        "GET /api/auth/callback": callback,
        "GET /api/auth/missing/{file+}": lambda _event: pages.not_found(),
        "POST /api/auth/refresh": refresh,
        "POST /api/auth/logout": logout,
        "HEAD /api/auth/login": login,
        "HEAD /api/auth/callback": foreseen,
        "HEAD /api/auth/missing/{file+}": lambda _event: pages.not_found(),
    }
    route = event.get("routeKey", "")
    by_browser = route.startswith(("GET", "HEAD"))  # a user reads the answer, or a script
    unexpected = pages.error("unexpected") if by_browser else None
    answer = web.guarded(lambda: routes[route](event), log=log, unexpected=unexpected)
    return web.head_answer(answer) if route.startswith("HEAD") else answer


# Login


def login(event: Event) -> Answer:
    """Send the browser to the hosted login, straight on to Kakao where the request says so."""
    asked = web.query(event)
    provider = web.one(asked, "provider")
    if "provider" in asked and provider != IDENTITY_PROVIDER:
        return _failed("bad_link")
    origin = web.one(asked, "origin") if "origin" in asked else ORIGINS[0]
    if origin not in ORIGINS:
        return _failed("bad_link")
    begun = BegunLogin(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        return_to="/",
        origin=origin,
    )
    begun, cookie = _that_a_browser_keeps(begun, web.one(asked, "return_to"))
    return web.redirect(_authorize_url(begun, provider), cookies=[*_make_room(event, cookie), cookie])


def _make_room(event: Event, cookie: str) -> list[str]:
    """Return what clears the oldest of the logins that have begun, so that the new one's cookie fits beside the rest.

    Browsers send the oldest cookie first (RFC 6265 section 5.4).
    """
    old = {name: values for name, values in web.cookies(event).items() if LOGIN_COOKIE.fullmatch(name)}
    kept, room = 1, MAX_LOGINS_BYTES - len(cookie.partition(";")[0])
    for name in reversed([*old]):
        room -= sum(len(f"{name}={value}") for value in old[name])
        if kept == MOST_LOGINS or room < 0:
            break
        kept += 1
        del old[name]
    return [_cleared(name) for name in [*old][:MAX_CLEARED]]


def _that_a_browser_keeps(begun: BegunLogin, wanted: str | None) -> tuple[BegunLogin, str]:
    """Return the login that returns to what was wanted, or as near to it as its cookie holds, with the cookie."""
    for address in candidates(wanted):
        with suppress(web.CookieError):
            begun = replace(begun, return_to=address)
            return begun, begun.as_cookie()
    raise web.CookieError("no browser keeps the login, whatever it returns to")


def _authorize_url(begun: BegunLogin, provider: str | None) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": _redirect_uri(begun),
        "scope": SCOPE,
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if provider:
        parameters["identity_provider"] = provider
    return f"{HOSTED_LOGIN}/oauth2/authorize?{urlencode(parameters, quote_via=quote)}"  # Cognito wants %20, not +


def _redirect_uri(begun: BegunLogin) -> str:
    return f"{begun.origin}/api/auth/callback"


# Callback


def callback(event: Event) -> Answer:
    """Finish the login that this browser began; whatever comes of it, the login's cookie is gone."""
    asked = web.query(event)
    kept, state = _kept(event, asked)
    answer = web.guarded(lambda: _finished(asked, _begun(kept, state)), log=log, unexpected=pages.error("unexpected"))
    if kept:
        answer["cookies"].append(_cleared(_login_cookie(state)))
    return answer


def foreseen(event: Event) -> Answer:
    """Return what GET would answer if Cognito gave tokens: HEAD redeems no code and ends no login (RFC 9110, 9.2.1)."""
    asked = web.query(event)
    return _finished(asked, _begun(*_kept(event, asked)), redeem=False)


def _kept(event: Event, asked: Mapping[str, list[str]]) -> tuple[list[str], str]:
    """Return the login cookies that the request has for its state, and the state."""
    state = web.one(asked, "state") or ""
    return web.cookies(event).get(_login_cookie(state), []) if STATE.fullmatch(state) else [], state


def _finished(asked: Mapping[str, list[str]], begun: BegunLogin | None, *, redeem: bool = True) -> Answer:
    """Redeem the code of a login whose state has been found equal; before that, nothing is sent anywhere."""
    if begun is None:
        return _failed("login_expired", "no such login here")
    if "error" in asked:
        return _failed(pages.kind_of(web.one(asked, "error") or "", web.one(asked, "error_description") or ""))
    code = web.one(asked, "code") or ""
    if not 0 < len(code) <= 2048:
        return _failed("login_expired", "no code")
    # Relative, so that it cannot leave the origin that the cookies are for.
    there = local_address(begun.return_to)
    if not redeem:
        return web.redirect(there)
    try:
        tokens = endpoint.redeem(code, verifier=begun.verifier, redirect_uri=_redirect_uri(begun))
        if not _same(tokens.claims.get("nonce"), begun.nonce):
            return _failed("login_expired", "another nonce")
        session = session_cookies.started(tokens)
    except (TokenError, TokenTooLargeError, web.CookieError) as error:
        return _failed(_kind_of(error), str(error))
    log.info("signed_in", extra={"sub": tokens.claims["sub"]})
    return web.redirect(there, cookies=session)


def _begun(kept: list[str], state: str) -> BegunLogin | None:
    """Return the login with this state, if this browser began it: if `kept` is its one cookie."""
    if len(kept) != 1:
        return None
    try:
        begun = BegunLogin(**json.loads(base64.b64decode(kept[0], altchars=b"-_", validate=True)))
    except (ValueError, TypeError, RecursionError):
        return None
    whole = all(isinstance(value, str) and value.isascii() for value in asdict(begun).values())
    return begun if whole and begun.origin in ORIGINS and _same(begun.state, state) else None


def _failed(kind: str, reason: str = "") -> Answer:
    """Answer with the page of this kind. `reason` is text of ours: Cognito's description may hold an e-mail."""
    if cause := pages.PAGES[kind].cause:  # the dashboard shows errors, and an alarm counts the page's 502
        log.error("not_signed_in", extra={"outcome": kind, "reason": cause})
    else:
        log.info("not_signed_in", extra={"outcome": kind} | ({"reason": reason} if reason else {}))
    return pages.error(kind)


# Refresh and sign-out


def refresh(event: Event) -> Answer:
    """Give the session new tokens; it ends only if Cognito says so, not because Cognito could not be asked."""
    if token := _sent_token(event):
        tokens = _refreshed(token)
        if not tokens:
            raise Refusal(401, "signed_out", "The refresh token is not good any more. Sign in again.")
        if not tokens.access_token:
            raise _unavailable("no access token")
        log.info("refreshed", extra={"sub": tokens.claims["sub"]})
        return web.json_answer(200, tokens.as_body(unless_rotated=token))
    session_cookies.check_site(event)
    over = Refusal(401, "signed_out", "The session is over. Sign in again.", cookies=session_cookies.ended(event))
    tokens = _own(session_cookies.refresh_tokens(event), session_cookies.person(event), over)
    try:
        cookies = session_cookies.started(tokens)
    except TokenTooLargeError:
        # The refresh token may have been rotated: the session goes on once its user's ID token is short enough again.
        raise TokenTooLargeError(cookies=session_cookies.renewable(tokens)) from None
    except web.CookieError as error:
        raise _unavailable(str(error)) from None
    log.info("refreshed", extra={"sub": tokens.claims["sub"]})
    return web.json_answer(204, None, headers={"session-expires-in": str(tokens.seconds_left)}, cookies=cookies)


def _own(sent: list[str], person: str | None, over: Refusal) -> Tokens:
    """Return new tokens of this person; those of somebody else, for a token that a sibling host set, are dropped."""
    if not person:
        raise over
    for token in sent:
        tokens = _refreshed(token)
        if tokens and tokens.claims["sub"] == person:
            return tokens
    raise over


def _refreshed(old: str) -> Tokens | None:
    """Return new tokens, or None where Cognito says that the old one is not good any more."""
    try:
        return endpoint.refresh(old)
    except GrantRefusedError:
        return None
    except ThrottledError:
        raise Refusal(429, "throttled", "Too many requests. Try again in a moment.", retry_after=2) from None
    except TooSlowError:
        raise Refusal(504, "cognito_too_slow", "The sign-in service is slow. Try again.") from None
    except TokenError as error:
        raise _unavailable(str(error)) from None


def _unavailable(reason: str) -> Refusal:
    log.warning("not_refreshed", extra={"reason": reason})
    return Refusal(502, "cognito_unavailable", "The sign-in service is not available. Try again.")


def _sent_token(event: Event) -> str | None:
    """Return the refresh token in the body, where only a client sends one that is no page of the site."""
    return web.text(web.json_body(event), "refresh_token", longest=4096) if event.get("body") else None


def logout(event: Event) -> Answer:
    """End the session here and at Cognito, whether or not there was one; the page then visits `logout_url`."""
    if sent := _sent_token(event):
        tokens, cookies = [sent], list[str]()
    else:
        session_cookies.check_site(event)
        tokens, cookies = session_cookies.refresh_tokens(event), session_cookies.ended(event)
    for token in tokens:
        try:
            endpoint.revoke(token)
        except TokenError as error:
            log.warning("not_revoked", extra={"reason": str(error)})
            if isinstance(error, TooSlowError):
                break  # to be slow again for each would take longer than a function may, and nobody would be signed out
    origin = web.header(event, "origin")
    logout_uri = f"{origin if origin in ORIGINS else ORIGINS[0]}/"
    query = urlencode({"client_id": CLIENT_ID, "logout_uri": logout_uri})
    log.info("signed_out")
    return web.json_answer(200, {"logout_url": f"{HOSTED_LOGIN}/logout?{query}"}, cookies=cookies)


def _cleared(name: str) -> str:
    return web.set_cookie(name, "", path="/", max_age=0, same_site="Lax")


def _login_cookie(state: str) -> str:
    return f"__Host-login-{state[:8]}"


def _same(left: object, right: str) -> bool:
    return isinstance(left, str) and left.isascii() and hmac.compare_digest(left, right)


def _kind_of(error: Exception) -> str:
    match error:
        case GrantRefusedError():
            return "login_expired"
        case ThrottledError():
            return "throttled"
        case TooSlowError():
            return "too_slow"
        case TokenTooLargeError():
            return "token_too_large"
        case _:
            return "unavailable"
