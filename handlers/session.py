"""Sign-in through the hosted login, and the session that it leaves in two cookies.

GET  /api/auth/login      302 to the hosted login (OAuth 2.0 code grant with state, nonce and PKCE S256, all three)
GET  /api/auth/callback   302 to where the person was going, with the session's cookies; or a page that says what failed
POST /api/auth/refresh    204 with new cookies; 401 when the session is over
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
from dataclasses import asdict, dataclass
from urllib.parse import quote, urlencode

from handlers import pages, session_cookies, web
from handlers.session_cookies import ID_COOKIE, ORIGINS
from handlers.token_endpoint import (
    GrantRefusedError,
    ThrottledError,
    TokenEndpoint,
    TokenError,
    Tokens,
    TooSlowError,
    payload,
)
from handlers.web import Answer, Event, Refusal

log = logging.getLogger(__name__)

HOSTED_LOGIN = os.environ["HOSTED_LOGIN_URL"]
CLIENT_ID = os.environ["CLIENT_ID"]
IDENTITY_PROVIDER = os.environ["IDENTITY_PROVIDER"]
endpoint = TokenEndpoint(hosted_login=HOSTED_LOGIN, client_id=CLIENT_ID, issuer=os.environ["ISSUER"])

LOGIN_COOKIE = "__Host-login-"  # and the first characters of the state: tabs sign in side by side
LOGIN_SECONDS = 600
MOST_LOGINS = 5

# One slash and no second one, no backslash, no control character, nothing outside ASCII: a browser finds no host in it.
RETURN_TO = re.compile(r"/(?!/|api/)[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
STATE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Login:
    """A login that has begun in this browser. It holds nothing that the browser's owner may not know."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    origin: str

    @property
    def cookie_name(self) -> str:
        """One name a tab, which the callback can find by its state."""
        return LOGIN_COOKIE + self.state[:8]

    def as_cookie(self) -> str:
        """Return the Set-Cookie line that keeps it; Lax, because the callback comes from another site."""
        packed = base64.urlsafe_b64encode(json.dumps(asdict(self), separators=(",", ":")).encode()).decode()
        return web.set_cookie(self.cookie_name, packed, path="/", max_age=LOGIN_SECONDS, same_site="Lax")


def handler(event: Event, _context: object) -> Answer:
    """Answer one request; every error is one of ours, and none repeats what came in."""
    routes = {
        "GET /api/auth/login": login,
        "GET /api/auth/callback": callback,
        "POST /api/auth/refresh": refresh,
        "POST /api/auth/logout": logout,
    }
    try:
        return routes[event["routeKey"]](event)
    except Refusal as refusal:
        log.info("refused", extra={"code": refusal.code, "status": refusal.status})
        return refusal.as_json()
    except Exception as error:  # noqa: BLE001 - a bug is logged without what it was about, which may be a token
        log.error("unexpected", extra=web.where(error))
        if event.get("routeKey", "").startswith("GET"):
            return pages.error("unexpected")
        return Refusal(500, "unexpected", "Something went wrong. Try again.").as_json()


# Login


def login(event: Event) -> Answer:
    """Send the browser to the hosted login, straight on to Kakao where the request says so."""
    asked = web.query(event)
    provider = web.one(asked, "provider")
    if "provider" in asked and provider != IDENTITY_PROVIDER:
        return pages.error("bad_link")
    origin = web.one(asked, "origin") if "origin" in asked else ORIGINS[0]
    if origin not in ORIGINS:
        return pages.error("bad_link")
    begun = Login(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        return_to=local_path(web.one(asked, "return_to")),
        origin=origin,
    )
    old = [name for name in web.cookies(event) if name.startswith(LOGIN_COOKIE)]
    cleared = [_cleared(name) for name in old[: max(0, len(old) - MOST_LOGINS + 1)]]
    return web.redirect(_authorize_url(begun, provider), cookies=[*cleared, begun.as_cookie()])


def local_path(wanted: str | None) -> str:
    """Return where to go after the login: `wanted`, if it cannot lead off the site or back into the API; else `/`."""
    if not wanted or len(wanted) > 512 or not RETURN_TO.fullmatch(wanted):
        return "/"
    path = wanted.partition("?")[0].lower()
    hidden = ("//", "/./", "/../", "%2e", "%2f", "%5c")
    return "/" if path.endswith(("/.", "/..")) or any(part in path for part in hidden) else wanted


def _authorize_url(begun: Login, provider: str | None) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": _redirect_uri(begun),
        "scope": "openid email profile",
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if provider:
        parameters["identity_provider"] = provider
    return f"{HOSTED_LOGIN}/oauth2/authorize?{urlencode(parameters, quote_via=quote)}"  # Cognito wants %20, not +


def _redirect_uri(begun: Login) -> str:
    return f"{begun.origin}/api/auth/callback"


# Callback


def callback(event: Event) -> Answer:
    """Finish the login that this browser began; nothing is sent anywhere before its state has been found equal."""
    asked = web.query(event)
    begun = _begun(event, web.one(asked, "state") or "")
    if begun is None:
        return pages.error("login_expired")
    cleared = [_cleared(begun.cookie_name)]
    if "error" in asked:
        kind = pages.kind_of(web.one(asked, "error") or "", web.one(asked, "error_description") or "")
        return pages.error(kind, cookies=cleared)
    code = web.one(asked, "code") or ""
    if not 0 < len(code) <= 2048:
        return pages.error("login_expired", cookies=cleared)
    try:
        tokens = endpoint.redeem(code, verifier=begun.verifier, redirect_uri=_redirect_uri(begun))
        if not _same(tokens.claims.get("nonce"), begun.nonce):
            return pages.error("login_expired", cookies=cleared)
        session = session_cookies.started(tokens)
    except GrantRefusedError:
        return pages.error("login_expired", cookies=cleared)
    except (TokenError, ValueError) as error:
        return pages.error(_kind_of(error), cookies=cleared)
    log.info("signed_in", extra={"sub": tokens.claims["sub"]})
    # Relative, so that it cannot leave the origin that the cookies are for.
    return web.redirect(local_path(begun.return_to), cookies=[*cleared, *session])


def _begun(event: Event, state: str) -> Login | None:
    """Return the login with this state, if this browser began it."""
    if not STATE.fullmatch(state):
        return None
    packed = web.cookies(event).get(LOGIN_COOKIE + state[:8], [])
    if len(packed) != 1:
        return None
    try:
        begun = Login(**json.loads(base64.b64decode(packed[0], altchars=b"-_", validate=True)))
    except (ValueError, TypeError, RecursionError):
        return None
    whole = all(isinstance(value, str) for value in asdict(begun).values()) and begun.origin in ORIGINS
    return begun if whole and _same(begun.state, state) else None


# Refresh and sign-out


def refresh(event: Event) -> Answer:
    """Give the session new tokens; it ends only if Cognito says so, not because Cognito could not be asked."""
    if token := _sent_token(event):
        tokens = _refreshed(token, Refusal(401, "signed_out", "The refresh token is not good any more. Sign in again."))
        if not tokens.access_token:
            raise _unavailable()
        log.info("refreshed", extra={"sub": tokens.claims["sub"]})
        return web.json_answer(200, tokens.as_body(unless_rotated=token))
    session_cookies.check_site(event)
    old = session_cookies.refresh_token(event)
    over = Refusal(401, "signed_out", "The session is over. Sign in again.", cookies=session_cookies.ended())
    if old is None:
        raise over
    tokens = _refreshed(old, over)
    if not _same_person(event, tokens):
        raise over
    try:
        cookies = session_cookies.started(tokens)
    except ValueError:
        raise _unavailable() from None
    log.info("refreshed", extra={"sub": tokens.claims["sub"]})
    return web.json_answer(204, None, headers={"session-expires-in": str(tokens.seconds_left)}, cookies=cookies)


def _refreshed(old: str, over: Refusal) -> Tokens:
    try:
        tokens = endpoint.refresh(old)
    except GrantRefusedError:
        raise over from None
    except ThrottledError:
        raise Refusal(429, "throttled", "Too many requests. Try again in a moment.", retry_after=2) from None
    except TooSlowError:
        raise Refusal(504, "cognito_too_slow", "The sign-in service is slow. Try again.") from None
    except TokenError:
        raise _unavailable() from None
    return tokens


def _unavailable() -> Refusal:
    return Refusal(502, "cognito_unavailable", "The sign-in service is not available. Try again.")


def _sent_token(event: Event) -> str | None:
    """Return the refresh token in the body, where only a client sends one that is no page of the site."""
    return web.text(web.json_body(event), "refresh_token", longest=4096) if event.get("body") else None


def _same_person(event: Event, tokens: Tokens) -> bool:
    """Whether the ID token that is still here, if one is, was about the same person.

    A sibling host can plant a `__Secure-` cookie, though no `__Host-` one: the session must not change hands by it.
    """
    for old in web.cookies(event).get(ID_COOKIE, []):
        try:
            if payload(old).get("sub") != tokens.claims["sub"]:
                return False
        except ValueError:
            continue
    return True


def logout(event: Event) -> Answer:
    """End the session here and at Cognito, whether or not there was one; the page then visits `logout_url`."""
    token, cookies = _sent_token(event), list[str]()
    if token is None:
        session_cookies.check_site(event)
        token, cookies = session_cookies.refresh_token(event), session_cookies.ended()
    try:
        if token:
            endpoint.revoke(token)
    except TokenError as error:
        log.warning("not_revoked", extra={"reason": type(error).__name__})
    origin = web.header(event, "origin")
    logout_uri = f"{origin if origin in ORIGINS else ORIGINS[0]}/"
    query = urlencode({"client_id": CLIENT_ID, "logout_uri": logout_uri})
    log.info("signed_out")
    return web.json_answer(200, {"logout_url": f"{HOSTED_LOGIN}/logout?{query}"}, cookies=cookies)


def _cleared(name: str) -> str:
    return web.set_cookie(name, "", path="/", max_age=0, same_site="Lax")


def _same(left: object, right: str) -> bool:
    return isinstance(left, str) and hmac.compare_digest(left.encode(), right.encode())


def _kind_of(error: Exception) -> str:
    if isinstance(error, ThrottledError):
        return "throttled"
    return "too_slow" if isinstance(error, TooSlowError) else "unavailable"
