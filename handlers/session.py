"""Sign-in through the hosted login, and the session that it leaves in two cookies.

GET  /api/auth/login      302 to the hosted login (OAuth 2.0 code grant with state, nonce and PKCE S256, all three)
GET  /api/auth/callback   302 to where the person was going, with the session's cookies; or a page that says what failed
POST /api/auth/refresh    204 with new cookies; 401 when the session is over
POST /api/auth/logout     200 {"logout_url": …}; the refresh token is revoked, the cookies are cleared
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import quote, urlencode

from handlers import pages, web
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

ORIGINS: list[str] = json.loads(os.environ["SITE_ORIGINS"])  # the site itself comes first
HOSTED_LOGIN = os.environ["HOSTED_LOGIN_URL"]
CLIENT_ID = os.environ["CLIENT_ID"]
IDENTITY_PROVIDER = os.environ["IDENTITY_PROVIDER"]
REFRESH_SECONDS = int(os.environ["REFRESH_DAYS"]) * 86400
endpoint = TokenEndpoint(hosted_login=HOSTED_LOGIN, client_id=CLIENT_ID, issuer=os.environ["ISSUER"])

ID_COOKIE = "__Host-id"
REFRESH_COOKIE, REFRESH_PATH = "__Secure-refresh", "/api/auth"
LOGIN_COOKIE = re.compile(r"__Host-login-[A-Za-z0-9_-]{8}")  # the state's first characters: tabs sign in side by side
LOGIN_SECONDS = 600
MOST_LOGINS = 5
MOST_REVOKED = 3  # one is ours; a sibling host can plant more

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
        return _login_cookie(self.state)

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
    route = event.get("routeKey", "")
    unexpected = pages.error("unexpected") if route.startswith("GET") else None  # a person reads it, or a script
    return web.guarded(lambda: routes[route](event), log=log, unexpected=unexpected)


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
    begun = Login(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        return_to=local_path(web.one(asked, "return_to")),
        origin=origin,
    )
    old = [name for name in web.cookies(event) if LOGIN_COOKIE.fullmatch(name)]
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
    """Finish the login that this browser began; whatever comes of it, the login's cookie is gone."""
    asked = web.query(event)
    state = web.one(asked, "state") or ""
    kept = web.cookies(event).get(_login_cookie(state), []) if STATE.fullmatch(state) else []
    answer = web.guarded(lambda: _finished(asked, _begun(kept, state)), log=log, unexpected=pages.error("unexpected"))
    if kept:
        answer["cookies"].append(_cleared(_login_cookie(state)))
    return answer


def _finished(asked: Mapping[str, list[str]], begun: Login | None) -> Answer:
    """Redeem the code of a login whose state has been found equal; before that, nothing is sent anywhere."""
    if begun is None:
        return _failed("login_expired", "no such login here")
    if "error" in asked:
        return _failed(pages.kind_of(web.one(asked, "error") or "", web.one(asked, "error_description") or ""))
    code = web.one(asked, "code") or ""
    if not 0 < len(code) <= 2048:
        return _failed("login_expired", "no code")
    try:
        tokens = endpoint.redeem(code, verifier=begun.verifier, redirect_uri=_redirect_uri(begun))
        if not _same(tokens.claims.get("nonce"), begun.nonce):
            return _failed("login_expired", "another nonce")
        session = _session(tokens)
    except (TokenError, web.CookieError) as error:
        return _failed(_kind_of(error), str(error))
    log.info("signed_in", extra={"sub": tokens.claims["sub"]})
    # Relative, so that it cannot leave the origin that the cookies are for.
    return web.redirect(local_path(begun.return_to), cookies=session)


def _begun(kept: list[str], state: str) -> Login | None:
    """Return the login with this state, if this browser began it: if `kept` is its one cookie."""
    if len(kept) != 1:
        return None
    try:
        begun = Login(**json.loads(base64.b64decode(kept[0], altchars=b"-_", validate=True)))
    except (ValueError, TypeError, RecursionError):
        return None
    whole = all(isinstance(value, str) and value.isascii() for value in asdict(begun).values())
    return begun if whole and begun.origin in ORIGINS and _same(begun.state, state) else None


def _failed(kind: str, reason: str = "") -> Answer:
    log.info("not_signed_in", extra={"outcome": kind, "reason": reason})
    return pages.error(kind)


# Refresh and sign-out


def refresh(event: Event) -> Answer:
    """Give the session new tokens; it ends only if Cognito says so, not because Cognito could not be asked."""
    _from_the_site(event)
    old = _refresh_tokens(event)
    if not old:
        raise _signed_out()
    if len(old) > 1:
        raise Refusal(400, "invalid_request", f"The cookie {REFRESH_COOKIE} may be sent only once.")
    try:
        tokens = endpoint.refresh(old[0])
        if not _same_person(event, tokens):
            raise _signed_out()
        session = _session(tokens)
    except GrantRefusedError:
        raise _signed_out() from None
    except ThrottledError:
        raise Refusal(429, "throttled", "Too many requests. Try again in a moment.", retry_after=2) from None
    except TooSlowError:
        raise Refusal(504, "cognito_too_slow", "The sign-in service is slow. Try again.") from None
    except (TokenError, web.CookieError) as error:
        log.warning("not_refreshed", extra={"reason": str(error)})
        raise Refusal(502, "cognito_unavailable", "The sign-in service is not available. Try again.") from None
    log.info("refreshed", extra={"sub": tokens.claims["sub"]})
    return web.json_answer(204, None, headers={"session-expires-in": str(tokens.seconds_left)}, cookies=session)


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
    _from_the_site(event)
    for token in _refresh_tokens(event)[:MOST_REVOKED]:
        try:
            endpoint.revoke(token)
        except TokenError as error:
            log.warning("not_revoked", extra={"reason": str(error)})
    origin = web.header(event, "origin")
    logout_uri = f"{origin if origin in ORIGINS else ORIGINS[0]}/"
    query = urlencode({"client_id": CLIENT_ID, "logout_uri": logout_uri})
    log.info("signed_out")
    return web.json_answer(200, {"logout_url": f"{HOSTED_LOGIN}/logout?{query}"}, cookies=_no_session())


def _from_the_site(event: Event) -> None:
    """Refuse what another site's page may have sent: browsers say where a request comes from, by one header or two."""
    site, origin = web.header(event, "sec-fetch-site"), web.header(event, "origin")
    ours = origin in ORIGINS if site is None else site == "same-origin"
    if not ours:
        raise Refusal(403, "cross_site", "Send this request from the site itself.")


def _refresh_tokens(event: Event) -> list[str]:
    """Return each refresh token that came once: more than one, if a sibling host has planted others."""
    return [token for token in dict.fromkeys(web.cookies(event).get(REFRESH_COOKIE, [])) if token]


def _signed_out() -> Refusal:
    return Refusal(401, "signed_out", "The session is over. Sign in again.", cookies=_no_session())


# Cookies


def _session(tokens: Tokens) -> list[str]:
    """Return the cookies of a session; raise CookieError where a browser would not keep them."""
    kept = [web.set_cookie(ID_COOKIE, tokens.id_token, path="/", max_age=tokens.seconds_left, same_site="Strict")]
    if tokens.refresh_token:
        kept.append(_refresh_cookie(tokens.refresh_token, REFRESH_SECONDS))
    return kept


def _no_session() -> list[str]:
    return [web.set_cookie(ID_COOKIE, "", path="/", max_age=0, same_site="Strict"), _refresh_cookie("", 0)]


def _refresh_cookie(value: str, max_age: int) -> str:
    return web.set_cookie(REFRESH_COOKIE, value, path=REFRESH_PATH, max_age=max_age, same_site="Strict")


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
        case _:
            return "unavailable"
